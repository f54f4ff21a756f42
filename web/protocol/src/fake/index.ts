/** A server in the same process and a clock that one turns by hand, for tests of what is built on the client. */

export { FakeCity } from './city.js'
export { ManualClock } from './clock.js'
export { FakeServer, type FakeServerOptions } from './server.js'
export { FakeSocket } from './socket.js'
