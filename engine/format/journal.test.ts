import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  EntryKind,
  type EntryTarget,
  entriesOf,
  FRAME_HEADER_BYTES,
  FrameBuilder,
  formatLife,
  frameSize,
  generationOf,
  JOURNAL_PAGE_BYTES,
} from './journal.ts';

const target = (name: string, position = 0): EntryTarget => ({
  name,
  topicId: 'AAAAAAAAAAAAAAAAAAAAAQ',
  segment: 12_345_678_901,
  position,
});

/** A frame as it lies in the file, with two entries and a void one. */
function sample(): { builder: FrameBuilder; frame: Buffer } {
  const builder = new FrameBuilder(16_384);
  const first = Buffer.from('the first bytes');
  first.copy(builder.bytes, builder.add(EntryKind.BYTES, target('a-0', 7), first.length));
  builder.add(EntryKind.VOID, target('b-11'), 0);
  const last = Buffer.alloc(300, 9);
  last.copy(builder.bytes, builder.add(EntryKind.BYTES, target('a-0', 22), last.length));
  builder.seal(3, 5);
  const size = frameSize(builder.bytes, { generation: 3, sequence: 5, sizeMax: 16_384 });
  return { builder, frame: Buffer.from(builder.bytes.subarray(0, size)) };
}

describe('journal frames', () => {
  test('hold what was put into them', () => {
    const { frame } = sample();
    const entries = entriesOf(frame)!;
    expect(entries.map(({ name, kind, position }) => [name, kind, position])).toEqual([
      ['a-0', EntryKind.BYTES, 7],
      ['b-11', EntryKind.VOID, 0],
      ['a-0', EntryKind.BYTES, 22],
    ]);
    expect(entries[0]).toMatchObject({ segment: 12_345_678_901, topicId: target('').topicId });
    const bytes = entries.map(({ at, size }) => frame.toString('latin1', at, at + size));
    expect(bytes).toEqual(['the first bytes', '', '\t'.repeat(300)]);
  });

  test('are whole pages, whatever lay there before', () => {
    const { builder } = sample();
    builder.bytes.fill(0xff, 500);
    builder.seal(3, 5);
    expect(builder.paddedSize).toBe(JOURNAL_PAGE_BYTES);
    expect(builder.bytes.subarray(500, JOURNAL_PAGE_BYTES).every((byte) => byte === 0)).toBe(true);
  });

  test('count only with the generation and the sequence that are due', () => {
    const { frame } = sample();
    const due = { generation: 3, sequence: 5, sizeMax: 16_384 };
    expect(frameSize(frame, due)).toBe(frame.length);
    expect(frameSize(frame, { ...due, generation: 1 })).toBe(0);
    expect(frameSize(frame, { ...due, sequence: 4 })).toBe(0);
    expect(frameSize(frame, { ...due, sizeMax: frame.length - 1 })).toBe(0);
    expect(frameSize(frame.subarray(0, FRAME_HEADER_BYTES - 1), due)).toBe(0);
    expect(frameSize(Buffer.alloc(JOURNAL_PAGE_BYTES), due)).toBe(0);
  });

  test('an entry that was dropped leaves no trace', () => {
    const { builder, frame } = sample();
    const at = builder.add(EntryKind.BYTES, target('c-1'), 1000);
    builder.bytes.fill(1, at, at + 1000);
    builder.drop(target('c-1'), at);
    builder.seal(3, 5);
    expect(builder.bytes.subarray(0, frame.length).equals(frame)).toBe(true);
  });

  test('a changed byte anywhere makes a frame none', () => {
    const { frame } = sample();
    const due = { generation: 3, sequence: 5, sizeMax: frame.length };
    fc.assert(
      fc.property(fc.nat(frame.length - 1), fc.integer({ min: 1, max: 255 }), (at, by) => {
        const damaged = Buffer.from(frame);
        damaged[at] = damaged[at]! ^ by;
        const size = frameSize(damaged, due);
        return size === 0 || entriesOf(damaged.subarray(0, size)) === null;
      }),
    );
  });

  test('bytes of any kind are no frame, and never an error', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        const size = frameSize(bytes, { generation: 0, sequence: 0, sizeMax: bytes.length });
        return size === 0 && generationOf(bytes) === -1;
      }),
    );
  });
});

test('a life page says its generation, and a damaged one nothing', () => {
  const page = formatLife(2 ** 40 + 1);
  expect(page.length).toBe(JOURNAL_PAGE_BYTES);
  expect(generationOf(page)).toBe(2 ** 40 + 1);
  page[12] = page[12]! ^ 1;
  expect(generationOf(page)).toBe(-1);
});
