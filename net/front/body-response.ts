/**
 * A response that a schema encodes: for everything but the hot path. It is encoded when it is made, so that its body need
 * not be kept, and copied into the output from there, piece by piece when it is large.
 *
 * Thread of the front.
 */
import { responseHeaderVersion } from '../wire/header.ts';
import type { MessageCodec } from '../wire/message.ts';
import { Writer } from '../wire/writer.ts';
import { Fill, type OutputBuffer, type Response } from './output.ts';
import type { Request } from './request.ts';

const SIZE_BYTES = 4;
const writer = new Writer();

export class BodyResponse implements Response {
  readonly #frame: Buffer;
  #at = 0;

  /** `version` differs from the request's only where ApiVersions answers a version that it does not know. */
  constructor(request: Request, codec: MessageCodec, body: unknown, version = request.apiVersion) {
    writer.reset();
    writer.int32(0);
    writer.int32(request.correlationId);
    if (responseHeaderVersion(request.apiKey, version) === 1) writer.int8(0);
    codec.write(writer, body, version);
    this.#frame = writer.copy();
    this.#frame.writeInt32BE(this.#frame.length - SIZE_BYTES);
  }

  get sizeHint(): number {
    return this.#frame.length - this.#at;
  }

  fill(buffer: OutputBuffer): Fill {
    const size = Math.min(buffer.room, this.#frame.length - this.#at);
    this.#frame.copy(buffer.bytes, buffer.size, this.#at, this.#at + size);
    buffer.size += size;
    this.#at += size;
    return this.#at === this.#frame.length ? Fill.DONE : Fill.MORE;
  }

  dispose(): void {}
}
