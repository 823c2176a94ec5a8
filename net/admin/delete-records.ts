/** DeleteRecords: moves the log start offset of partitions; -1 stands for the high watermark. */
import { INTERNAL_TOPICS } from '../../cluster/topic-names.ts';
import { ErrorCode } from '../../engine/base/error-codes.ts';
import { effectiveValue, TOPIC_CONFIGS } from '../settings/topic-configs.ts';
import type { DeleteRecordsRequest, deleteRecordsResponse } from '../wire/api/delete-records.ts';
import type { InferInput } from '../wire/message.ts';
import type { AdminHandler, AdminServices } from './admin-services.ts';

type Response = InferInput<typeof deleteRecordsResponse>;

const UNKNOWN_OFFSET = -1;

export const handle: AdminHandler<DeleteRecordsRequest, Response> = async (request, services) => {
  const topics = await Promise.all(
    request.topics.map(async ({ name, partitions }) => {
      const offsets = new Map(partitions.map((entry) => [entry.partitionIndex, entry.offset]));
      return {
        name,
        partitions: await Promise.all(
          [...offsets].map(async ([partitionIndex, offset]) => {
            const outcome = await deleteRecords(services, { name, partitionIndex, offset });
            return { partitionIndex, ...outcome };
          }),
        ),
      };
    }),
  );
  return { throttleTimeMs: 0, topics };
};

async function deleteRecords(
  services: AdminServices,
  target: { name: string; partitionIndex: number; offset: number },
): Promise<{ lowWatermark: number; errorCode: number }> {
  const { name, partitionIndex, offset } = target;
  const topic = services.controller.topic(name);
  const slot = topic?.slots[partitionIndex];
  if (topic === undefined || slot === undefined) {
    return { lowWatermark: UNKNOWN_OFFSET, errorCode: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION };
  }
  if (INTERNAL_TOPICS.has(name)) {
    return { lowWatermark: UNKNOWN_OFFSET, errorCode: ErrorCode.INVALID_TOPIC_EXCEPTION };
  }
  const policies = effectiveValue(
    TOPIC_CONFIGS.get('cleanup.policy')!,
    topic.record.configs,
    services.settings,
  ) as readonly string[];
  if (!policies.includes('delete')) {
    return { lowWatermark: UNKNOWN_OFFSET, errorCode: ErrorCode.POLICY_VIOLATION };
  }
  const { errorCode, lowWatermark } = await services.engine.deleteRecords(slot, offset);
  return errorCode === ErrorCode.NONE
    ? { lowWatermark, errorCode }
    : { lowWatermark: UNKNOWN_OFFSET, errorCode };
}
