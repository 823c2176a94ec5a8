/**
 * Every limit of Millrace in one place, each with the reason for its value. Where one limit only makes
 * sense against another, the relation is asserted when this file loads, so a changed number that breaks a
 * design fails at start and not at three in the morning.
 *
 * Any thread; constant data. Values that a user may set are settings, not limits; their hard bounds are here.
 */

import { assert } from './assert.ts';

export const KIB = 1024;
export const MIB = 1024 * KIB;
export const GIB = 1024 * MIB;

// Numbers of the formats.

/** The largest int32: sizes, counts and positions of Kafka's formats end here. */
export const INT32_MAX = 0x7fffffff;

/** The largest int16. */
export const INT16_MAX = 0x7fff;

/** Offsets and timestamps are exact as doubles up to here; Kafka's int64 goes further, real ones do not. */
export const OFFSET_MAX = Number.MAX_SAFE_INTEGER;

// Record batches.

/**
 * The largest batch on the wire or on disk: Kafka's own limit is an int32 of position arithmetic, reached by
 * nobody; 1 GiB leaves room to add sizes of two batches without leaving int32.
 */
export const BATCH_BYTES_MAX = GIB;

/**
 * The most bytes that the records of one compressed batch may unfold to. A batch at the default
 * `max.message.bytes` (1 MiB) of highly repetitive text unfolds 100-fold in practice; beyond this it is a bomb.
 */
export const DECOMPRESSED_BYTES_MAX = 256 * MIB;

/** Per-record errors listed in one produce answer; the first ones tell the story, a batch may hold millions. */
export const RECORD_ERRORS_MAX = 1000;

// Checksums: where the native kernel overtakes the others, measured by bench/kernels/format.bench.ts.

/** Against the JavaScript kernel. */
export const CRC_NATIVE_BYTES_MIN = 224;

/** Against the WebAssembly kernel, which works by address and so saves the view as well. */
export const CRC_NATIVE_BYTES_MIN_WASM = 768;

// Shared memory.

/** The size of a WebAssembly page, the unit in which slab memory is reserved. */
export const WASM_PAGE_BYTES = 64 * KIB;

/** A 32-bit WebAssembly memory ends here. */
export const SHARED_MEMORY_BYTES_MAX = 4 * GIB;

// Network front.

/** One read of an idle or small-frame connection: a few small requests, and the first bytes of a large one. */
export const LANDING_BYTES = 64 * KIB;

/** Receive memory of a connection that streams large frames: several 64 KiB batches a read, small enough for the L2 cache. */
export const RECEIVE_CHUNK_BYTES = 256 * KIB;

/** Frames from this size on make a connection a streaming one: below it copying costs less than a chunk of its own. */
export const STREAMING_FRAME_BYTES = 16 * KIB;

/** Requests of one connection read ahead of their answers; librdkafka may keep a million in flight. */
export const PIPELINED_REQUESTS_MAX = 256;

/** Unsent response bytes of one connection at which its next requests wait. */
export const UNSENT_BYTES_MAX = 512 * KIB;

/** The pooled buffer that fetch responses are read into: 1 MiB a read and write costs a third less CPU than 64 KiB. */
export const RESPONSE_BUFFER_BYTES = MIB;

assert(BATCH_BYTES_MAX <= INT32_MAX / 2 + 1, 'limits: two batches must fit an int32 position');
assert(DECOMPRESSED_BYTES_MAX < BATCH_BYTES_MAX, 'limits: a recompressed batch must fit a batch');
assert(BATCH_BYTES_MAX < SHARED_MEMORY_BYTES_MAX, 'limits: a batch must fit the slab');
assert(LANDING_BYTES <= RECEIVE_CHUNK_BYTES, 'limits: what landed must fit a chunk');
