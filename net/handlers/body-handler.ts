/**
 * Carries out the requests that are decoded whole, by their schema: everything but Produce and Fetch. What the front knows
 * by itself (its image of the cluster, the marks of partitions) it answers here; the rest goes to the main thread.
 *
 * Thread of the front.
 */
import { messageOf } from '../../engine/base/errors.ts';
import type { AdminContext } from '../admin/index.ts';
import { BodyResponse } from '../front/body-response.ts';
import type { Request } from '../front/request.ts';
import type { ApiHandler, FrontServices } from '../front/services.ts';
import { Reader } from '../wire/reader.ts';
import { type Api, apiByKey, loadedApi } from '../wire/registry.ts';
import { WireError } from '../wire/wire-error.ts';

/** Answers one API: decoded body in, decoded body out. */
export type Answer = (
  body: never,
  version: number,
  context: AdminContext,
) => object | Promise<object>;

const reader = new Reader();
// What a handler keeps of a body must outlive the frame.
reader.isCopying = true;

export class BodyHandler implements ApiHandler {
  readonly #services: FrontServices;
  readonly #answers: ReadonlyMap<number, Answer>;

  constructor(services: FrontServices, answers: ReadonlyMap<number, Answer>) {
    this.#services = services;
    this.#answers = answers;
  }

  start(request: Request): void {
    const { bytes } = this.#services.engine.memory;
    const context = this.#contextOf(request, bytes);
    const api = loadedApi(request.apiKey);
    if (api !== undefined) {
      this.#decode(request, api, context, bytes, request.bodyAt, request.end);
      return;
    }
    const body = bytes.slice(request.bodyAt, request.end);
    apiByKey(request.apiKey).then(
      (loaded) => {
        try {
          this.#decode(request, loaded, context, body, 0, body.length);
        } catch (error) {
          this.#fail(request, error);
        }
      },
      (error) => this.#fail(request, new ControlFailure(messageOf(error))),
    );
  }

  #decode(
    request: Request,
    api: Api,
    context: AdminContext,
    bytes: Uint8Array,
    at: number,
    end: number,
  ): void {
    const version = request.apiVersion;
    reader.reset(bytes, at, end);
    const body = api.request.read(reader, version) as object;
    const answer = this.#answers.get(request.apiKey);
    const answered =
      answer === undefined
        ? this.#services.control.request(request.apiKey, version, body, context)
        : answer(body as never, version, context);
    if (answered instanceof Promise) {
      answered
        .then((answerBody) => this.#complete(request, api, answerBody))
        .catch((error: unknown) => this.#fail(request, error));
    } else {
      this.#complete(request, api, answered);
    }
  }

  #complete(request: Request, api: Api, body: object): void {
    request.connection!.complete(request, new BodyResponse(request, api.response, body));
  }

  /** Nothing better can be told than the end of the connection. */
  #fail(request: Request, error: unknown): void {
    if (!(error instanceof WireError) && !(error instanceof ControlFailure)) crash(error);
    const connection = request.connection!;
    this.#services.warn(connection, `API ${request.apiKey}: ${(error as Error).message}`);
    connection.destroy();
    connection.complete(request, null);
  }

  #contextOf(request: Request, bytes: Uint8Array): AdminContext {
    const size = request.clientIdSize;
    return {
      clientId:
        size < 0
          ? null
          : Buffer.from(bytes.slice(request.clientIdAt, request.clientIdAt + size)).toString(),
      listener: request.connection!.listener,
    };
  }
}

/** This request cannot be carried out: the main thread is going away, or a module cannot be read, for want of descriptors. */
export class ControlFailure extends Error {}

/** A broken invariant: it leaves the promise chain and ends the process. */
function crash(error: unknown): void {
  setImmediate(() => {
    throw error;
  });
}
