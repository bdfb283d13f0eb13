import react from '@vitejs/plugin-react'
import { defineConfig } from 'vitest/config'

// All of the page lies below `/-/`, where no endpoint of any dialect is (docs/adr/0017).
const BASE = '/-/'

// The server lets pages of its own origin alone change anything: it must see the host that the browser sees.
const proxied = { target: process.env.MAINSPRING_URL ?? 'http://127.0.0.1:5000', changeOrigin: false }

export default defineConfig({
  base: BASE,
  resolve: { alias: { '@': new URL('./src', import.meta.url).pathname } },
  plugins: [react()],
  // The server puts a new nonce in place of this word into each page that it sends.
  html: { cspNonce: '__NONCE__' },
  build: {
    outDir: '../src/mainspring/server/web',
    emptyOutDir: true,
    target: 'es2023',
    // A file of its own each: the Content-Security-Policy lets no `data:` script or style in.
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 600,
  },
  worker: { format: 'es' },
  // Known from the start: a page under development is not loaded again when its first chart is opened.
  optimizeDeps: {
    include: [
      'uplot',
      '@xyflow/react',
      '@dagrejs/dagre',
      '@tanstack/react-virtual',
      'radix-ui',
      'openapi-fetch',
      'get-nonce',
    ],
  },
  server: {
    proxy: {
      '^/(api|ajax-api|login|assets|sign-in|sign-out)': proxied,
      '^/p/.*/api/': proxied,
    },
  },
  test: { environment: 'jsdom', include: ['src/**/*.test.{ts,tsx}'], setupFiles: ['src/test-setup.ts'] },
})
