import react from '@vitejs/plugin-react'
import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

// The address of a running server for `npm run dev`, e.g. http://127.0.0.1:8420.
const server = process.env.B2BRECS_URL ?? 'http://127.0.0.1:8420'

const proxy = { '/v1': server, '/signin': server }

export default defineConfig({
  plugins: [react()],
  server: { proxy },
  preview: { proxy },
  build: {
    target: 'es2022',
    sourcemap: false,
    // The chart engine is one lazy chunk; it is as small as its parts allow.
    chunkSizeWarningLimit: 700,
  },
  test: {
    environment: 'jsdom',
    include: ['src/**/*.test.{ts,tsx}'],
    setupFiles: ['src/test-setup.ts'],
    // The browser's build of it, which keeps its session; Node's does not.
    alias: { '@firebase/auth': fileURLToPath(new URL('node_modules/@firebase/auth/dist/esm/index.js', import.meta.url)) },
    testTimeout: 60_000, // a busy machine is no failure
  },
})
