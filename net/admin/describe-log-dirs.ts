/** DescribeLogDirs: the size of each partition asked for (null: of all), and of the volume (4+). */
import { ErrorCode } from '../../engine/base/error-codes.ts';
import { Marks } from '../../engine/index.ts';
import type {
  DescribeLogDirsRequest,
  describeLogDirsResponse,
} from '../wire/api/describe-log-dirs.ts';
import type { InferInput } from '../wire/message.ts';
import type { AdminHandler } from './admin-services.ts';

type Response = InferInput<typeof describeLogDirsResponse>;
type TopicRow = Response['results'][number]['topics'][number];

export const handle: AdminHandler<DescribeLogDirsRequest, Response> = async (request, services) => {
  const { controller, engine } = services;
  const wanted =
    request.topics === null
      ? [...controller.topics()].map((topic) => ({ topic, partitions: [...topic.slots.keys()] }))
      : request.topics.map(({ topic, partitions }) => ({
          topic: controller.topic(topic),
          partitions: [...new Set(partitions)],
        }));
  const marks = new Marks();
  const topics: TopicRow[] = [];
  for (const { topic, partitions } of wanted) {
    const rows: TopicRow['partitions'][number][] = [];
    for (const partitionIndex of partitions) {
      const slot = topic?.slots[partitionIndex];
      if (slot === undefined || !engine.client.marks(slot, marks)) continue;
      rows.push({
        partitionIndex,
        partitionSize: marks.sizeBytes,
        offsetLag: 0,
        isFutureKey: false,
      });
    }
    if (topic !== undefined && rows.length > 0) topics.push({ name: topic.name, partitions: rows });
  }
  const { totalBytes, usableBytes } = services.volume();
  return {
    throttleTimeMs: 0,
    errorCode: ErrorCode.NONE,
    results: [
      {
        errorCode: ErrorCode.NONE,
        logDir: engine.dataDir,
        topics,
        totalBytes,
        usableBytes,
        isCordoned: false,
      },
    ],
  };
};
