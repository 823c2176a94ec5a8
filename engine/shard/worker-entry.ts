/**
 * The address of a worker's entry module: `.ts` in a checkout, `.js` in the built package.
 * To the compiler a worker entry is a plain string that it does not rewrite, so the extension is taken from the asking module.
 */

/** `workerEntry('./shard-thread', import.meta.url)`: the module beside the asking one, with the asking one's extension. */
export function workerEntry(path: string, importMetaUrl: string): URL {
  const extension = importMetaUrl.endsWith('.ts') ? '.ts' : '.js';
  return new URL(path + extension, importMetaUrl);
}
