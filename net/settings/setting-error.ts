/** The one error of wrong settings: a single line that names the setting, its value and what is allowed. */
import { MillraceError } from '../../engine/base/errors.ts';

export interface SettingErrorData {
  readonly setting: string;
  readonly value: string | null;
}

/** A value that a setting does not take. `source` says where it stands: a file and line, a flag, a variable. */
export function settingError(
  setting: string,
  value: string,
  allowed: string,
  source?: string,
): MillraceError<'setting', SettingErrorData> {
  const where = source === undefined ? '' : ` (${source})`;
  return new MillraceError('setting', `${setting}=${value}${where}: allowed is ${allowed}`, {
    setting,
    value,
  });
}
