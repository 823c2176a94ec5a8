/**
 * What an administrative call answers when the disk fails it: a row with an error code for each thing asked, as for any
 * other refusal. A broken invariant is no answer; it ends the process.
 */
import type { Refusal } from '../../cluster/topic-plans.ts';
import { AssertionFailed } from '../../engine/base/assert.ts';
import { ErrorCode } from '../../engine/base/error-codes.ts';
import { messageOf } from '../../engine/base/errors.ts';

/** Why `error` keeps a request from being carried out. Throws a broken invariant on. */
export function refusalOf(error: unknown): Refusal {
  if (error instanceof AssertionFailed) throw error;
  return { errorCode: ErrorCode.KAFKA_STORAGE_ERROR, message: messageOf(error) };
}

/** The outcomes of the work, or as many refusals when it failed as a whole. */
export async function outcomesOf<T>(count: number, work: Promise<T[]>): Promise<(T | Refusal)[]> {
  try {
    return await work;
  } catch (error) {
    return new Array<Refusal>(count).fill(refusalOf(error));
  }
}
