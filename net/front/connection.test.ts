/** How answers leave: small ones together, large ones through one buffer, and none faster than the kernel takes them. */

import { describe, expect, test } from 'vitest';
import { KIB, SEND_PIECE_BYTES, UNSENT_BYTES_MAX } from '../../engine/base/limits.ts';
import { PRODUCE, produceBody, requestFrame } from '../../test/integration/raw-client.ts';
import { ModelFront } from '../../test/property/front-in-memory.ts';
import { Fill, type OutputBuffer, type Response } from './output.ts';
import type { Request } from './request.ts';

const frame = await requestFrame(PRODUCE, 9, produceBody('t', 0, Buffer.alloc(100)), 1);

/** So many bytes, in pieces. */
class Bytes implements Response {
  sizeHint: number;
  fills = 0;
  isDisposed = false;
  readonly #failAt: number;

  constructor(size: number, failAt = -1) {
    this.sizeHint = size;
    this.#failAt = failAt;
  }

  fill(buffer: OutputBuffer): Fill {
    this.fills++;
    if (this.sizeHint === this.#failAt) return Fill.FAILED;
    const size = Math.min(this.sizeHint, buffer.room, SEND_PIECE_BYTES);
    buffer.bytes.fill(this.fills, buffer.size, buffer.size + size);
    buffer.size += size;
    this.sizeHint -= size;
    return this.sizeHint === 0 ? Fill.DONE : Fill.MORE;
  }

  dispose(): void {
    this.isDisposed = true;
  }
}

function open(room: number) {
  const front = new ModelFront();
  const { connection, socket } = front.connect(room);
  const answer = (response: Response): void => {
    connection.complete(front.receive(connection, frame)!, response);
  };
  return { front, connection, socket, answer };
}

describe('answers on their way out', () => {
  test('small ones that are ready in one turn leave in one write', async () => {
    const { front, socket, answer } = open(UNSENT_BYTES_MAX);
    for (let i = 0; i < 50; i++) answer(new Bytes(50));
    await front.turn();
    expect(socket.writes.map(({ size }) => size)).toEqual([2500]);
  });

  test('a large one goes through one buffer while the kernel takes every piece at once', async () => {
    const { front, socket, answer } = open(100 * SEND_PIECE_BYTES);
    for (let round = 0; round < 3; round++) {
      answer(new Bytes(9 * SEND_PIECE_BYTES + 10));
      await front.turn();
    }
    expect(socket.received().length).toBe(3 * (9 * SEND_PIECE_BYTES + 10));
    const large = socket.writes.filter(({ size }) => size === SEND_PIECE_BYTES);
    expect(large.length).toBe(27);
    expect(new Set(large.map(({ memory }) => memory)).size).toBe(1);
  });

  test('of two large ones each sends a piece in turn, and small ones of others do not wait for them', async () => {
    const front = new ModelFront();
    const [one, two, small] = [0, 1, 2].map(() => front.connect(100 * SEND_PIECE_BYTES));
    const order: string[] = [];
    const watch = (name: string, { socket }: typeof one & object): void => {
      const write = socket._write.bind(socket);
      socket._write = (...args) => {
        order.push(name);
        write(...args);
      };
    };
    for (const [name, end] of Object.entries({ one, two, small })) watch(name, end!);
    for (const [end, size] of [
      [one, 2 * SEND_PIECE_BYTES],
      [two, 2 * SEND_PIECE_BYTES],
      [small, 50],
    ] as const) {
      end!.connection.complete(front.receive(end!.connection, frame)!, new Bytes(size));
    }
    await front.turn();
    expect(order).toEqual(['small', 'one', 'two', 'one', 'two']);
  });

  test('a slow reader holds one piece, and every drain is followed by as much as the kernel takes', async () => {
    const { front, connection, socket, answer } = open(2.5 * SEND_PIECE_BYTES);
    const response = new Bytes(10 * SEND_PIECE_BYTES);
    answer(response);
    await front.turn();
    expect(response.fills).toBe(3);
    expect(socket.writableLength).toBe(SEND_PIECE_BYTES);
    connection.wake();
    await front.turn();
    expect(response.fills).toBe(3);
    // What was waiting, three more, and half of a fourth.
    socket.drain(4 * SEND_PIECE_BYTES);
    await front.turn();
    expect(response.fills).toBe(7);
    expect(socket.writableLength).toBe(SEND_PIECE_BYTES);
    socket.drain(100 * SEND_PIECE_BYTES);
    await front.turn();
    expect(response.isDisposed).toBe(true);
    const received = socket.received();
    expect(received.length).toBe(10 * SEND_PIECE_BYTES);
    for (let piece = 0; piece < 10; piece++) {
      const bytes = received.subarray(piece * SEND_PIECE_BYTES, (piece + 1) * SEND_PIECE_BYTES);
      expect(bytes.equals(Buffer.alloc(SEND_PIECE_BYTES, piece + 1))).toBe(true);
    }
  });

  test('small ones do not wait for the kernel before many bytes of them are unsent', async () => {
    const { front, socket, answer } = open(0);
    let answered = 0;
    while (socket.writableLength < UNSENT_BYTES_MAX) {
      expect(socket.writableLength).toBe(answered);
      answer(new Bytes(10 * KIB));
      await front.turn();
      answered += 10 * KIB;
    }
    const last = new Bytes(10);
    answer(last);
    await front.turn();
    expect(last.fills).toBe(0);
    socket.drain(2 * UNSENT_BYTES_MAX);
    await front.turn();
    await front.turn();
    expect(last.isDisposed).toBe(true);
    expect(socket.received().length).toBe(answered + 10);
  });

  test('one that fails when its first pieces have left ends the connection, and gives its buffers back', async () => {
    const { front, socket, answer } = open(100 * SEND_PIECE_BYTES);
    const before = front.outputs.take(SEND_PIECE_BYTES);
    front.outputs.release(before);
    const response = new Bytes(3 * SEND_PIECE_BYTES, SEND_PIECE_BYTES);
    answer(response);
    await front.turn();
    expect(socket.received().length).toBe(2 * SEND_PIECE_BYTES);
    expect(socket.destroyed).toBe(true);
    await front.turn();
    expect(response.isDisposed).toBe(true);
    expect(front.outputs.take(SEND_PIECE_BYTES) === before).toBe(true);
  });
});

describe('requests on their way in', () => {
  test('of connections whose answers take long leave room for those of others, and go on when they are answered', async () => {
    const front = new ModelFront();
    const large = await requestFrame(PRODUCE, 9, produceBody('t', 0, Buffer.alloc(60 * KIB)), 1);
    const floods = Array.from({ length: 2 }, () => {
      const { connection } = front.connect();
      const requests: Request[] = [];
      const read = (): void => {
        while (connection.mayRead) {
          const request = front.receive(connection, large);
          if (request !== undefined) requests.push(request);
        }
        // As Node does behind each read.
        connection.region();
      };
      read();
      return { connection, requests, read };
    });
    const counts = floods.map(({ requests }) => requests.length);
    // Each leaves as much as it takes: a half of 2 MiB, then a half of the rest.
    expect(counts[0]).toBeGreaterThan(counts[1]!);
    expect(counts[1]).toBeGreaterThan(0);
    const other = front.connect();
    expect(front.receive(other.connection, frame)).toBeDefined();
    for (const { connection, requests, read } of floods) {
      for (const request of requests.splice(0)) connection.complete(request, new Bytes(10));
      await front.turn();
      expect(connection.mayRead).toBe(true);
      read();
      expect(requests.length).toBeGreaterThan(0);
    }
  });

  test('stop when there are few places for appends left, one goes always', () => {
    const { front, connection } = open(0);
    front.freeAppends = 0;
    const request = front.receive(connection, frame);
    connection.region();
    expect(request).toBeDefined();
    expect(connection.mayRead).toBe(false);
    front.freeAppends = 10;
    connection.complete(request!, new Bytes(10));
    connection.advance(false);
    expect(connection.mayRead).toBe(true);
  });
});
