/**
 * What the sources do without, as data: a pattern, where it is looked for, where it is allowed all
 * the same, and why. Comments do not count.
 */

export interface Ban {
  readonly what: string;
  readonly pattern: RegExp;
  /** Files it is looked for in. */
  readonly within: (path: string) => boolean;
  /** Files that may, and why they may. */
  readonly except: Readonly<Record<string, string>>;
  readonly why: string;
}

const isTest = (path: string): boolean => path.endsWith('.test.ts');
const isProduct = (path: string): boolean =>
  /^(?:engine|cluster|net|client|cli)\/|^index\.ts$/.test(path) && !isTest(path);

export const bans: readonly Ban[] = [
  {
    what: 'BigInt',
    pattern:
      /\bBigInt\b|\bget(?:Big|BigU)int64\b|\b(?:get|set)Big(?:Uint|Int)64\b|\b\d+n\b|\bbigint\b/i,
    within: isProduct,
    except: { 'engine/base/int64.ts': 'the one file that turns 64-bit integers into numbers' },
    why: 'twenty times the cost of two 32-bit reads, and garbage',
  },
  {
    what: 'real time',
    pattern: /\bDate\.now\b|\bnew Date\b|\bperformance\.now\b|\bprocess\.hrtime\b/,
    within: (path) => /^(?:engine|cluster)\//.test(path) && !isTest(path),
    except: { 'engine/base/clock.ts': 'the clock that is injected everywhere else' },
    why: 'a test must be able to turn the clock',
  },
  {
    what: 'real randomness',
    pattern: /\bMath\.random\b|\brandomUUID\b|\brandomBytes\b|\bgetRandomValues\b/,
    within: (path) => /^(?:engine|cluster)\//.test(path) && !isTest(path),
    except: {
      'engine/shard/engine.ts': 'the composition root of the engine hands randomness in',
      'engine/shard/memory-directory.ts': 'a name that no other engine of the process has',
    },
    why: 'a failure must replay from its seed',
  },
  {
    what: 'console',
    pattern: /\bconsole\.\w+\(/,
    within: (path) => isProduct(path) && !path.startsWith('cli/'),
    except: {},
    why: 'a library prints nothing; lines for the operator go through the log option',
  },
  {
    what: 'process.exit',
    pattern: /\bprocess\.exit\(/,
    within: isProduct,
    except: {
      'net/broker.ts': 'a broken invariant in any thread ends the process',
      'engine/shard/engine.ts': 'a broken invariant in any thread ends the process',
      'cli/end.ts': 'a read of stdin cannot be taken back',
    },
    why: 'set process.exitCode and end, so that output is flushed and files are closed',
  },
  {
    what: 'a sleep in a test',
    pattern: /\bsetTimeout\(\s*\w+\s*[,)]|timers\/promises|\bawait (?:sleep|pause)\(/,
    within: isTest,
    except: {},
    why: 'wait for the condition, never for the time',
  },
  {
    what: 'a test that does not run, or the only one that does',
    pattern: /\b(?:test|it|describe)\.(?:skip|only|todo|fails)\(/,
    within: isTest,
    except: {},
    why: 'it proves nothing',
  },
  {
    what: 'an empty catch',
    pattern: /\bcatch\s*(?:\([^)]*\))?\s*\{\s*\}/,
    within: () => true,
    except: {},
    why: 'an error is handled, mapped or let through',
  },
  {
    what: 'a type assertion to any',
    pattern: /\bas any\b|@ts-ignore|@ts-nocheck|@ts-expect-error/,
    within: () => true,
    except: {},
    why: 'the type is wrong, then',
  },
];
