/**
 * InitProducerId for idempotent producers: a new id with epoch 0, every time. As in Kafka, an id and epoch that an
 * idempotent producer sends along are checked for form only: a new id is as good as a new epoch, and needs no state.
 * Transactions need a coordinator, which this broker does not have: such a producer is told to look for one.
 */
import { ErrorCode } from '../../engine/base/error-codes.ts';
import type {
  InitProducerIdRequest,
  initProducerIdResponse,
} from '../wire/api/init-producer-id.ts';
import type { InferInput } from '../wire/message.ts';
import type { AdminHandler } from './admin-services.ts';
import { refusalOf } from './failures.ts';

type Response = InferInput<typeof initProducerIdResponse>;

const NO_PRODUCER_ID = -1;
const NO_PRODUCER_EPOCH = -1;

export const handle: AdminHandler<InitProducerIdRequest, Response> = async (request, services) => {
  const { transactionalId, transactionTimeoutMs, producerId, producerEpoch } = request;
  if ((producerId === NO_PRODUCER_ID) !== (producerEpoch === NO_PRODUCER_EPOCH)) {
    return refused(ErrorCode.INVALID_REQUEST);
  }
  if (transactionalId !== null) {
    if (transactionalId === '') return refused(ErrorCode.INVALID_REQUEST);
    const timeoutMsMax = services.settings.value('transaction.max.timeout.ms') as number;
    if (transactionTimeoutMs <= 0 || transactionTimeoutMs > timeoutMsMax) {
      return refused(ErrorCode.INVALID_TRANSACTION_TIMEOUT);
    }
    return refused(ErrorCode.COORDINATOR_NOT_AVAILABLE);
  }
  try {
    const nextId = await services.controller.producerIds.next();
    return { throttleTimeMs: 0, errorCode: ErrorCode.NONE, producerId: nextId, producerEpoch: 0 };
  } catch (error) {
    return refused(refusalOf(error).errorCode);
  }
};

function refused(errorCode: ErrorCode): Response {
  return {
    throttleTimeMs: 0,
    errorCode,
    producerId: NO_PRODUCER_ID,
    producerEpoch: NO_PRODUCER_EPOCH,
  };
}
