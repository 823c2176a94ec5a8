/**
 * Copies bytes [sourceStart, sourceEnd) of `this` to `targetStart` of `target`; returns how many. It is Node's own copy, which
 * moves bytes between shared and ordinary memory at full speed however they are aligned, and makes no view;
 * `TypedArray.prototype.set` takes eight times as long.
 *
 * Any thread.
 */
export const copyBytes = Buffer.prototype.copy as unknown as (
  this: Uint8Array,
  target: Uint8Array,
  targetStart: number,
  sourceStart: number,
  sourceEnd: number,
) => number;
