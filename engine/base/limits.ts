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

/** Unfolded bytes per chunk of framed snappy: its own window, so that larger chunks compress no better. */
export const SNAPPY_CHUNK_BYTES = 64 * KIB;

// Wire messages.

/**
 * Structs and strings that one message may hold inside arrays. Each costs tens of bytes of heap for as little as one or
 * two on the wire: a request of 100 MiB could otherwise ask for gigabytes. A million topics in one request lies beyond
 * anything a client sends.
 */
export const WIRE_ELEMENTS_MAX = 1024 * 1024;

/** A writer's buffer that one large message made grow beyond this is let go at the next reset. */
export const WRITER_KEPT_BYTES = MIB;

// Shared memory.

/** The size of a WebAssembly page, the unit in which slab memory is reserved. */
export const WASM_PAGE_BYTES = 64 * KIB;

/** A 32-bit WebAssembly memory ends here. */
export const SHARED_MEMORY_BYTES_MAX = 4 * GIB;

// Rings and shards.

/** Slab regions come in granules of this size: a WebAssembly page, and small beside the usual 256 KiB chunk. */
export const SLAB_GRANULE_BYTES = 64 * KIB;

/** Ordinary slab bytes of one client thread: some 30 ms of receiving at 1 GB/s; more would only wait in memory. */
export const SLAB_BUDGET_BYTES = 32 * MIB;

/** The one giant region beside it: the largest request at Kafka's default socket.request.max.bytes, and its frame. */
export const SLAB_GIANT_BYTES = 101 * MIB;

/**
 * Appends that one client may have under way in one shard. The slab holds 512 batches of 64 KiB; beyond that batches are
 * small, and 2,048 of them keep a shard busy for milliseconds.
 */
export const SUBMIT_RING_RECORDS = 2048;

/** A completion for every append under way, and as many advance notices. */
export const COMPLETION_RING_RECORDS = 2 * SUBMIT_RING_RECORDS;

/**
 * Small batches are unfolded or compressed by the shard itself, so many a pass, as that takes less than to have it done: some
 * three milliseconds at worst.
 */
export const PREPARED_HERE_BYTES = 4 * KIB;
export const PREPARED_HERE_UNFOLDED_BYTES = 16 * KIB;
export const PREPARED_HERE_PER_PASS = 8;

/**
 * Batches of one partition that are prepared together, off their shard's thread: enough that handing them over does not count;
 * and so many bytes of all its partitions at once, the others wait: each is a copy.
 */
export const PREPARED_TOGETHER_BYTES = 512 * KIB;
export const PREPARED_AT_ONCE_BYTES = 4 * MIB;

/** Partitions that a shard opens or deletes before it looks at its rings again: some milliseconds. */
export const PARTITIONS_AT_ONCE = 32;

/** Bytes after which a shard stops taking in and writes: large writes gain nothing beyond, and answers leave earlier. */
export const DRAIN_BYTES_MAX = 2 * MIB;

/**
 * Bytes that a client thread appends itself in one turn of the event loop while the shard sleeps; with more, two threads are
 * faster than one.
 */
export const DIRECT_TURN_BYTES_MAX = MIB;

/** So many of those batches may be small ones: more are cheaper written together, by the shard. */
export const DIRECT_SMALL_BATCHES_MAX = 4;
export const DIRECT_SMALL_BATCH_BYTES = 8 * KIB;

/** Appends leave so much of the disk free, and of a small disk at most this share: for metadata, manifests, and a start. */
export const KEPT_FREE_BYTES = 64 * MIB;
export const KEPT_FREE_SHARE = 0.02;
/** While there is less, it is looked at no more often. */
export const FREE_SPACE_ASKED_AGAIN_MS = 1000;

/** Bytes that clients may append to one log themselves before its shard looks again: bounds what is not flushed. */
export const DIRECT_AHEAD_BYTES_MAX = 4 * MIB;

/**
 * A turn's direct appends that took longer met a file system that holds writers back, or a busy disk. For a while the shards
 * append then: a client thread has connections to serve that write nothing.
 */
export const DIRECT_SLOW_MS = 10;
export const DIRECT_PAUSE_MS = 1000;

/**
 * Zeros that are written ahead of a log's end at a time: the page cache then keeps them as one folio of 64 pages. Measured with
 * writes of 64 KiB: 0.34 CPU-s/GB without, 0.24 with 128 KiB, 0.22 with 256 KiB or 512 KiB.
 */
export const ZERO_AHEAD_BYTES = 256 * KIB;

/** Logs that take longer for so many bytes do without: their zeros would reach the disk, or leave the cache, before the records. */
export const ZERO_AHEAD_MS_MAX = 2000;

/** Writes from this size on get large folios by themselves. */
export const ZERO_AHEAD_WRITE_BYTES_MAX = 512 * KIB;

/** Index entries that such appends leave to a shard before it has to look: 64 KiB batches take one each. */
export const DIRECT_INDEX_NOTES_MAX = 256;

/** Client threads of one engine: a bit each in a partition's waiter word, and the sign bit left alone. */
export const CLIENTS_MAX = 31;

/** Shard threads of one engine; more than cores never pays. */
export const SHARDS_MAX = 64;

/** Slots of the partition table: 64 MiB of address space, of which only used slots take memory. */
export const PARTITIONS_MAX = 262_144;

/** A freed slot waits until this many others were freed: a thread that holds an old number must not hit a new partition. */
export const SLOT_QUARANTINE = 1024;

/** Segment files that one thread keeps open for reading; the usual limit of a process is 1,048,576, of a shell 1,024. */
export const READ_DESCRIPTORS_MAX = 512;

/** Segment files that one thread keeps open for appending directly; beyond it one is closed for each that is opened. */
export const DIRECT_DESCRIPTORS_MAX = 256;

/** Threads that help a shard to sync several files at once; more than four at once the file system does not reward. */
export const SYNC_HELPERS = 3;

/** Background flushes under way at once: they run on the process's thread pool, which cold reads need too. */
export const FLUSHES_AT_ONCE = 2;

/** The same while the engine closes and nobody reads any more: all threads of the pool as it is by default. */
export const FLUSHES_AT_CLOSE = 4;

/**
 * Time-triggered background flushes that one shard asks for per second: many dirty partitions share them. Each takes about a
 * millisecond of CPU with all that belongs to it; so ten thousand partitions that have just become idle are brought to the disk
 * for less than a percent of a core. The kernel writes their pages back meanwhile, as it does for everybody.
 */
export const FLUSHES_PER_SECOND = 8;

// Partition logs.

/** Batches below this are gathered and written together; from it on a copy costs more than the write it saves. */
export const STAGED_BATCH_BYTES_MAX = 32 * KIB;

/** Gathered bytes of one write: a write of 256 KiB costs per byte what one of 1 MiB costs. */
export const STAGING_BYTES = 256 * KIB;

/** Files that one thread keeps open for writing: far below the usual limit of a process. */
export const WRITE_DESCRIPTORS_MAX = 4096;

/**
 * One half of a shard's journal. At 40 MB/s of durable appends it lasts a second, in which the background flush brings the
 * segments of the other half to the disk anyway; a start reads at most two halves.
 */
export const JOURNAL_HALF_BYTES = 32 * MIB;

/** One frame, the memory in which it is put together: beyond it the files themselves are synced as fast. */
export const JOURNAL_FRAME_BYTES_MAX = MIB;

/** Pending bytes of one log beyond which its file is synced: writing them twice would cost more than the sync it saves. */
export const JOURNAL_LOG_BYTES_MAX = 64 * KIB;

/** A new journal is filled with zeros in such steps, so that the syncs in between find nothing of the file system's to write. */
export const JOURNAL_FILL_BYTES = MIB;

/**
 * The most that a lookup by time unfolds of one batch, on a thread with connections to serve: tens of milliseconds. Batches of a
 * megabyte that unfold to more are hardly text any more. And the batch bytes that are kept for the next lookup.
 */
export const LOOKUP_UNFOLDED_BYTES_MAX = 32 * MIB;
export const LOOKUP_KEPT_BYTES = MIB;

/** Distance from the log's end within which bytes are taken to be in the page cache: what is not flushed surely is. */
export const HOT_TAIL_BYTES = 64 * MIB;

// Network front.

/** One read of an idle or small-frame connection: a few small requests, and the first bytes of a large one. */
export const LANDING_BYTES = 64 * KIB;

/** Receive memory of a connection that streams large frames: several 64 KiB batches a read, small enough for the L2 cache. */
export const RECEIVE_CHUNK_BYTES = 256 * KIB;

/** Frames from this size on make a connection a streaming one: below it copying costs less than a chunk of its own. */
export const STREAMING_FRAME_BYTES = 16 * KIB;

/** Requests of one connection read ahead of their answers; librdkafka may keep a million in flight. */
export const PIPELINED_REQUESTS_MAX = 256;

/**
 * Partitions that one Produce or Fetch may name: each takes some hundred bytes of heap while it is served, and as few as
 * eight in the frame, so a frame of 100 MiB could ask for gigabytes. A broker has fewer partitions than this.
 */
export const REQUEST_PARTITIONS_MAX = 200_000;

/** Partitions in all fetch sessions of a thread together; beyond, fetches go without a session. */
export const SESSION_PARTITIONS_MAX = 500_000;

/** Per-partition objects that a pooled request keeps for the next one. */
export const POOLED_PARTITIONS_MAX = 1024;

/** Unsent response bytes of one connection at which its next requests wait. */
export const UNSENT_BYTES_MAX = 512 * KIB;

/**
 * Records are read into one buffer and sent from it piece by piece: small enough to stay in an L2 cache of 1 MiB between the
 * two copies, large enough that what a write costs beside its bytes does not count, as it wakes the reader and sets timers:
 * smaller ones cost more than they save. Reads on the thread pool are as large: what comes with them leaves in one piece,
 * too, and other requests wait for that.
 */
export const SEND_PIECE_BYTES = 768 * KIB;

/** Records of one partition in one answer: Kafka's default for max.partition.fetch.bytes. */
export const FETCH_PART_BYTES_MAX = MIB;

/**
 * Records in one answer to a client on this machine that takes whatever is there: the next fetch is a few microseconds away,
 * and what lies in the kernel between the two stays in the caches. Answers of 6 MiB took 7 and 19 % more CPU. Whole pieces:
 * 1 MiB took 6 % more, and was 13 % slower.
 */
export const LOCAL_FETCH_BYTES_MAX = 2 * SEND_PIECE_BYTES;

/**
 * Pieces, and answers to a client on this machine, for a reader from the disk while somebody sends small Produce requests:
 * their p99 beside it is then a third to a half, 0.5 to 0.7 ms and not 1.6 to 2; the reader is half as fast and takes twice
 * the CPU.
 */
export const CAREFUL_PIECE_BYTES = 64 * KIB;
export const CAREFUL_FETCH_BYTES_MAX = 128 * KIB;

/** A Produce request is small up to here: the batches that clients make for throughput are four times as large. */
export const SMALL_PRODUCE_BYTES_MAX = 16 * KIB;

/** So long after the last of them somebody may still be sending them. */
export const SMALL_PRODUCE_MS_MAX = 100;

assert(BATCH_BYTES_MAX <= INT32_MAX / 2 + 1, 'limits: two batches must fit an int32 position');
assert(DECOMPRESSED_BYTES_MAX < BATCH_BYTES_MAX, 'limits: a recompressed batch must fit a batch');
assert(BATCH_BYTES_MAX < SHARED_MEMORY_BYTES_MAX, 'limits: a batch must fit the slab');
assert(STAGED_BATCH_BYTES_MAX < STAGING_BYTES, 'limits: several batches must fit the staging');
assert(
  JOURNAL_LOG_BYTES_MAX < JOURNAL_FRAME_BYTES_MAX,
  'limits: what one log has must fit a journal frame',
);
assert(JOURNAL_FRAME_BYTES_MAX < JOURNAL_HALF_BYTES, 'limits: frames must fit the journal');
assert(LANDING_BYTES <= RECEIVE_CHUNK_BYTES, 'limits: what landed must fit a chunk');
assert(COMPLETION_RING_RECORDS >= 2 * SUBMIT_RING_RECORDS, 'limits: completions always have room');
assert(SLAB_GRANULE_BYTES % WASM_PAGE_BYTES === 0, 'limits: granules are whole pages');
assert(CLIENTS_MAX < 32, 'limits: a waiter bit per client');

// Metadata.

/** Changes of metadata kept for watches that start late: a reader that is further behind reads everything anew. */
export const METADATA_EVENTS_KEPT_MAX = 10_000;

/** Kafka's own: the most partitions that one CreateTopics or CreatePartitions request may make. */
export const PARTITIONS_PER_REQUEST_MAX = 10_000;

/** Producer ids are handed out from blocks, each durable before its first id is used: one write per so many. */
export const PRODUCER_ID_BLOCK = 1000;
