/**
 * The producer id and epoch of an idempotent producer. The id comes from a broker, once; a newer epoch is taken
 * without asking, since without transactions only this producer uses the id. When the epochs are used up, the
 * next id is fetched.
 *
 * One thread.
 */

import { ErrorCode } from '../engine/base/error-codes.ts';
import { initProducerIdRequest, initProducerIdResponse } from '../net/wire/api/init-producer-id.ts';
import type { Client } from './client.ts';
import { BrokerError } from './client-error.ts';
import type { ProducerIdentity } from './pending-batch.ts';

const initProducerIdApi = { request: initProducerIdRequest, response: initProducerIdResponse };

const EPOCH_MAX = 32_767;

/** Sent where there is no transaction to time out, as Kafka's own producer does. */
const NO_TRANSACTION_TIMEOUT_MS = 2_147_483_647;

export class IdentitySource {
  readonly #client: Client;
  #current: ProducerIdentity | null = null;
  #acquiring: Promise<void> | null = null;

  constructor(client: Client) {
    this.#client = client;
  }

  /** Null: call `acquire` first. */
  get current(): ProducerIdentity | null {
    return this.#current;
  }

  /** Moves to the next epoch and returns it; null when a new id must be acquired first. */
  advance(): ProducerIdentity | null {
    const current = this.#current;
    if (current === null || current.epoch >= EPOCH_MAX) this.#current = null;
    else this.#current = { producerId: current.producerId, epoch: current.epoch + 1 };
    return this.#current;
  }

  /** Fetches an id when there is none. Throws what `Client.retry` throws. */
  acquire(): Promise<void> {
    if (this.#current !== null) return Promise.resolve();
    this.#acquiring ??= this.#fetch().finally(() => {
      this.#acquiring = null;
    });
    return this.#acquiring;
  }

  async #fetch(): Promise<void> {
    await this.#client.retry(async () => {
      const connection = await this.#client.anyConnection();
      const answer = await connection.call(initProducerIdApi, {
        transactionalId: null,
        transactionTimeoutMs: NO_TRANSACTION_TIMEOUT_MS,
      });
      if (answer.errorCode !== ErrorCode.NONE) {
        throw new BrokerError(answer.errorCode, 'cannot get a producer id');
      }
      this.#current = { producerId: answer.producerId, epoch: answer.producerEpoch };
    });
  }
}
