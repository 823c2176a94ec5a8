import { expect, test } from 'vitest';
import { buildBatch } from '../engine/format/batch-builder.ts';
import { RecordCursor } from '../engine/format/records.ts';
import { compileFormat, type FormatOptions, type RecordOutput } from './record-format.ts';

const headers = [
  { key: 'a', value: Buffer.from('1') },
  { key: 'b', value: null },
];
const batch = buildBatch({
  baseOffset: 40,
  records: [
    { timestamp: 1000, key: Buffer.from('k'), value: Buffer.from('välue'), headers },
    { timestamp: 1001, key: null, value: null },
    { timestamp: 1002, key: Buffer.from(''), value: Buffer.from([0xff, 0x0a]) },
  ],
});

class TextOutput implements RecordOutput {
  readonly parts: Buffer[] = [];

  append(source: Uint8Array, from: number, to: number): void {
    this.parts.push(Buffer.from(source.subarray(from, to)));
  }

  appendText(text: string): void {
    this.parts.push(Buffer.from(text));
  }

  appendByte(byte: number): void {
    this.parts.push(Buffer.of(byte));
  }
}

function print(options: Partial<FormatOptions>): Buffer {
  const output = new TextOutput();
  const format = compileFormat({
    format: 'value',
    delimiter: Buffer.from('\n'),
    nullText: '',
    withOffsets: false,
    ...options,
  });
  const cursor = new RecordCursor();
  cursor.reset(batch, new DataView(batch.buffer, batch.byteOffset, batch.length), 0);
  while (cursor.next()) format(output, { topic: 't', partition: 3 }, cursor);
  return Buffer.concat(output.parts);
}

test('format: values are their bytes and the delimiter', () => {
  const expected = Buffer.concat([Buffer.from('välue\n\n'), Buffer.from([0xff, 0x0a, 0x0a])]);
  expect(print({})).toEqual(expected);
  expect(print({ delimiter: Buffer.from('--'), nullText: 'NULL' }).toString('latin1')).toBe(
    `${Buffer.from('välue--NULL--').toString('latin1')}\xff\n--`,
  );
});

test('format: offsets go in front with a tab', () => {
  expect(print({ withOffsets: true }).toString('latin1')).toContain('3:41\t\n3:42\t\xff');
});

test('format: every code prints its part', () => {
  expect(print({ format: '%t|%p|%o|%T|%K|%k|%S|%h|%%\\n', nullText: '-' }).toString()).toBe(
    't|3|40|1000|1|k|6|a=1,b=NULL|%\nt|3|41|1001|-1|-|-1||%\nt|3|42|1002|0||2||%\n',
  );
  expect(print({ format: '%s' })).toEqual(print({ format: '%v' }));
});

test('format: JSON keeps null, text and other bytes apart', () => {
  const rows = print({ format: 'json' })
    .toString()
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  expect(rows).toEqual([
    {
      topic: 't',
      partition: 3,
      offset: 40,
      timestamp: 1000,
      key: 'k',
      value: 'välue',
      headers: [
        { key: 'a', value: '1' },
        { key: 'b', value: null },
      ],
    },
    { topic: 't', partition: 3, offset: 41, timestamp: 1001, key: null, value: null },
    { topic: 't', partition: 3, offset: 42, timestamp: 1002, key: '', value: { base64: '/wo=' } },
  ]);
});

test.each(['%q', 'x%', '%ä'])('format: %j is refused', (format) => {
  expect(() => print({ format })).toThrow('--format: there is no %');
});
