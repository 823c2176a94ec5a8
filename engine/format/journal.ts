/**
 * The bytes of a shard's journal: what was appended durably and is not yet surely in its segment. Two halves of the file are
 * written in turn. A life of a half begins with a page that says its generation; frames follow, each from a page boundary on:
 *
 *   half    = life page, frame*
 *   frame   = header (checksum, generation, sequence), entry*, zeros up to the next page
 *   entry   = header, name of the partition, topic id, and the bytes as they lie in the segment
 *
 * A frame counts only when it carries the generation of its half and the next sequence, and its checksum covers both: what an
 * earlier life left behind never looks like a continuation. The generation page is on the disk before the first frame of its
 * life, so a half is either wholly of the old life or of the new one. A frame is written and synced as one; the first one that
 * is torn or damaged was never acknowledged.
 *
 * Pure functions over bytes. docs/format.md, section "Journal".
 */

import { crc32c } from '../base/crc32c.ts';
import { getInt64, setInt64 } from '../base/int64.ts';

/** 'MRJL'. */
const LIFE_MAGIC = 0x4d524a4c;
export const LIFE_MAGIC_AT = 0;
export const LIFE_CRC_AT = 4;
export const LIFE_GENERATION_AT = 8;
export const LIFE_HEADER_BYTES = 16;

/** 'MRJF'. */
const FRAME_MAGIC = 0x4d524a46;
export const FRAME_MAGIC_AT = 0;
export const FRAME_CRC_AT = 4;
export const FRAME_SIZE_AT = 8;
export const FRAME_SEQUENCE_AT = 12;
export const FRAME_GENERATION_AT = 16;
export const FRAME_HEADER_BYTES = 24;

export const ENTRY_SIZE_AT = 0;
export const ENTRY_KIND_AT = 4;
export const ENTRY_NAME_SIZE_AT = 6;
export const ENTRY_ID_SIZE_AT = 8;
export const ENTRY_SEGMENT_AT = 10;
export const ENTRY_POSITION_AT = 18;
export const ENTRY_HEADER_BYTES = 26;

/**
 * Life pages and frames begin at a multiple of it: a frame then never shares a page with one that is on the disk already,
 * and a page of a half that is used again is overwritten as a whole, without being read first.
 */
export const JOURNAL_PAGE_BYTES = 4096;

export const EntryKind = {
  /** Bytes of a segment. */
  BYTES: 1,
  /** Everything said before of the partition is void: it was truncated or deleted. */
  VOID: 2,
} as const;

export function pagesOf(size: number): number {
  return Math.ceil(size / JOURNAL_PAGE_BYTES) * JOURNAL_PAGE_BYTES;
}

/** The page that begins a life. */
export function formatLife(generation: number): Buffer {
  const page = Buffer.alloc(JOURNAL_PAGE_BYTES);
  page.writeInt32BE(LIFE_MAGIC, LIFE_MAGIC_AT);
  setInt64(viewOf(page), LIFE_GENERATION_AT, generation);
  page.writeUInt32BE(crc32c(page, LIFE_GENERATION_AT, LIFE_HEADER_BYTES), LIFE_CRC_AT);
  return page;
}

/** The generation of the life that `bytes` begins; -1 when it does not begin one. */
export function generationOf(bytes: Uint8Array): number {
  if (bytes.length < LIFE_HEADER_BYTES) return -1;
  const view = viewOf(bytes);
  if (view.getInt32(LIFE_MAGIC_AT) !== LIFE_MAGIC) return -1;
  const crc = crc32c(bytes, LIFE_GENERATION_AT, LIFE_HEADER_BYTES);
  return crc === view.getUint32(LIFE_CRC_AT) ? getInt64(view, LIFE_GENERATION_AT) : -1;
}

/** Where the bytes of an entry belong. */
export interface EntryTarget {
  /** Name of the partition's directory, in Latin letters. */
  readonly name: string;
  /** base64url; empty when unknown. */
  readonly topicId: string;
  /** Base offset of the segment, and where in its `.log`. */
  readonly segment: number;
  readonly position: number;
}

/** Puts a frame together in memory of its own, which is used again and again. */
export class FrameBuilder {
  readonly bytes: Buffer;
  readonly #view: DataView;
  #size = FRAME_HEADER_BYTES;

  constructor(bytesMax: number) {
    this.bytes = Buffer.alloc(bytesMax);
    this.#view = viewOf(this.bytes);
  }

  get isEmpty(): boolean {
    return this.#size === FRAME_HEADER_BYTES;
  }

  /** What is to be written: whole pages. */
  get paddedSize(): number {
    return pagesOf(this.#size);
  }

  clear(): void {
    this.#size = FRAME_HEADER_BYTES;
  }

  hasRoom(target: EntryTarget, size: number): boolean {
    const { name, topicId } = target;
    return this.#size + entrySize(name, topicId, size) <= this.bytes.length;
  }

  /** Adds an entry and returns where its `size` bytes are to be put. There must be room. */
  add(kind: number, target: EntryTarget, size: number): number {
    const view = this.#view;
    const at = this.#size;
    const { name, topicId } = target;
    view.setInt32(at + ENTRY_SIZE_AT, entrySize(name, topicId, size));
    view.setInt16(at + ENTRY_KIND_AT, kind);
    view.setInt16(at + ENTRY_NAME_SIZE_AT, name.length);
    view.setInt16(at + ENTRY_ID_SIZE_AT, topicId.length);
    setInt64(view, at + ENTRY_SEGMENT_AT, target.segment);
    setInt64(view, at + ENTRY_POSITION_AT, target.position);
    const nameAt = at + ENTRY_HEADER_BYTES;
    this.bytes.write(name, nameAt, 'latin1');
    this.bytes.write(topicId, nameAt + name.length, 'latin1');
    const bytesAt = nameAt + name.length + topicId.length;
    this.#size = bytesAt + size;
    return bytesAt;
  }

  /** Takes the last entry back, whose bytes were to lie at `bytesAt`. */
  drop(target: EntryTarget, bytesAt: number): void {
    this.#size = bytesAt - entrySize(target.name, target.topicId, 0);
  }

  /** Completes the frame as number `sequence` of its life: `bytes` up to `paddedSize` are it. */
  seal(generation: number, sequence: number): void {
    const view = this.#view;
    const size = this.#size;
    view.setInt32(FRAME_MAGIC_AT, FRAME_MAGIC);
    view.setInt32(FRAME_SIZE_AT, size);
    view.setInt32(FRAME_SEQUENCE_AT, sequence);
    setInt64(view, FRAME_GENERATION_AT, generation);
    view.setUint32(FRAME_CRC_AT, crc32c(this.bytes, FRAME_SIZE_AT, size));
    this.bytes.fill(0, size, this.paddedSize);
  }
}

function entrySize(name: string, topicId: string, size: number): number {
  return ENTRY_HEADER_BYTES + name.length + topicId.length + size;
}

/**
 * Size of the frame, without its padding, that begins with `header`: for who reads the rest then. 0 when this is not number
 * `sequence` of the life, or is larger than `sizeMax`.
 */
export function frameSize(
  header: Uint8Array,
  expected: { generation: number; sequence: number; sizeMax: number },
): number {
  if (header.length < FRAME_HEADER_BYTES) return 0;
  const view = viewOf(header);
  const size = view.getInt32(FRAME_SIZE_AT);
  const isNext =
    view.getInt32(FRAME_MAGIC_AT) === FRAME_MAGIC &&
    view.getInt32(FRAME_SEQUENCE_AT) === expected.sequence &&
    getInt64(view, FRAME_GENERATION_AT) === expected.generation;
  return isNext && size >= FRAME_HEADER_BYTES && size <= expected.sizeMax ? size : 0;
}

export interface JournalEntry extends EntryTarget {
  readonly kind: number;
  /** Where in the frame the bytes lie. */
  readonly at: number;
  readonly size: number;
}

/** The entries of a whole frame; null when it is damaged. */
export function entriesOf(frame: Buffer): JournalEntry[] | null {
  if (crc32c(frame, FRAME_SIZE_AT, frame.length) !== frame.readUInt32BE(FRAME_CRC_AT)) return null;
  const view = viewOf(frame);
  const entries: JournalEntry[] = [];
  for (let at = FRAME_HEADER_BYTES; at < frame.length; ) {
    if (frame.length - at < ENTRY_HEADER_BYTES) return null;
    const entryEnd = at + view.getInt32(at + ENTRY_SIZE_AT);
    const nameAt = at + ENTRY_HEADER_BYTES;
    const idAt = nameAt + view.getInt16(at + ENTRY_NAME_SIZE_AT);
    const bytesAt = idAt + view.getInt16(at + ENTRY_ID_SIZE_AT);
    if (bytesAt < nameAt || entryEnd < bytesAt || entryEnd > frame.length) return null;
    entries.push({
      kind: view.getInt16(at + ENTRY_KIND_AT),
      name: frame.toString('latin1', nameAt, idAt),
      topicId: frame.toString('latin1', idAt, bytesAt),
      segment: getInt64(view, at + ENTRY_SEGMENT_AT),
      position: getInt64(view, at + ENTRY_POSITION_AT),
      at: bytesAt,
      size: entryEnd - bytesAt,
    });
    at = entryEnd;
  }
  return entries;
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}
