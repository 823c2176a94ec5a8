/**
 * What the tests of engine/log share: a log over files in memory, batches to append, a look at what it holds.
 */

import { ManualClock } from '../../engine/base/clock.ts';
import { batchBaseOffset, batchSize } from '../../engine/format/batch.ts';
import {
  type BatchFields,
  buildBatch,
  type RecordInput,
} from '../../engine/format/batch-builder.ts';
import { type BatchRecord, recordsOf } from '../../engine/format/records.ts';
import { DescriptorCache } from '../../engine/io/descriptor-cache.ts';
import type { FileSystem } from '../../engine/io/file-system.ts';
import { MemoryFileSystem } from '../../engine/io/memory-file-system.ts';
import { type AppendPiece, createAppendPiece } from '../../engine/log/append.ts';
import { LocalMarks } from '../../engine/log/cursor.ts';
import { defaultLogConfig, type LogConfig } from '../../engine/log/log-config.ts';
import type { LogResources } from '../../engine/log/log-resources.ts';
import type { Manifest, ManifestEntry } from '../../engine/log/manifest.ts';
import { PartitionLog } from '../../engine/log/partition-log.ts';
import { PartitionReader, ReadPlan } from '../../engine/log/reader.ts';

export interface TestLogOptions {
  readonly fs?: FileSystem;
  readonly clock?: ManualClock;
  readonly config?: Partial<LogConfig>;
  readonly manifest?: Manifest;
  readonly hint?: ManifestEntry | null;
  readonly resources?: LogResources;
  readonly leaderEpoch?: number;
  readonly autoAdvance?: boolean;
  readonly deferSync?: boolean;
  readonly name?: string;
  readonly topicId?: Uint8Array;
}

export class TestLog {
  readonly fs: FileSystem;
  readonly clock: ManualClock;
  readonly marks = new LocalMarks();
  readonly log: PartitionLog;
  readonly reader: PartitionReader;
  readonly lines: string[] = [];
  readonly directory: string;

  constructor(options: TestLogOptions = {}) {
    const { fs, clock, config, manifest, hint, name, ...rest } = options;
    this.fs = fs ?? new MemoryFileSystem();
    this.clock = clock ?? new ManualClock(1_000_000);
    const topic = name ?? 't';
    this.directory = `/data/${topic}-0`;
    this.fs.mkdir('/data');
    this.log = PartitionLog.open({
      fs: this.fs,
      clock: this.clock,
      directory: this.directory,
      topic,
      partition: 0,
      topicId: null,
      config: { ...defaultLogConfig, ...config },
      cursor: this.marks.cursor,
      leaderEpoch: 0,
      onGenerationChange: this.marks.onGenerationChange,
      onTruncate: this.marks.onTruncate,
      log: (line) => this.lines.push(line),
      manifest: manifest ?? null,
      hint: hint ?? null,
      ...rest,
    });
    this.reader = new PartitionReader({
      fs: this.fs,
      directory: this.directory,
      marks: this.marks,
      descriptors: new DescriptorCache(this.fs, 16),
    });
  }

  /** Appends one batch of records of `valueBytes` each; returns its piece. */
  append(count = 1, valueBytes = 10, fields: BatchFields = {}): AppendPiece {
    const piece = pieceOf(batchOf(count, valueBytes, this.clock.now(), fields));
    this.log.appendAsLeader([piece], 1);
    return piece;
  }

  /** Base offsets of the batches from `offset` on, read in pieces of at most `maxBytes`. */
  baseOffsets(offset: number, maxBytes = 1000): number[] {
    const found: number[] = [];
    for (const batch of this.batches(offset, maxBytes))
      found.push(batchBaseOffset(viewOf(batch), 0));
    return found;
  }

  records(offset: number): BatchRecord[] {
    return this.batches(offset, 1_000_000).flatMap((batch) => [...recordsOf(batch)]);
  }

  batches(offset: number, maxBytes: number): Uint8Array[] {
    const plan = new ReadPlan();
    const batches: Uint8Array[] = [];
    let next = offset;
    while (this.reader.locate(next, 'highWatermark', maxBytes, true, null, plan) === 'ok') {
      const bytes = Buffer.alloc(plan.size);
      const size = this.reader.read(plan, bytes, 0);
      const view = viewOf(bytes);
      for (let at = 0; at + 61 <= size && at + batchSize(view, at) <= size; ) {
        const batch = bytes.subarray(at, at + batchSize(view, at));
        batches.push(batch);
        next = batchBaseOffset(view, at) + view.getInt32(at + 23) + 1;
        at += batch.length;
      }
    }
    return batches;
  }

  names(): string[] {
    return this.fs.readdir(this.directory).sort();
  }
}

export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}

export function batchOf(
  count: number,
  valueBytes: number,
  timestamp: number,
  fields: BatchFields = {},
): Uint8Array {
  const records: RecordInput[] = [];
  for (let i = 0; i < count; i++) {
    records.push({ key: null, value: Buffer.alloc(valueBytes, 65 + i), timestamp });
  }
  return Uint8Array.from(buildBatch({ ...fields, records }));
}

export function pieceOf(bytes: Uint8Array): AppendPiece {
  const piece = createAppendPiece({ bytes, view: viewOf(bytes) });
  piece.size = bytes.length;
  return piece;
}
