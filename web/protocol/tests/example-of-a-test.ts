import { HeatmapClient } from 'fleetglow-protocol'
import { FakeServer, ManualClock } from 'fleetglow-protocol/fake-server'

const server = new FakeServer()
const clock = new ManualClock()
const client = new HeatmapClient({ url: 'wss://test', token: 't', WebSocket: server.WebSocket, clock })
const watch = client.watch(
  { city: 'lagos', precision: 7 },
  () => {},
  () => {},
)
const settle = async () => {
  await clock.advance(0) // all that is due at once
  await client.settled()
}
server.city('lagos').set({ s14mk2x: 3 })
await settle()

server.network = () => [] // loses whatever is sent …
server.city('lagos').set({ s14mk2x: 4 })
server.tick() // … such as this delta
await settle()
console.log(watch.view.cells.get('s14mk2x')) // 3

server.network = (messages) => messages
server.heartbeat() // by which the client notices, and asks
await settle()
await settle()
console.log(watch.view.cells.get('s14mk2x')) // 4
client.close()
