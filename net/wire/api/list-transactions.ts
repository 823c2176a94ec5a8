/**
 * ListTransactions (66): the transactions a coordinator knows, filtered by state, producer, duration (1+)
 * and pattern (2+).
 */

import { type Infer, message } from '../message.ts';
import { array, int16, int32, int64, string } from '../schema.ts';

export const listTransactionsRequest = message({
  name: 'ListTransactionsRequest',
  apiKey: 66,
  versions: [0, 2],
  flexible: 0,
  fields: {
    stateFilters: array('0+', 'string'),
    producerIdFilters: array('0+', 'int64'),
    durationFilter: int64('1+', { default: -1 }),
    transactionalIdPattern: string('2+', { nullable: '2+', default: null }),
  },
});
export type ListTransactionsRequest = Infer<typeof listTransactionsRequest>;

export const listTransactionsResponse = message({
  name: 'ListTransactionsResponse',
  apiKey: 66,
  versions: [0, 2],
  flexible: 0,
  fields: {
    throttleTimeMs: int32('0+'),
    errorCode: int16('0+'),
    unknownStateFilters: array('0+', 'string'),
    transactionStates: array('0+', {
      transactionalId: string('0+'),
      producerId: int64('0+'),
      transactionState: string('0+'),
    }),
  },
});
export type ListTransactionsResponse = Infer<typeof listTransactionsResponse>;
