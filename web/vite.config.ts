import { defineConfig } from 'vite'

export default defineConfig({
  // The page lies in a bucket under a path that nobody knows at build time.
  base: './',
  // `fleetglow-protocol` from its sources.
  resolve: { tsconfigPaths: true },
  build: {
    target: 'es2023',
    // MapLibre is one megabyte and comes in a chunk of its own, after the first paint.
    chunkSizeWarningLimit: 1200,
  },
})
