/**
 * The project's own files as the tidy tests see them: what git tracks or would track, their text,
 * their code without comments, and what they import.
 */

import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, posix, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = resolve(dirname(fileURLToPath(import.meta.url)), '..', '..');

/** Paths relative to the root, tracked or new, ignored files left out. */
export const allPaths: readonly string[] = execFileSync(
  'git',
  ['ls-files', '--cached', '--others', '--exclude-standard'],
  { cwd: root, encoding: 'utf8' },
)
  .split('\n')
  .filter((path) => path !== '' && existsSync(join(root, path)));

export const textOf = (path: string): string => readFileSync(join(root, path), 'utf8');

/** TypeScript that is ours: tests, benches and scripts included. */
export const typescriptPaths = allPaths.filter((path) => path.endsWith('.ts'));

const productFolders = ['engine', 'cluster', 'net', 'client', 'cli'];

/** What is published: no tests. */
export const productPaths = typescriptPaths.filter(
  (path) =>
    (path === 'index.ts' || productFolders.includes(path.split('/')[0] as string)) &&
    !path.endsWith('.test.ts'),
);

/** Blanks out comments; the line numbers stay. Good enough for sources that a formatter has been over. */
export function withoutComments(text: string): string {
  const blank = (comment: string): string => comment.replace(/[^\n]/g, ' ');
  return text
    .replace(/\/\*[\s\S]*?\*\//g, blank)
    .replace(
      /(^|[\s;{(,])\/\/[^\n]*/g,
      (found, before: string) => before + blank(found.slice(before.length)),
    );
}

const importPattern =
  /(?:^|\n)\s*(?:import|export)\s(?:[^;'"]*?\sfrom\s*)?'([^']+)'|\bimport\(\s*'([^']+)'\s*\)|\bnew URL\(\s*'(\.[^']+\.ts)'/g;

/** What a file imports: paths relative to the root for its own files, else `node:fs` or a package. */
export function importsOf(path: string): string[] {
  const code = withoutComments(textOf(path));
  const found = new Set<string>();
  for (const match of code.matchAll(importPattern)) {
    const specifier = match[1] ?? match[2] ?? match[3] ?? '';
    found.add(
      specifier.startsWith('.')
        ? posix.normalize(posix.join(posix.dirname(path), specifier))
        : specifier,
    );
  }
  return [...found];
}
