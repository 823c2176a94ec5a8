/** Unit tests lie beside the sources; what spans files lies in test/. */

import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['{engine,cluster,net,client,cli,test,fuzz,bench}/**/*.test.ts'],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    pool: 'forks',
  },
});
