/** Bytes into given memory: straight from a real socket, and copied where the socket's handle is not what is expected. */

import net from 'node:net';
import { PassThrough } from 'node:stream';
import { describe, expect, test } from 'vitest';
import { SharedMemory } from '../../engine/base/shared-memory.ts';
import { type Intake, openIntake, type Receiver } from './intake.ts';

/** Takes regions of changing size out of shared memory, and stops after every third read. */
class Sink implements Receiver {
  readonly memory = SharedMemory.create(64 * 1024);
  readonly chunks: Buffer[] = [];
  size = 0;
  reads = 0;
  intake: Intake | null = null;
  #region: Uint8Array = new Uint8Array(0);
  readonly #wanted: number;
  readonly #onWhole: () => void;

  constructor(wanted: number, onWhole: () => void) {
    this.#wanted = wanted;
    this.#onWhole = onWhole;
  }

  region(): Uint8Array {
    const at = (this.reads % 5) * 1000;
    this.#region = this.memory.bytes.subarray(at, at + 700 + at);
    return this.#region;
  }

  received(size: number): boolean {
    expect(size).toBeLessThanOrEqual(this.#region.length);
    this.chunks.push(Buffer.from(this.#region.slice(0, size)));
    this.size += size;
    this.reads++;
    if (this.size === this.#wanted) this.#onWhole();
    if (this.reads % 3 !== 0) return true;
    setImmediate(() => this.intake?.resume());
    return false;
  }
}

const sent = Buffer.from(Array.from({ length: 50_000 }, (_, at) => (at * 7) & 0xff));

describe('intake', () => {
  test('an accepted socket reads into the regions it is given, stops and goes on', async () => {
    const server = net.createServer({ pauseOnConnect: true });
    const received = new Promise<Buffer>((resolve) => {
      server.on('connection', (accepted) => {
        const sink = new Sink(sent.length, () => {
          resolve(Buffer.concat(sink.chunks));
          sink.intake?.socket.destroy();
        });
        sink.intake = openIntake(accepted, sink);
        // The handle has moved: the accepted object is only a shell.
        expect(sink.intake.socket).not.toBe(accepted);
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const client = net.connect((server.address() as net.AddressInfo).port, '127.0.0.1');
    client.on('error', () => undefined);
    client.write(sent);
    expect((await received).equals(sent)).toBe(true);
    // Resolves only if no connection is counted any more.
    await new Promise((resolve) => server.close(resolve));
  });

  test('without a known handle the bytes come by data events, in the same order', async () => {
    const stream = new PassThrough();
    const received = new Promise<Buffer>((resolve) => {
      const sink = new Sink(sent.length, () => resolve(Buffer.concat(sink.chunks)));
      sink.intake = openIntake(stream as unknown as net.Socket, sink);
    });
    for (let at = 0; at < sent.length; at += 3001) stream.write(sent.subarray(at, at + 3001));
    expect((await received).equals(sent)).toBe(true);
  });
});
