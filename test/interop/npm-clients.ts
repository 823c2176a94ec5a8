/**
 * The broker under the tests of npm's Kafka clients: one in this process, in memory, or the one that
 * `MILLRACE_TEST_BOOTSTRAP=host:port` names (a real Kafka, to see what the client does there).
 */

import { randomBytes } from 'node:crypto';
import { startBroker } from '../../index.ts';

export interface TestBroker {
  readonly address: string;
  close(): Promise<void>;
}

export async function testBroker(): Promise<TestBroker> {
  const given = process.env.MILLRACE_TEST_BOOTSTRAP;
  if (given !== undefined) return { address: given, close: async () => {} };
  const broker = await startBroker({
    storage: 'memory',
    listeners: [{ host: '127.0.0.1', port: 0 }],
  });
  return { address: broker.address, close: () => broker.close() };
}

/** A topic name that no other run used. */
export const freshTopic = (about: string): string => `${about}-${randomBytes(4).toString('hex')}`;
