/**
 * Kafka's `leader-epoch-checkpoint` file: at which offset each leader epoch of a partition began. Text:
 *
 *   0                 version
 *   2                 count
 *   0 0               epoch, start offset
 *   3 1280
 *
 * Any thread; pure. docs/format.md, section "Leader epochs".
 */

import { MillraceError } from '../base/errors.ts';

export const LEADER_EPOCH_FILE = 'leader-epoch-checkpoint';

export interface EpochStart {
  epoch: number;
  startOffset: number;
}

/** The file's text. Entries are in rising order of epoch and offset. */
export function formatLeaderEpochs(entries: readonly EpochStart[]): string {
  const lines = entries.map(({ epoch, startOffset }) => `${epoch} ${startOffset}`);
  return `${['0', entries.length, ...lines].join('\n')}\n`;
}

/** The entries of the file. Throws `MillraceError` 'corrupt' when it is not a whole, valid one. */
export function parseLeaderEpochs(text: string): EpochStart[] {
  const lines = text.split('\n');
  if (lines.at(-1) === '') lines.pop();
  const [version, count, ...rest] = lines;
  if (version?.trim() !== '0') throw corrupt(`unknown version ${version}`);
  if (count === undefined || !/^\d+$/.test(count.trim()) || Number(count) !== rest.length) {
    throw corrupt(`${count} entries are stated, ${rest.length} are there`);
  }
  return rest.map((line) => {
    const match = /^(\d+)\s+(\d+)\s*$/.exec(line);
    const entry = match && { epoch: Number(match[1]), startOffset: Number(match[2]) };
    if (!entry || !Number.isSafeInteger(entry.startOffset)) throw corrupt(`line '${line}'`);
    return entry;
  });
}

function corrupt(why: string): MillraceError<'corrupt', null> {
  return new MillraceError('corrupt', `leader epoch checkpoint is corrupt: ${why}`, null);
}
