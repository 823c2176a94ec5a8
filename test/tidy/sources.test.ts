/** Every source file against the rules that a program can check: bans, size, header, names. */

import { basename } from 'node:path';
import { describe, expect, test } from 'vitest';
import { bans } from './bans.ts';
import { allPaths, textOf, typescriptPaths, withoutComments } from './source-files.ts';

const LINES_MAX = 600;

/** Longer for a reason. */
const longFiles: Readonly<Record<string, string>> = {};

describe('sources', () => {
  for (const ban of bans) {
    test(`no ${ban.what}: ${ban.why}`, () => {
      const found: string[] = [];
      for (const path of typescriptPaths) {
        if (!ban.within(path) || path in ban.except || path.startsWith('test/tidy/')) continue;
        const lines = withoutComments(textOf(path)).split('\n');
        lines.forEach((line, index) => {
          if (ban.pattern.test(line)) found.push(`${path}:${index + 1}: ${line.trim()}`);
        });
      }
      expect(found).toEqual([]);
    });
    for (const path of Object.keys(ban.except)) {
      test(`${path} still needs its exception from "no ${ban.what}"`, () => {
        expect(ban.pattern.test(withoutComments(textOf(path)))).toBe(true);
      });
    }
  }

  test(`no file is longer than ${LINES_MAX} lines`, () => {
    const long = typescriptPaths.filter(
      (path) => !(path in longFiles) && textOf(path).split('\n').length - 1 > LINES_MAX,
    );
    expect(long).toEqual([]);
  });

  test('every file opens with what it answers for', () => {
    // A unit test beside its source says it in its titles.
    const withHeader = typescriptPaths.filter(
      (path) => !path.endsWith('.test.ts') || path.startsWith('test/'),
    );
    const bare = withHeader.filter((path) => !/^(?:#![^\n]*\n)?\/\*\*/.test(textOf(path)));
    expect(bare).toEqual([]);
  });

  test('names are kebab-case and say what is inside', () => {
    const odd = typescriptPaths.filter((path) => {
      const name = basename(path).replace(/(?:\.test|\.bench)?\.ts$/, '');
      return (
        !/^[a-z0-9]+(?:-[a-z0-9]+)*(?:\.config)?$/.test(name) ||
        /^(?:utils?|helpers?|common|misc|shared)$/.test(name)
      );
    });
    expect(odd).toEqual([]);
  });

  test('nothing says that it will be done later', () => {
    const words = /\b(?:TODO|FIXME|XXX|HACK|not implemented|placeholder)\b/;
    const later = typescriptPaths
      .filter((path) => !path.startsWith('test/tidy/'))
      .flatMap((path) =>
        textOf(path)
          .split('\n')
          .flatMap((line, index) =>
            words.test(line) ? [`${path}:${index + 1}: ${line.trim()}`] : [],
          ),
      );
    expect(later).toEqual([]);
  });

  test('the lock file holds no download addresses', () => {
    expect(textOf('package-lock.json')).not.toMatch(/"resolved": "https?:/);
  });

  test('no file names a directory or a host of the machine it was written on', () => {
    const own = /\/(?:home|Users)\/\w+\/|\/root\/|\/work\/(?:main|shared)\b|\/tmp\/peers\b/;
    const named = allPaths
      .filter((path) => /\.(?:ts|mjs|js|json|md|sh|yml|yaml|c|tsv)$|(?:^|\/)[^.]+$/.test(path))
      .filter((path) => path !== 'test/tidy/sources.test.ts' && own.test(textOf(path)));
    expect(named).toEqual([]);
  });
});
