/** placeholder header */
import type { SettingValues } from './setting-values.ts';

export interface SettingSources {
  /** Path of a file in Java properties syntax. */
  readonly file?: string;
  /** `name=value` each. */
  readonly flags?: readonly string[];
  /** Environment variables; MILLRACE_LOG_RETENTION_HOURS sets log.retention.hours. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Settings given in code (startBroker's `settings`); they win over all others. */
  readonly settings?: Readonly<Record<string, string>>;
}

export class BrokerSettings {
  /** The typed values as they stand now; replaced, never changed, by a dynamic change. */
  values: SettingValues;
  /** One line for each setting that is known but cannot be honoured and would change what the broker does. */
  readonly warnings: readonly string[] = [];

  constructor(values: SettingValues) {
    this.values = values;
  }
}

/** Throws MillraceError code `setting` with one line that names the setting, its value and what is allowed. */
export function loadSettings(_sources: SettingSources = {}): BrokerSettings {
  throw new Error('not yet');
}
