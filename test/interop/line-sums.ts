/**
 * Checksums of lines that do not depend on their order: each line is hashed, the hashes are summed.
 * Two sums of different hashes make an exchange of bytes between lines show. Fast enough to follow a
 * gigabyte, so bytes are walked once and nothing is allocated per line.
 */

const NEWLINE = 0x0a;
const TAB = 0x09;
const FNV_BASIS = 0x811c9dc5;
const FNV_PRIME = 0x01000193;
const OTHER_PRIME = 0x85ebca6b;

/** Lines in any order. */
export class LineSums {
  count = 0;
  bytes = 0;
  #first = FNV_BASIS;
  #second = 0;
  #firstSum = 0;
  #secondSum = 0;

  add(piece: Uint8Array): void {
    let first = this.#first;
    let second = this.#second;
    for (let at = 0; at < piece.length; at++) {
      const byte = piece[at] as number;
      if (byte === NEWLINE) {
        this.take(first, second);
        first = FNV_BASIS;
        second = 0;
      } else {
        first = Math.imul(first ^ byte, FNV_PRIME);
        second = Math.imul(second + byte + 1, OTHER_PRIME) ^ (second >>> 15);
      }
    }
    this.bytes += piece.length;
    this.#first = first;
    this.#second = second;
  }

  /** One whole line, hashed elsewhere. */
  take(first: number, second: number): void {
    this.count++;
    this.#firstSum = (this.#firstSum + first) | 0;
    this.#secondSum = (this.#secondSum + second) | 0;
  }

  /** The sums of both together. */
  include(other: LineSums): void {
    this.count += other.count;
    this.#firstSum = (this.#firstSum + other.#firstSum) | 0;
    this.#secondSum = (this.#secondSum + other.#secondSum) | 0;
  }

  digest(): string {
    const hex = (sum: number): string => (sum >>> 0).toString(16).padStart(8, '0');
    return `${this.count} lines ${hex(this.#firstSum)}${hex(this.#secondSum)}`;
  }
}

/** Lines of the form `partition TAB line`, summed by partition. */
export class PartitionedSums {
  readonly #partitions: LineSums[];
  count = 0;
  #partition = 0;
  #isInLine = false;
  #first = FNV_BASIS;
  #second = 0;

  constructor(partitions: number) {
    this.#partitions = Array.from({ length: partitions }, () => new LineSums());
  }

  add(piece: Uint8Array): void {
    let first = this.#first;
    let second = this.#second;
    let isInLine = this.#isInLine;
    for (let at = 0; at < piece.length; at++) {
      const byte = piece[at] as number;
      if (!isInLine) {
        if (byte === TAB) isInLine = true;
        else this.#partition = this.#partition * 10 + (byte - 0x30);
      } else if (byte === NEWLINE) {
        const sums = this.#partitions[this.#partition];
        if (sums === undefined) throw new Error(`no partition ${this.#partition}`);
        sums.take(first, second);
        this.count++;
        this.#partition = 0;
        isInLine = false;
        first = FNV_BASIS;
        second = 0;
      } else {
        first = Math.imul(first ^ byte, FNV_PRIME);
        second = Math.imul(second + byte + 1, OTHER_PRIME) ^ (second >>> 15);
      }
    }
    this.#first = first;
    this.#second = second;
    this.#isInLine = isInLine;
  }

  byPartition(): string[] {
    return this.#partitions.map((sums) => sums.digest());
  }

  total(): string {
    const all = new LineSums();
    for (const sums of this.#partitions) all.include(sums);
    return all.digest();
  }
}
