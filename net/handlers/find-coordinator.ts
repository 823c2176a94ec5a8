/**
 * FindCoordinator, for what clients conclude from it: librdkafka compresses with lz4 only for a broker that serves this
 * API, and otherwise sends what it was told to compress as it is. There are no coordinators yet, and that is the answer:
 * "not available" in the versions that librdkafka and kafkajs ask in, which they go on with; from the version on in which
 * the Java client asks, an error that ends a group consumer at once and says why, where the other would have it wait
 * for ever.
 *
 * Pure.
 */
import { ErrorCode } from '../../engine/base/error-codes.ts';
import type { FindCoordinatorRequest } from '../wire/api/find-coordinator.ts';

const LIST_FROM = 4;
const REASON = 'consumer groups and transactions are not served';

export function findCoordinator(request: FindCoordinatorRequest, version: number): object {
  const nobody = { nodeId: -1, host: '', port: -1 };
  if (version < LIST_FROM) {
    return { ...nobody, errorCode: ErrorCode.COORDINATOR_NOT_AVAILABLE, errorMessage: REASON };
  }
  return {
    coordinators: request.coordinatorKeys.map((key) => ({
      ...nobody,
      key,
      errorCode: ErrorCode.UNSUPPORTED_VERSION,
      errorMessage: REASON,
    })),
  };
}
