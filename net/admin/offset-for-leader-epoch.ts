/** OffsetForLeaderEpoch: where a leader epoch ends in the log, which tells a client whether it read what was cut off. */
import { ErrorCode } from '../../engine/base/error-codes.ts';
import { Marks } from '../../engine/index.ts';
import type {
  OffsetForLeaderEpochRequest,
  offsetForLeaderEpochResponse,
} from '../wire/api/offset-for-leader-epoch.ts';
import type { InferInput } from '../wire/message.ts';
import type { AdminHandler, AdminServices } from './admin-services.ts';

type Response = InferInput<typeof offsetForLeaderEpochResponse>;
type Row = Response['topics'][number]['partitions'][number];
type Question = OffsetForLeaderEpochRequest['topics'][number]['partitions'][number];

const UNDEFINED = -1;

export const handle: AdminHandler<OffsetForLeaderEpochRequest, Response> = async (
  request,
  services,
) => {
  const topics = await Promise.all(
    request.topics.map(async ({ topic, partitions }) => ({
      topic,
      partitions: await Promise.all(
        partitions.map((question) => answer(services, topic, question)),
      ),
    })),
  );
  return { throttleTimeMs: 0, topics };
};

async function answer(services: AdminServices, topic: string, question: Question): Promise<Row> {
  const { partition, currentLeaderEpoch, leaderEpoch } = question;
  const refused = (errorCode: number): Row => ({
    errorCode,
    partition,
    leaderEpoch: UNDEFINED,
    endOffset: UNDEFINED,
  });
  const image = services.controller.image.topicByName(topic)?.partitions[partition];
  if (image === undefined) return refused(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION);
  if (currentLeaderEpoch !== UNDEFINED && currentLeaderEpoch !== image.leaderEpoch) {
    return refused(
      currentLeaderEpoch < image.leaderEpoch
        ? ErrorCode.FENCED_LEADER_EPOCH
        : ErrorCode.UNKNOWN_LEADER_EPOCH,
    );
  }
  // The current epoch ends where the log ends, also before anything was appended in it.
  const marks = new Marks();
  if (leaderEpoch === image.leaderEpoch && services.engine.client.marks(image.slot, marks)) {
    return { errorCode: ErrorCode.NONE, partition, leaderEpoch, endOffset: marks.logEndOffset };
  }
  const end = await services.engine.endOffsetForEpoch(image.slot, leaderEpoch);
  if (end.errorCode !== ErrorCode.NONE) return refused(end.errorCode);
  return {
    errorCode: ErrorCode.NONE,
    partition,
    leaderEpoch: end.leaderEpoch,
    endOffset: end.endOffset,
  };
}
