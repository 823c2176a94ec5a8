/**
 * DescribeCluster: cluster id, controller and brokers, from the front's image. Asked for controllers, a broker says that
 * this is the wrong kind of endpoint.
 *
 * Thread of the front.
 */
import { ErrorCode } from '../../engine/base/error-codes.ts';
import type { FrontServices } from '../front/services.ts';
import type { DescribeClusterRequest } from '../wire/api/describe-cluster.ts';
import { CLUSTER_OPERATIONS, OPERATIONS_NOT_ASKED } from './authorized-operations.ts';
import { brokersFor } from './metadata.ts';

const BROKERS = 1;
const CONTROLLERS = 2;

export function describeCluster(
  services: FrontServices,
  request: DescribeClusterRequest,
  listener: string,
): object {
  const { endpointType } = request;
  if (endpointType === CONTROLLERS) {
    return refusal(
      ErrorCode.MISMATCHED_ENDPOINT_TYPE,
      'The request was sent to an endpoint of type BROKER, but we wanted an endpoint of type CONTROLLER',
    );
  }
  if (endpointType !== BROKERS) {
    return refusal(
      ErrorCode.UNSUPPORTED_ENDPOINT_TYPE,
      `Unsupported endpoint type ${endpointType}`,
    );
  }
  const { image } = services;
  return {
    throttleTimeMs: 0,
    errorCode: ErrorCode.NONE,
    errorMessage: null,
    endpointType,
    clusterId: image.clusterId,
    controllerId: image.controllerId,
    brokers: brokersFor(services, listener).map((broker) => ({
      brokerId: broker.id,
      host: broker.host,
      port: broker.port,
      rack: broker.rack,
      isFenced: false,
    })),
    clusterAuthorizedOperations: request.includeClusterAuthorizedOperations
      ? CLUSTER_OPERATIONS
      : OPERATIONS_NOT_ASKED,
  };
}

function refusal(errorCode: number, errorMessage: string): object {
  return { throttleTimeMs: 0, errorCode, errorMessage, clusterId: '', brokers: [] };
}
