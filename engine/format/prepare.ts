/**
 * All that may take long before a batch is stored, and needs nothing but its bytes: unfolding it to look at its records, and
 * storing it in another codec. A megabyte takes gzip some 20 ms, and a small batch may unfold to hundreds of megabytes; so
 * the thread that appends leaves it to others.
 *
 * Any thread; no state.
 */

import { ErrorCode } from '../base/error-codes.ts';
import { MillraceError } from '../base/errors.ts';
import { DECOMPRESSED_BYTES_MAX } from '../base/limits.ts';
import { codecOf } from './batch.ts';
import { recompress, stampTimestamp } from './rewrite.ts';
import {
  type BatchRules,
  type ByteSource,
  checkBatch,
  createBatchCheck,
  type RecordError,
} from './validate.ts';

/** What a topic asks of its batches. Structured-cloneable. */
export interface Preparation {
  readonly rules: Readonly<BatchRules>;
  /** Number of the codec in which batches are stored, and its level; null: whatever they came in. */
  readonly codec: number | null;
  readonly level: number | undefined;
}

/** What became of a batch. Structured-cloneable. */
export interface PreparedBatch {
  readonly errorCode: number;
  readonly errorMessage: string | null;
  readonly recordErrors: RecordError[] | null;
  /** The batch as it is to be stored, an ArrayBuffer of its own; null: as it came, or refused. */
  readonly bytes: Uint8Array<ArrayBuffer> | null;
}

const check = createBatchCheck();
/** Nothing was to be done. */
export const asItCame: PreparedBatch = {
  errorCode: ErrorCode.NONE,
  errorMessage: null,
  recordErrors: null,
  bytes: null,
};

/**
 * Checks the batch of `size` bytes at `at` in all form, and puts it into the codec asked for. Its timestamps are set in place
 * where the rules say so: the bytes are the callee's. Never throws on any bytes.
 */
export function prepareBatch(
  source: ByteSource & { readonly bytes: Uint8Array<ArrayBuffer> },
  at: number,
  size: number,
  { rules, codec, level }: Preparation,
): PreparedBatch {
  const whole = { ...rules, unfoldedBytesMax: DECOMPRESSED_BYTES_MAX, isPrepared: false };
  if (!checkBatch(source, at, size, whole, check)) {
    const { errorCode, message, recordErrors } = check;
    return { errorCode, errorMessage: message, recordErrors, bytes: null };
  }
  const { needsTimestampStamp: isStamped, attributes, maxTimestamp } = check;
  if (isStamped) stampTimestamp(source, at, check.size, rules.timestampType, maxTimestamp);
  if (codec !== null && codecOf(attributes) !== codec) {
    const conversion = { codec, level, unfoldedBytesMax: DECOMPRESSED_BYTES_MAX };
    const { errorCode, bytes } = convertBatch(source, at, check.size, conversion);
    return { ...asItCame, errorCode, bytes };
  }
  return isStamped ? { ...asItCame, bytes: source.bytes.slice(at, at + check.size) } : asItCame;
}

/** How a batch is to be converted. */
export interface Conversion {
  readonly codec: number;
  readonly level: number | undefined;
  /** A batch that unfolds to more is not converted. */
  readonly unfoldedBytesMax: number;
}

export interface ConvertedBatch {
  readonly errorCode: number;
  readonly bytes: Uint8Array<ArrayBuffer> | null;
  /** It unfolds to more than this conversion may, and another may do more. */
  readonly needsUnfolding: boolean;
}

/** The batch in another codec, or why that cannot be. */
export function convertBatch(
  source: ByteSource,
  at: number,
  size: number,
  { codec, level, unfoldedBytesMax }: Conversion,
): ConvertedBatch {
  try {
    const bytes = recompress(source, at, size, codec, level, unfoldedBytesMax);
    return { errorCode: ErrorCode.NONE, bytes, needsUnfolding: false };
  } catch (error) {
    if (!(error instanceof MillraceError)) throw error;
    const isRecords = error.code === 'invalid-record';
    return {
      errorCode: isRecords ? ErrorCode.INVALID_RECORD : ErrorCode.CORRUPT_MESSAGE,
      bytes: null,
      needsUnfolding: error.code === 'too-large' && unfoldedBytesMax < DECOMPRESSED_BYTES_MAX,
    };
  }
}
