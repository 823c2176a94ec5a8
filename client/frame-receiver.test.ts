import fc from 'fast-check';
import { expect, test } from 'vitest';
import { FrameReceiver } from './frame-receiver.ts';

function framed(sizes: number[]): Buffer {
  return Buffer.concat(
    sizes.map((size, index) => {
      const frame = Buffer.alloc(4 + size, index + 1);
      frame.writeInt32BE(size, 0);
      return frame;
    }),
  );
}

function feed(receiver: FrameReceiver, stream: Buffer, readSizes: number[]): void {
  let at = 0;
  for (let turn = 0; at < stream.length; turn++) {
    const target = receiver.target();
    const count = Math.min(target.length, stream.length - at, readSizes[turn % readSizes.length]!);
    target.set(stream.subarray(at, at + count));
    receiver.advance(count);
    at += count;
  }
}

test('frames: whatever the reads look like, the same frames come out', () => {
  fc.assert(
    fc.property(
      fc.array(
        fc.oneof(fc.integer({ min: 4, max: 300 }), fc.integer({ min: 65_000, max: 200_000 })),
        {
          minLength: 1,
          maxLength: 12,
        },
      ),
      fc.array(fc.oneof(fc.integer({ min: 1, max: 50 }), fc.integer({ min: 1, max: 100_000 })), {
        minLength: 1,
        maxLength: 5,
      }),
      (sizes, readSizes) => {
        const frames: Buffer[] = [];
        const receiver = new FrameReceiver({
          onFrame: (frame) => frames.push(frame),
          frameBytesMax: 1 << 20,
        });
        feed(
          receiver,
          framed(sizes),
          readSizes.some((size) => size > 500) ? readSizes : [...readSizes, 5000],
        );
        expect(frames.map((frame) => frame.length)).toEqual(sizes);
        frames.forEach((frame, index) => {
          expect(frame.every((byte) => byte === index + 1)).toBe(true);
        });
      },
    ),
    { numRuns: 50 },
  );
});

test('frames: a frame that was handed out is not overwritten by later ones', () => {
  const frames: Buffer[] = [];
  const receiver = new FrameReceiver({
    onFrame: (frame) => frames.push(frame),
    frameBytesMax: 1000,
  });
  feed(receiver, framed([10]), [100]);
  feed(receiver, Buffer.from([0, 0, 0, 10, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9]), [100]);
  expect(frames[0]).toEqual(Buffer.alloc(10, 1));
});

test.each([-1, 0, 3, 1001, 0x48545450])('frames: a size of %i is refused', (size) => {
  const receiver = new FrameReceiver({ onFrame: () => {}, frameBytesMax: 1000 });
  const stream = Buffer.alloc(4);
  stream.writeInt32BE(size);
  expect(() => feed(receiver, stream, [4])).toThrow(/is it a Kafka broker/);
});
