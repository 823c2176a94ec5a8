/** placeholder header */
import type { LogConfig } from '../../engine/log/log-config.ts';
import type { BrokerSettings } from './broker-settings.ts';

/** The log configuration that a topic's own configs and the broker's settings amount to. */
export function toLogConfig(
  _topicConfigs: Readonly<Record<string, string>>,
  _settings: BrokerSettings,
): LogConfig {
  throw new Error('not yet');
}
