/** The slab arena against a model that paints granules: no overlap, first fit, nothing lost. */

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { SLAB_GRANULE_BYTES } from '../../engine/base/limits.ts';
import { SLAB_FULL, SlabArena } from '../../engine/ring/slab-arena.ts';

const command = fc.oneof(
  { weight: 3, arbitrary: fc.record({ allocate: fc.integer({ min: 0, max: 12 }) }) },
  { weight: 2, arbitrary: fc.record({ release: fc.nat(1000) }) },
);

test('slab arena: equals first fit over painted granules', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 64 }),
      fc.array(command, { maxLength: 200 }),
      (granules, commands) => {
        const arena = new SlabArena({
          ordinaryBytes: granules * SLAB_GRANULE_BYTES,
          giantBytes: 20 * SLAB_GRANULE_BYTES,
        });
        const painted: boolean[] = new Array(granules).fill(false);
        const live: { address: number; granules: number; isGiant: boolean }[] = [];
        const blockMax = Math.max(1, granules >> 3);
        let rooms = 0;
        let refused = false;
        arena.onRoom = () => rooms++;
        for (const step of commands) {
          if ('allocate' in step) {
            const wanted = Math.max(1, step.allocate);
            const address = arena.allocate(step.allocate * SLAB_GRANULE_BYTES);
            const isGiant = wanted > blockMax;
            let expected = SLAB_FULL;
            if (isGiant) {
              if (!live.some((region) => region.isGiant)) expected = arena.ordinaryBytes;
            } else {
              for (let at = 0; at + wanted <= granules && expected === SLAB_FULL; at++) {
                if (painted.slice(at, at + wanted).every((used) => !used)) {
                  expected = at * SLAB_GRANULE_BYTES;
                }
              }
            }
            expect(address).toBe(expected);
            if (address === SLAB_FULL) {
              refused = true;
              continue;
            }
            live.push({ address, granules: wanted, isGiant });
            if (!isGiant)
              painted.fill(
                true,
                address / SLAB_GRANULE_BYTES,
                address / SLAB_GRANULE_BYTES + wanted,
              );
            expect(arena.sizeOf(address)).toBe(wanted * SLAB_GRANULE_BYTES);
          } else if (live.length > 0) {
            const [region] = live.splice(step.release % live.length, 1);
            const before = rooms;
            arena.release(region!.address);
            expect(rooms - before).toBe(refused ? 1 : 0);
            refused = false;
            if (!region!.isGiant) {
              const at = region!.address / SLAB_GRANULE_BYTES;
              painted.fill(false, at, at + region!.granules);
            }
          }
          const used = live.reduce((sum, region) => sum + region.granules, 0);
          expect(arena.usedBytes).toBe(used * SLAB_GRANULE_BYTES);
        }
        for (const { address } of live) arena.release(address);
        expect(arena.usedBytes).toBe(0);
        expect(arena.allocate(blockMax * SLAB_GRANULE_BYTES)).toBe(0);
      },
    ),
    { numRuns: 300 },
  );
});

test('slab arena: a size beyond everything is never served, a double release is a broken invariant', () => {
  const arena = new SlabArena({ ordinaryBytes: 1 << 20, giantBytes: 1 << 21 });
  expect(arena.allocateMaxBytes).toBe(1 << 21);
  expect(arena.allocate((1 << 21) + 1)).toBe(SLAB_FULL);
  const address = arena.allocate(1);
  arena.release(address);
  expect(() => arena.release(address)).toThrow('released what was not allocated');
  expect(() => arena.release(arena.ordinaryBytes)).toThrow('giant region is not in use');
});
