/** Watch Fleetglow's live heatmap: see README.md. */

export { HeatmapClient, type ClientOptions, type Traffic, type Watch } from './client.js'
export type { Clock } from './clock.js'
export type { Link, Socket, SocketConstructor, Token } from './connection.js'
export { boxOf, cornersOver, geohashOf, sizeOf, type Box } from './geohash.js'
export { supportsDeflate } from './packed.js'
export { ProtocolError, type City, type Encoding, type Hello, type Viewport } from './protocol.js'
export type { Finding, Probe } from './doubts.js'
export type { HeatView, Refusal } from './subscription.js'
