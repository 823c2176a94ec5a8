/** The modules that are loaded. */

import { expect, test } from 'vitest';
import { assembled } from './assemble.ts';

test('the binaries are those that the code says', async () => {
  await expect(assembled()).toMatchFileSnapshot('./binaries.ts');
});
