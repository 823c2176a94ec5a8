import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { RecordHeader } from '../engine/format/records.ts';
import { type LineRules, type LineSink, produceLines } from './produce.ts';

const plain: LineRules = {
  delimiter: Buffer.from('\n'),
  keySeparator: null,
  nullValue: null,
  headers: [],
};

type Row = [key: string | null, value: string | null];

/** Gives `input` in pieces of the given sizes, with what was kept in front, as the real reader does. */
class PieceReader {
  bytes = Buffer.alloc(0);
  from = 0;
  to = 0;
  isEnd = false;
  #at = 0;
  #turn = 0;
  readonly #input: Buffer;
  readonly #sizes: readonly number[];

  constructor(input: Buffer, sizes: readonly number[]) {
    this.#input = input;
    this.#sizes = sizes;
  }

  next(keptFrom: number): Promise<void> {
    const size = this.#sizes[this.#turn++ % this.#sizes.length]!;
    const piece = this.#input.subarray(this.#at, this.#at + size);
    this.#at += piece.length;
    this.isEnd = piece.length === 0;
    // A foreign byte on each side shows who looks beyond the range.
    const kept = this.bytes.subarray(keptFrom, this.to);
    this.bytes = Buffer.concat([Buffer.from('\n'), kept, piece, Buffer.from('\n:')]);
    this.from = 1;
    this.to = this.bytes.length - 2;
    return Promise.resolve();
  }
}

/** Remembers rows; says "full" before every third. */
class RowSink implements LineSink {
  readonly rows: Row[] = [];
  readonly headers: (readonly RecordHeader[])[] = [];
  #calls = 0;

  append(
    key: Buffer,
    keyAt: number,
    keyLength: number,
    value: Buffer,
    valueAt: number,
    valueLength: number,
  ): boolean {
    if (++this.#calls % 3 === 0) return false;
    this.rows.push([
      keyLength < 0 ? null : key.toString('latin1', keyAt, keyAt + keyLength),
      valueLength < 0 ? null : value.toString('latin1', valueAt, valueAt + valueLength),
    ]);
    return true;
  }

  appendRecord(
    key: Uint8Array | null,
    value: Uint8Array | null,
    _timestampMs: number,
    headers: readonly RecordHeader[],
  ): boolean {
    this.headers.push(headers);
    this.rows.push(
      [key, value].map((each) =>
        each === null ? null : Buffer.from(each).toString('latin1'),
      ) as Row,
    );
    return true;
  }

  whenRoom(): Promise<void> {
    return Promise.resolve();
  }
}

async function rowsOf(
  input: string,
  rules: Partial<LineRules>,
  sizes: readonly number[] = [7],
): Promise<Row[]> {
  const sink = new RowSink();
  await produceLines(new PieceReader(Buffer.from(input, 'latin1'), sizes), sink, {
    ...plain,
    ...rules,
  });
  return sink.rows;
}

test('lines: however the input comes in pieces, its lines become records', async () => {
  const text = fc.string({ unit: fc.constantFrom('a', 'b', '\n', ':', '=', '\0'), maxLength: 60 });
  await fc.assert(
    fc.asyncProperty(
      text,
      fc.constantFrom('\n', '\0', '\n\n', 'ab'),
      fc.constantFrom(null, ':', '=:', 'a'),
      fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 1, maxLength: 4 }),
      async (input, delimiter, separator, sizes) => {
        const lines = input.split(delimiter);
        if (lines.at(-1) === '') lines.pop();
        const wanted = lines.map((line): Row => {
          const at = separator === null ? -1 : line.indexOf(separator);
          return at < 0 ? [null, line] : [line.slice(0, at), line.slice(at + separator!.length)];
        });
        const rules = {
          delimiter: Buffer.from(delimiter),
          keySeparator: separator === null ? null : Buffer.from(separator),
        };
        expect(await rowsOf(input, rules, sizes)).toEqual(wanted);
      },
    ),
  );
});

test('lines: values that equal the text for null are null, keys are not', async () => {
  const rules = { keySeparator: Buffer.from(':'), nullValue: Buffer.from('-') };
  expect(await rowsOf('-:-\n-\n--\n', rules)).toEqual([
    ['-', null],
    [null, null],
    [null, '--'],
  ]);
});

test('lines: with headers every record carries them', async () => {
  const sink = new RowSink();
  const headers = [{ key: 'h', value: Buffer.from('v') }];
  await produceLines(new PieceReader(Buffer.from('a\nb'), [100]), sink, { ...plain, headers });
  expect(sink.rows).toEqual([
    [null, 'a'],
    [null, 'b'],
  ]);
  expect(sink.headers).toEqual([headers, headers]);
});

test('lines: reading ends after the current piece when it may not go on', async () => {
  const sink = new RowSink();
  let turns = 0;
  await produceLines(
    new PieceReader(Buffer.from('a\nb\nc\n'), [2]),
    sink,
    plain,
    () => turns++ < 2,
  );
  expect(sink.rows.map(([, value]) => value)).toEqual(['a', 'b']);
});
