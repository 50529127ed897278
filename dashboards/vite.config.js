// Build and unit tests of the dashboards. No source maps and no inlined assets: the hub serves
// every file by itself, under a policy that forbids everything else.
import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vite';

/** Where `npm run dev` finds a running hub. */
const hub = process.env['IOC_DEV_HUB'] ?? 'http://127.0.0.1:8080';

export default defineConfig({
  plugins: [svelte()],
  worker: { format: 'es' },
  build: {
    target: 'es2022',
    sourcemap: false,
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    // MapLibre is one module of about 1 MB; its budget is checked compressed by scripts/bundle.mjs.
    chunkSizeWarningLimit: 1300,
    // What every page needs is one file, what the operations desk needs beside it another; without
    // this the desk would ask for forty small ones. Other pages share the desk's, which most have seen.
    rolldownOptions: {
      output: {
        codeSplitting: {
          groups: [
            { name: 'main', test: /src\/main\.ts$/, priority: 2 },
            { name: 'desk', test: /src\/page\/Ops\.svelte$/, priority: 1 },
          ],
        },
      },
    },
  },
  // The palette test reads style.css.
  test: { css: true },
  server: { proxy: { '/api': { target: hub, ws: true, changeOrigin: true } } },
});
