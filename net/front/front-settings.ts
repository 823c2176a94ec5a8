/**
 * What a front needs of the broker's settings: plain values, so that they travel to a net thread as they are.
 */
import { PIPELINED_REQUESTS_MAX } from '../../engine/base/limits.ts';
import type { SettingValues } from '../settings/setting-values.ts';

export interface FrontSettings {
  readonly nodeId: number;
  readonly socketRequestMaxBytes: number;
  /** Infinity: never. */
  readonly connectionsMaxIdleMs: number;
  /** Requests of one connection that may be read ahead of their answers. */
  readonly pipelineMax: number;
  readonly fetchMaxBytes: number;
  readonly fetchSessionSlots: number;
  readonly autoCreateTopicsEnable: boolean;
  readonly maxRequestPartitionSizeLimit: number;
  /** By listener name: where clients of that listener reach this broker. */
  readonly endpoints: Readonly<Record<string, Endpoint>>;
}

export interface Endpoint {
  readonly host: string;
  readonly port: number;
}

/** `threads`: how many fronts share the broker's session slots. */
export function frontSettings(
  values: SettingValues,
  nodeId: number,
  threads: number,
  endpoints: Readonly<Record<string, Endpoint>>,
): FrontSettings {
  return {
    nodeId,
    socketRequestMaxBytes: values.socketRequestMaxBytes,
    connectionsMaxIdleMs: values.connectionsMaxIdleMs,
    pipelineMax: PIPELINED_REQUESTS_MAX,
    fetchMaxBytes: values.fetchMaxBytes,
    fetchSessionSlots: Math.ceil(
      values.maxIncrementalFetchSessionCacheSlots / Math.max(1, threads),
    ),
    autoCreateTopicsEnable: values.autoCreateTopicsEnable,
    maxRequestPartitionSizeLimit: values.maxRequestPartitionSizeLimit,
    endpoints,
  };
}
