/** The documents against the code: layout tables, commands, links, lengths. */

import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { buildBatch } from '../../engine/format/batch-builder.ts';
import { allPaths, root, textOf } from './source-files.ts';

const manifest = JSON.parse(textOf('package.json')) as {
  scripts: Record<string, string>;
  bin: Record<string, string>;
};
const documents = allPaths.filter((path) => path.endsWith('.md'));

/** Tables of docs/format.md that follow `<!-- layout: FILE PREFIX -->`: constant, value. */
function layoutTables(): { file: string; prefix: string; rows: Map<string, number> }[] {
  const tables: { file: string; prefix: string; rows: Map<string, number> }[] = [];
  const text = textOf('docs/format.md');
  for (const match of text.matchAll(/<!-- layout: (\S+)(?: (\S+))? -->\n((?:\|[^\n]*\n)+)/g)) {
    const rows = new Map<string, number>();
    for (const line of (match[3] ?? '').split('\n')) {
      const cells = /^\| `([A-Z0-9_]+)` \| (-?(?:0x)?[0-9a-fA-F]+) \|/.exec(line);
      if (cells?.[1] !== undefined) rows.set(cells[1], Number(cells[2]));
    }
    tables.push({ file: match[1] ?? '', prefix: match[2] ?? '', rows });
  }
  return tables;
}

describe('docs/format.md', () => {
  const tables = layoutTables();

  test('has layout tables', () => {
    expect(tables.length).toBeGreaterThanOrEqual(4);
  });

  for (const { file, prefix, rows } of tables) {
    test(`says the same as ${file} ${prefix}`, async () => {
      const module = (await import(join(root, file))) as Record<string, unknown>;
      const inCode = Object.entries(module).filter(
        (entry): entry is [string, number] =>
          typeof entry[1] === 'number' &&
          entry[0].startsWith(prefix) &&
          /_(?:AT|BYTES|MASK|WORD)$/.test(entry[0]),
      );
      expect(inCode.length).toBeGreaterThan(0);
      expect(Object.fromEntries(rows)).toEqual(Object.fromEntries(inCode));
    });
  }
});

test('the worked example of docs/format.md is the batch it says it is', () => {
  const example = /<!-- example: batch -->\n```\n([\s\S]*?)```/.exec(textOf('docs/format.md'))?.[1];
  const shown = example?.replaceAll(/^[0-9a-f]{4} {2}|\s/gm, '');
  const records = [
    { key: Buffer.from('k'), value: Buffer.from('hello'), timestamp: 1_700_000_000_000 },
    {
      value: Buffer.from('!'),
      timestamp: 1_700_000_000_001,
      headers: [{ key: 'h', value: Buffer.from('1') }],
    },
  ];
  const built = buildBatch({ baseOffset: 42, leaderEpoch: 0, records });
  expect(shown).toBe(Buffer.from(built).toString('hex'));
});

describe('README.md', () => {
  const readme = textOf('README.md');

  test('is short', () => {
    expect(readme.split('\n').length).toBeLessThanOrEqual(150);
  });

  test('has an example that runs', () => {
    const example = /```js\n([\s\S]*?)```/.exec(readme)?.[1] ?? '';
    const program = example
      .replace("'millrace'", JSON.stringify(join(root, 'index.ts')))
      .replace("'millrace/client'", JSON.stringify(join(root, 'client', 'index.ts')));
    const folder = mkdtempSync(join(tmpdir(), 'millrace-example-'));
    const file = join(folder, 'example.mjs');
    writeFileSync(file, program);
    const said = execFileSync(process.execPath, [file], { encoding: 'utf8', timeout: 30_000 });
    rmSync(folder, { recursive: true });
    expect(said).toBe('0 one\n1 two\n2 three\n');
  });
});

describe('all documents', () => {
  test('name only npm scripts that exist', () => {
    const wrong: string[] = [];
    for (const path of documents) {
      for (const match of textOf(path).matchAll(
        /\bnpm (?:run (?:--silent )?([a-z:]+)|(test|start)\b)/g,
      )) {
        const script = match[1] ?? match[2] ?? '';
        if (!(script in manifest.scripts)) wrong.push(`${path}: npm run ${script}`);
      }
    }
    expect(wrong).toEqual([]);
  });

  test('name only files that exist', () => {
    const wrong: string[] = [];
    for (const path of documents) {
      const text = textOf(path).replace(/```[\s\S]*?```/g, '');
      for (const match of text.matchAll(/\]\(([^)#\s]+)(?:#[^)]*)?\)/g)) {
        const target = match[1] ?? '';
        if (/^[a-z]+:/.test(target)) continue;
        if (!existsSync(join(root, dirname(path), target))) wrong.push(`${path}: ${target}`);
      }
      for (const match of text.matchAll(
        /`((?:engine|cluster|net|client|cli|test|bench|fuzz|docs)\/[\w./-]+\.(?:ts|md|sh|mjs|c))`/g,
      )) {
        if (!existsSync(join(root, match[1] ?? ''))) wrong.push(`${path}: ${match[1]}`);
      }
    }
    expect(wrong).toEqual([]);
  });

  test('run only scripts that exist', () => {
    const wrong: string[] = [];
    for (const path of documents) {
      for (const match of textOf(path).matchAll(
        /\bnode ((?:test|bench|fuzz|cli)\/[\w./-]+\.(?:ts|mjs))/g,
      )) {
        if (!existsSync(join(root, match[1] ?? ''))) wrong.push(`${path}: ${match[1]}`);
      }
    }
    expect(wrong).toEqual([]);
  });
});
