import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseProperties } from './properties.ts';

const entries = (text: string): string[][] =>
  parseProperties(text).map(({ name, value }) => [name, value]);

describe('properties', () => {
  test('an entry is split at the first equals sign, colon or blank', () => {
    expect(entries('a=1\nb: 2\nc 3\nd = 4\ne\t:\t5\nf')).toEqual([
      ['a', '1'],
      ['b', '2'],
      ['c', '3'],
      ['d', '4'],
      ['e', '5'],
      ['f', ''],
    ]);
    expect(entries('listeners=PLAINTEXT://:9092')).toEqual([['listeners', 'PLAINTEXT://:9092']]);
    expect(entries('a==b')).toEqual([['a', '=b']]);
  });

  test('comments and empty lines say nothing; a # later in a line is part of the value', () => {
    expect(entries('# one\n! two\n\n   # three\n  a=1 # not a comment')).toEqual([
      ['a', '1 # not a comment'],
    ]);
  });

  test('a backslash at the end of a line continues it without the blanks that follow', () => {
    expect(entries('a=1,\\\n   2,\\\r\n\t3\nb=\\\\\nc=4')).toEqual([
      ['a', '1,2,3'],
      ['b', '\\'],
      ['c', '4'],
    ]);
    expect(entries('a=1\\')).toEqual([['a', '1']]);
  });

  test('escapes stand for their characters, in names too', () => {
    expect(entries('a\\ b\\=c=\\t\\u00e9\\q\\\\')).toEqual([['a b=c', '\té\\'.replace('é', 'éq')]]);
  });

  test('blanks at the end of a value belong to it, those before it do not', () => {
    expect(entries('a=   1  ')).toEqual([['a', '1  ']]);
  });

  test('each entry knows its line', () => {
    expect(parseProperties('# x\na=1\\\n2\n\nb=3').map(({ line }) => line)).toEqual([2, 5]);
  });

  test('what is formatted is read back as it was', () => {
    const text = fc.string({ unit: 'binary', maxLength: 12 });
    const special = fc.string({ unit: fc.constantFrom(...'\\=: #!\t\n\r\fua0'), maxLength: 8 });
    const word = fc.oneof(text, special);
    fc.assert(
      fc.property(fc.array(fc.tuple(word, word), { maxLength: 5 }), (pairs) => {
        const named = pairs.filter(([name]) => name !== '');
        const file = named.map(([name, value]) => formatProperty(name, value)).join('\n');
        expect(entries(file)).toEqual(named);
      }),
    );
  });

  test('any text at all is read without failing', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => void parseProperties(text)));
  });
});

const ESCAPES: Readonly<Record<string, string>> = {
  '\t': '\\t',
  '\n': '\\n',
  '\r': '\\r',
  '\f': '\\f',
  '\\': '\\\\',
};

function escapeText(text: string): string {
  return text.replace(/[\t\n\r\f\\]/g, (character) => ESCAPES[character]!);
}

/** One entry as a line that `parseProperties` reads back as it was. */
function formatProperty(name: string, value: string): string {
  const escapedName = escapeText(name).replace(/[ :=]/g, '\\$&').replace(/^[#!]/, '\\$&');
  const escapedValue = escapeText(value).replace(/^ /, '\\ ');
  return `${escapedName}=${escapedValue}`;
}
