/**
 * What every metadata store must do: run by the test of each. `open` opens a store on the same data again where the store
 * keeps any (`isDurable`); the clock is moved by hand.
 */
import fc from 'fast-check';
import { beforeEach, describe, expect, test } from 'vitest';
import type { MetadataStore, Operation, StoreEvent } from '../../cluster/metadata-store.ts';
import { ManualClock } from '../../engine/base/clock.ts';

export interface StoreUnderTest {
  /** A store on fresh data. */
  fresh(clock: ManualClock): Promise<MetadataStore>;
  /** Closes the store and opens its data again; null: the store keeps nothing. */
  reopen: ((store: MetadataStore, clock: ManualClock) => Promise<MetadataStore>) | null;
}

/** What a store should hold, kept the simplest way. */
class Model {
  readonly values = new Map<string, { value: string; revision: number; createRevision: number }>();
  revision = 0;

  apply(operations: readonly Operation[]): void {
    const revision = this.revision + 1;
    const before = new Map(this.values);
    let isChange = false;
    for (const operation of operations) {
      if ('put' in operation) {
        const createRevision = this.values.get(operation.put)?.createRevision ?? revision;
        this.values.set(operation.put, { value: operation.value, revision, createRevision });
      } else {
        this.values.delete(operation.delete);
      }
    }
    for (const key of new Set([...before.keys(), ...this.values.keys()])) {
      if (before.get(key) !== this.values.get(key)) isChange = true;
    }
    if (isChange) this.revision = revision;
  }
}

const put = (key: string, value: string): Operation => ({ put: key, value });

export function checkMetadataStore(name: string, subject: StoreUnderTest): void {
  describe(`${name} metadata store`, () => {
    let clock: ManualClock;
    let store: MetadataStore;
    beforeEach(async () => {
      clock = new ManualClock();
      store = await subject.fresh(clock);
      return () => store.close();
    });

    const set = (key: string, value: string): Promise<{ ok: boolean; revision: number }> =>
      store.txn({ compare: [], apply: [put(key, value)] });

    test('a key that was put is read back with its revisions', async () => {
      await set('a', '1');
      await set('a', '2');
      expect(await store.get('a')).toEqual({
        key: 'a',
        value: '2',
        revision: 2,
        createRevision: 1,
        lease: null,
      });
      expect(await store.get('b')).toBeNull();
    });

    test('a key that was deleted and put again starts a new create revision', async () => {
      await set('a', '1');
      await store.txn({ compare: [], apply: [{ delete: 'a' }] });
      expect(await store.get('a')).toBeNull();
      await set('a', '2');
      expect(await store.get('a')).toMatchObject({ createRevision: 3, revision: 3 });
    });

    test('a range holds the keys of its prefix in order, and nothing beside', async () => {
      for (const key of [
        'b',
        'a/2',
        'a/10',
        'a',
        'a0',
        'a/\u{1f600}',
        'a/ä',
        'a/\u{10ffff}',
        'a/\0x',
      ])
        await set(key, key);
      const { values, revision } = await store.range('a/');
      expect(values.map(({ key }) => key)).toEqual([
        'a/\0x',
        'a/10',
        'a/2',
        'a/ä',
        'a/\u{1f600}',
        'a/\u{10ffff}',
      ]);
      expect(revision).toBe(9);
      expect((await store.range('')).values).toHaveLength(9);
      expect((await store.range('c')).values).toEqual([]);
    });

    test('a transaction applies nothing when one comparison fails', async () => {
      await set('a', '1');
      const result = await store.txn({
        compare: [
          { key: 'a', revision: 1 },
          { key: 'b', revision: 1 },
        ],
        apply: [put('a', '2'), put('c', '3')],
      });
      expect(result).toEqual({ ok: false, revision: 1 });
      expect(await store.get('a')).toMatchObject({ value: '1' });
      expect(await store.get('c')).toBeNull();
    });

    test('revision 0 in a comparison means that the key does not exist', async () => {
      const create = { compare: [{ key: 'a', revision: 0 }], apply: [put('a', '1')] };
      expect(await store.txn(create)).toEqual({ ok: true, revision: 1 });
      expect(await store.txn(create)).toEqual({ ok: false, revision: 1 });
    });

    test('all operations of a transaction share one revision; the last one of a key counts', async () => {
      await set('gone', 'x');
      const result = await store.txn({
        compare: [],
        apply: [put('a', '1'), put('b', '1'), put('a', '2'), { delete: 'gone' }, { delete: 'b' }],
      });
      expect(result).toEqual({ ok: true, revision: 2 });
      const { values } = await store.range('');
      expect(values.map(({ key, value, revision }) => [key, value, revision])).toEqual([
        ['a', '2', 2],
      ]);
    });

    test('a transaction that changes nothing keeps the revision', async () => {
      await set('a', '1');
      expect(await store.txn({ compare: [], apply: [] })).toEqual({ ok: true, revision: 1 });
      const nothing = await store.txn({ compare: [], apply: [{ delete: 'b' }] });
      expect(nothing).toEqual({ ok: true, revision: 1 });
    });

    test('a watch gets kept events first and later ones as they happen, one call a transaction', async () => {
      await set('a/1', 'x');
      await set('b/1', 'x');
      await store.txn({ compare: [], apply: [put('a/2', 'x'), put('a/3', 'x')] });
      const seen: StoreEvent[][] = [];
      const watch = store.watch('a/', 1, (events) => seen.push(events));
      await set('a/1', 'y');
      await store.txn({ compare: [], apply: [{ delete: 'a/2' }] });
      await set('b/1', 'y');
      expect(seen.map((events) => events.map((e) => [e.key, e.value?.value, e.revision]))).toEqual([
        [
          ['a/2', 'x', 3],
          ['a/3', 'x', 3],
        ],
        [['a/1', 'y', 4]],
        [['a/2', undefined, 5]],
      ]);
      watch.close();
      await set('a/1', 'z');
      expect(seen).toHaveLength(3);
    });

    test('keys of a lease vanish when it is not renewed in time, and their watchers hear of it', async () => {
      const lease = await store.lease(1000);
      await store.txn({ compare: [], apply: [{ put: 'live/1', value: 'x', lease: lease.id }] });
      await set('live/2', 'x');
      const seen: string[] = [];
      store.watch('live/', 2, (events) => {
        for (const { key, value } of events) seen.push(`${key} ${value === null ? 'gone' : 'put'}`);
      });
      clock.advance(900);
      await lease.keepAlive();
      clock.advance(900);
      expect(await store.get('live/1')).toMatchObject({ lease: lease.id });
      clock.advance(100);
      expect(await store.get('live/1')).toBeNull();
      expect(await store.get('live/2')).not.toBeNull();
      expect(seen).toEqual(['live/1 gone']);
      await expect(lease.keepAlive()).rejects.toMatchObject({ code: 'lease-expired' });
      const late = store.txn({ compare: [], apply: [{ put: 'a', value: '', lease: lease.id }] });
      await expect(late).rejects.toMatchObject({ code: 'lease-expired' });
    });

    test('a key put again without the lease outlives it', async () => {
      const lease = await store.lease(1000);
      await store.txn({ compare: [], apply: [{ put: 'a', value: '1', lease: lease.id }] });
      await set('a', '2');
      await lease.revoke();
      expect(await store.get('a')).toMatchObject({ value: '2', lease: null });
    });

    test('a closed store answers nothing', async () => {
      await store.close();
      await expect(store.get('a')).rejects.toMatchObject({ code: 'closed' });
      await store.close();
    });

    test('transactions are those of a model, whatever they are', async () => {
      const key = fc.constantFrom('a', 'a/b', 'a/c', 'b', 'c');
      const operation: fc.Arbitrary<Operation> = fc.oneof(
        fc.record({ put: key, value: fc.string({ maxLength: 5 }) }),
        fc.record({ delete: key }),
      );
      const step = fc.record({
        guard: fc.option(fc.record({ key, isRight: fc.boolean() }), { nil: null }),
        operations: fc.array(operation, { maxLength: 4 }),
        isReopened: fc.boolean(),
      });
      await fc.assert(
        fc.asyncProperty(fc.array(step, { maxLength: 12 }), async (steps) => {
          let tested = await subject.fresh(new ManualClock());
          const model = new Model();
          for (const { guard, operations, isReopened } of steps) {
            const actual = guard === null ? 0 : (model.values.get(guard.key)?.revision ?? 0);
            const compare =
              guard === null
                ? []
                : [{ key: guard.key, revision: guard.isRight ? actual : actual + 1 }];
            const result = await tested.txn({ compare, apply: operations });
            const holds = guard === null || guard.isRight;
            if (holds) model.apply(operations);
            expect(result).toEqual({ ok: holds, revision: model.revision });
            if (isReopened && subject.reopen !== null) {
              tested = await subject.reopen(tested, new ManualClock());
            }
          }
          const { values, revision } = await tested.range('');
          expect(revision).toBe(model.revision);
          expect(values).toEqual(
            [...model.values]
              .sort(([a], [b]) => (a < b ? -1 : 1))
              .map(([name, value]) => ({ key: name, ...value, lease: null })),
          );
          await tested.close();
        }),
        { numRuns: subject.reopen === null ? 100 : 25 },
      );
    });

    if (subject.reopen !== null) {
      const { reopen } = subject;
      test('keys, revisions and leases are there after the store was opened again', async () => {
        const lease = await store.lease(1000);
        await store.txn({ compare: [], apply: [{ put: 'live', value: 'x', lease: lease.id }] });
        await set('a', '1');
        clock.advance(900);
        store = await reopen(store, clock);
        expect(await store.get('a')).toMatchObject({ value: '1', revision: 2 });
        clock.advance(900);
        expect(await store.get('live')).not.toBeNull();
        clock.advance(100);
        expect(await store.get('live')).toBeNull();
        expect((await store.range('')).revision).toBe(3);
      });

      test('a watch from before the store was opened is told that its events are gone', async () => {
        await set('a', '1');
        store = await reopen(store, clock);
        expect(() => store.watch('', 0, () => {})).toThrow(/not kept/);
        store.watch('', 1, () => {}).close();
      });
    }
  });
}
