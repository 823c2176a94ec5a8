/** DescribeProducers: the idempotent and transactional producers that each partition remembers. */
import { topicNameProblem } from '../../cluster/topic-names.ts';
import { ErrorCode } from '../../engine/base/error-codes.ts';
import type {
  DescribeProducersRequest,
  describeProducersResponse,
} from '../wire/api/describe-producers.ts';
import type { InferInput } from '../wire/message.ts';
import type { AdminHandler, AdminServices } from './admin-services.ts';
import { defaultMessage } from './error-messages.ts';

type Response = InferInput<typeof describeProducersResponse>;
type Row = Response['topics'][number]['partitions'][number];

export const handle: AdminHandler<DescribeProducersRequest, Response> = async (
  request,
  services,
) => {
  const topics = await Promise.all(
    request.topics.map(async ({ name, partitionIndexes }) => ({
      name,
      partitions: await Promise.all(
        partitionIndexes.map((partition) => describe(services, name, partition)),
      ),
    })),
  );
  return { throttleTimeMs: 0, topics };
};

async function describe(
  services: AdminServices,
  name: string,
  partitionIndex: number,
): Promise<Row> {
  const refused = (errorCode: ErrorCode, errorMessage: string | null): Row => ({
    partitionIndex,
    errorCode,
    errorMessage,
    activeProducers: [],
  });
  const problem = topicNameProblem(name);
  if (problem !== null) return refused(ErrorCode.INVALID_TOPIC_EXCEPTION, problem);
  const unknown = ErrorCode.UNKNOWN_TOPIC_OR_PARTITION;
  const topic = services.controller.topic(name);
  if (topic === undefined) return refused(unknown, defaultMessage(unknown));
  const slot = topic.slots[partitionIndex];
  if (slot === undefined) return refused(unknown, null);
  const producers = await services.engine.producers(slot);
  return {
    partitionIndex,
    errorCode: ErrorCode.NONE,
    errorMessage: null,
    activeProducers: producers.map((producer) => ({
      producerId: producer.producerId,
      producerEpoch: producer.producerEpoch,
      lastSequence: producer.lastSequence,
      lastTimestamp: producer.lastTimestamp,
      coordinatorEpoch: producer.coordinatorEpoch,
      currentTxnStartOffset: producer.currentTxnStartOffset,
    })),
  };
}
