/**
 * What a shard handles in a pass: clients, the pieces that they submitted, and groups of pieces of one partition. Pieces and
 * groups are pooled and used again pass after pass. On the shard's thread.
 */

import type { MessagePort } from 'node:worker_threads';
import { SharedMemory } from '../base/shared-memory.ts';
import type { WasmMemory } from '../base/webassembly.ts';
import { type AppendPiece, createAppendPiece } from '../log/append.ts';
import { Doorbell } from '../ring/doorbell.ts';
import { RingReader } from '../ring/ring-reader.ts';
import { RingWriter } from '../ring/ring-writer.ts';
import type { ShardPartition } from './shard-partition.ts';
import {
  clientDoorbellWord,
  completionRing,
  type EngineShared,
  rescanWord,
  submissionRing,
} from './shared-state.ts';

/** One client as the shard sees it. */
export class ClientLink {
  readonly index: number;
  readonly memory: SharedMemory;
  readonly submissions: RingReader;
  readonly completions: RingWriter;
  readonly doorbell: Doorbell;
  readonly rings: Int32Array;
  readonly rescan: number;
  readonly detailPort: MessagePort;
  hasNews = false;

  constructor(
    options: { readonly index: number; readonly shared: EngineShared },
    parts: {
      client: number;
      memory: WasmMemory;
      rings: SharedArrayBuffer;
      detailPort: MessagePort;
    },
  ) {
    const { index, shared } = options;
    this.index = parts.client;
    this.memory = SharedMemory.attach(parts.memory);
    this.rings = new Int32Array(parts.rings);
    this.submissions = new RingReader(submissionRing(this.rings, index));
    this.completions = new RingWriter(completionRing(this.rings, index));
    this.rescan = rescanWord(index);
    this.detailPort = parts.detailPort;
    this.doorbell = new Doorbell(
      new Int32Array(shared.control),
      clientDoorbellWord(shared.shards, parts.client),
    );
  }
}

export interface ShardPiece extends AppendPiece {
  client: ClientLink;
  token: number;
}

/** The pieces of one partition in one pass, in the order of their submission. */
export class Group {
  partition: ShardPartition | null = null;
  isFollower = false;
  readonly pieces: ShardPiece[] = [];
  count = 0;
}

export function refuse(piece: ShardPiece, errorCode: number): void {
  piece.errorCode = errorCode;
  piece.errorMessage = null;
  piece.recordErrors = null;
  piece.baseOffset = -1;
  piece.logAppendTimeMs = -1;
}

export function createPiece(client: ClientLink): ShardPiece {
  return { ...createAppendPiece(client.memory), client, token: 0 };
}
