/** CreatePartitions: one row per topic; names given twice are refused. */
import type { Refusal } from '../../cluster/topic-plans.ts';
import { ErrorCode } from '../../engine/base/error-codes.ts';
import type {
  CreatePartitionsRequest,
  createPartitionsResponse,
} from '../wire/api/create-partitions.ts';
import type { InferInput } from '../wire/message.ts';
import type { AdminHandler } from './admin-services.ts';
import { outcomesOf } from './failures.ts';
import { once } from './repeated-names.ts';

type Response = InferInput<typeof createPartitionsResponse>;
type Row = Response['results'][number];

export const handle: AdminHandler<CreatePartitionsRequest, Response> = async (
  request,
  services,
) => {
  const { single, repeated } = once(request.topics, (topic) => topic.name);
  const twice = { errorCode: ErrorCode.INVALID_REQUEST, message: 'Duplicate topic name.' };
  const refused = repeated.map((name) => row(name, twice));
  if (request.timeoutMs <= 0) {
    const late = { errorCode: ErrorCode.REQUEST_TIMED_OUT, message: null };
    return {
      throttleTimeMs: 0,
      results: single.map(({ name }) => row(name, late)).concat(refused),
    };
  }
  const creating = services.controller.createPartitions(
    single.map(({ name, count, assignments }) => ({
      name,
      count,
      assignments: assignments?.map(({ brokerIds }) => brokerIds) ?? null,
    })),
    { validateOnly: request.validateOnly },
  );
  const outcomes = await outcomesOf(single.length, creating);
  const results = outcomes.map((outcome, index) => row(single[index]!.name, outcome));
  return { throttleTimeMs: 0, results: refused.concat(results) };
};

function row(name: string, refusal: Refusal | null): Row {
  return {
    name,
    errorCode: refusal?.errorCode ?? ErrorCode.NONE,
    errorMessage: refusal?.message ?? null,
  };
}
