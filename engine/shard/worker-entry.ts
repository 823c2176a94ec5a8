/**
 * How worker threads of this package are started, whatever they run: where their entry module lies, and compiled code that
 * outlives the process, since a thread would otherwise compile (and in a checkout strip the types of) its modules anew at
 * every start, which takes longer than everything else in the start.
 */

import { flushCompileCache, getCompileCacheDir } from 'node:module';

/**
 * The address of a worker's entry module: `.ts` in a checkout, `.js` in the built package. To the compiler an entry is a plain
 * string that it does not rewrite, so the extension is that of the asking module.
 *
 * `workerEntry('./shard-thread', import.meta.url)` is the module beside the asking one.
 */
export function workerEntry(path: string, importMetaUrl: string): URL {
  const extension = importMetaUrl.endsWith('.ts') ? '.ts' : '.js';
  return new URL(path + extension, importMetaUrl);
}

/** For a worker's `env`: like this thread's, and with its compile cache, which workers do not inherit by themselves. */
export function workerEnvironment(): NodeJS.ProcessEnv {
  const directory = getCompileCacheDir();
  if (directory === undefined) return process.env;
  return { ...process.env, NODE_COMPILE_CACHE: directory };
}

/** In a worker that has loaded its modules: stores what was compiled now, because the process may end without warning. */
export function keepCompiledCode(): void {
  flushCompileCache();
}
