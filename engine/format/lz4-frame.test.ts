/** LZ4 frames: what the reference tool writes is read, what is damaged is refused. */

import { describe, expect, test } from 'vitest';
import { compressLz4Frame, decompressLz4Frame } from './lz4-frame.ts';

/** The text that the frame below holds: 177,930 bytes, so three blocks of at most 64 KiB. */
const text = Buffer.from(Array.from({ length: 20000 }, (_, i) => `${i % 97} fish, `).join(''));

/** `lz4 -9 -B4 -BD -BX` 1.9.4 of that text: linked blocks, block checksums and a content checksum. */
const linkedFrame = Buffer.from(
  [
    'BCJNGFRAroYCAACTMCBmaXNoLCAxCAATMggAEzMIABM0CAATNQgAEzYIABM3CAATOAgAFDlIAAVRAARSABQxUwAUMVQAFDFV',
    'ABQxVgAUMVcAFDFYABQxWQAUMVoAFDJaABUyrAAEWgAUMloAFDJaABQyWgAUMloAFDJaABQyWgAUMloAFDNaABQzWgAVMwcB',
    'BFoAFDNaABQzWgAUM1oAFDNaABQzWgAUM1oAFDRaABQ0WgAUNFoAFTRiAQRaABQ0WgAUNFoAFDRaABQ0WgAUNFoAFDVaABQ1',
    'WgAUNVoAFDVaABU1vQEEWgAUNVoAFDVaABQ1WgAUNVoAFDZaABQ2WgAUNloAFDZaABQ2WgAVNhgCBFoAFDZaABQ2WgAUNloA',
    'FDdaABQ3WgAUN1oAFDdaABQ3WgAUN1oAFTdzAgRaABQ3WgAUN1oAFDhaABQ4WgAUOFoAFDhaABQ4WgAUOFoAFDhaABU4zgIE',
    'WgAUOFoAFDlaABQ5WgAUOVoAFDlaABQ5WgAUOVoAFDlaAA9fA///////////////////////////////////////////////',
    '////////////////////////////////////////////////////////////////////////////////////////////////',
    '////////////////////////////////////////////////////////////////////////////////////////////////',
    '////////////////////////////////////////////////////////////////////////////////////////////////',
    '//+GUGgsIDkxB6lDqAoBAAAPXwP/////////////////////////////////////////////////////////////////////',
    '////////////////////////////////////////////////////////////////////////////////////////////////',
    '////////////////////////////////////////////////////////////////////////////////////////////////',
    '////////////////////////////////////////////////////////////////////////////////6FAgODUgZimbEMnB',
    'AAAAD18D////////////////////////////////////////////////////////////////////////////////////////',
    '////////////////////////////////////////////////////////////////////////////////////////////////',
    '////////////////////////////////////////////////////////////qVBpc2gsIENISuUAAAAAeMe+yw==',
  ].join(''),
  'base64',
);

const limitBytes = 1 << 20;

describe('lz4 frame', () => {
  test('linked blocks with block and content checksums unfold', () => {
    expect(text.equals(decompressLz4Frame(linkedFrame, limitBytes))).toBe(true);
  });

  test('a skippable frame in front is passed over', () => {
    const skippable = Buffer.from('502a4d1803000000aabbcc', 'hex');
    const unfolded = decompressLz4Frame(Buffer.concat([skippable, linkedFrame]), limitBytes);
    expect(text.equals(unfolded)).toBe(true);
  });

  test('a frame cut anywhere is corrupt, or lacks only its checksum', () => {
    for (let length = 0; length < linkedFrame.length - 4; length++) {
      expect(() => decompressLz4Frame(linkedFrame.subarray(0, length), limitBytes)).toThrow(
        'lz4 data is corrupt',
      );
    }
  });

  test('no damage makes it read outside, loop or throw anything but its own errors', () => {
    for (let at = 0; at < linkedFrame.length; at++) {
      const damaged = Buffer.from(linkedFrame);
      damaged[at]! ^= 0x81;
      try {
        expect(decompressLz4Frame(damaged, limitBytes).length).toBeLessThanOrEqual(limitBytes);
      } catch (error) {
        expect(error).toMatchObject({ name: 'MillraceError' });
      }
    }
  });

  test('what unfolds to more than the limit is refused before it is held', () => {
    expect(decompressLz4Frame(linkedFrame, text.length)).toHaveLength(text.length);
    expect(() => decompressLz4Frame(linkedFrame, text.length - 1)).toThrow(
      `lz4 data unfolds to more than ${text.length - 1} bytes`,
    );
  });

  test('blocks that do not compress are stored, and nothing is an empty frame', () => {
    const asIs = (block: Uint8Array) => Buffer.concat([Buffer.alloc(4), block]);
    const frame = compressLz4Frame(text, asIs);
    expect(frame.length).toBe(7 + 3 * 4 + text.length + 4);
    expect(text.equals(decompressLz4Frame(frame, limitBytes))).toBe(true);
    expect(decompressLz4Frame(compressLz4Frame(new Uint8Array(0), asIs), 0)).toHaveLength(0);
  });
});
