import { boxOf, HeatmapClient } from 'fleetglow-protocol'

const client = new HeatmapClient({
  url: 'wss://abc123.execute-api.eu-west-1.amazonaws.com/live',
  // With the scope heatmap:read; for exact counts, as a dispatcher wants them, with drivers:read as well.
  token: () => Promise.resolve('a token'),
  onLink: (link) => console.log(link), // connecting, connected, reconnecting, refused
})
const { cities } = await client.hello()
console.log(cities.map(({ title }) => title).join(', '))

const watch = client.watch(
  { city: 'lagos', precision: 7, bbox: [6.51, 3.34, 6.66, 3.38] },
  ({ cells, drivers, asOf }) => {
    console.log(`${asOf}: ${drivers} drivers in Lagos, ${cells.size} cells of it in view`)
    for (const [cell, count] of cells) console.log(boxOf(cell), count)
  },
  ({ code, message }) => console.log(`refused: ${message} (${code})`),
)
setTimeout(() => watch.close(), 60_000)
