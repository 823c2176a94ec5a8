import { expect, test } from 'vitest';
import { produceRequest } from '../net/wire/api/produce.ts';
import { Writer } from '../net/wire/writer.ts';
import { encodeProduceRequest } from './produce-request.ts';

const topicId = 'peerpeerpeerpeerpeerAA';
const parameters = {
  acks: -1,
  timeoutMs: 30_000,
  topics: [
    {
      name: 'orders',
      topicId,
      partitions: [
        { index: 0, records: Buffer.alloc(300, 1) },
        { index: 7, records: Buffer.alloc(10, 2) },
      ],
    },
    { name: 'π', topicId, partitions: [{ index: 1, records: Buffer.alloc(1, 3) }] },
  ],
};

const [oldest, newest] = produceRequest.versions;
for (let version = oldest; version <= newest; version++) {
  test(`produce request: version ${version} is byte for byte what the schema writes`, () => {
    const writer = new Writer();
    produceRequest.write(
      writer,
      {
        transactionalId: null,
        acks: parameters.acks,
        timeoutMs: parameters.timeoutMs,
        topicData: parameters.topics.map((topic) => ({
          ...(version < 13 ? { name: topic.name } : { topicId: topic.topicId }),
          partitionData: topic.partitions,
        })),
      },
      version,
    );
    expect(Buffer.concat(encodeProduceRequest(parameters, version))).toEqual(writer.copy());
  });
}
