/**
 * librdkafka's own test suite against a broker: its SMOKE tests and every broker-backed test that
 * needs no groups and no transactions, one process per test with a time limit.
 *
 * `node test/interop/librdkafka-suite.ts [--smoke] [--beside] [--kafka | --bootstrap host:port] [name...]`
 *   --smoke    only what the suite's Makefile calls SMOKE_TESTS
 *   --beside   the same tests against a real Kafka too, both results in one table
 */

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fetchPeer, peers, whyNoKafka, whyNoLibrdkafka } from '../../bench/toolchain.ts';
import { Checks, run } from './checks.ts';
import { type SuiteTest, suiteTests } from './librdkafka-suite-tests.ts';
import { startTarget, type Target, targetFromArguments } from './target.ts';

type Verdict = 'PASSED' | 'SKIPPED' | 'FAILED' | 'TIMED OUT';

interface Outcome {
  readonly verdict: Verdict;
  readonly seconds: number;
  readonly words: string;
}

const checks = new Checks('librdkafka suite');
const suiteDirectory = dirname(peers.testRunner);
const folder = mkdtempSync(join(tmpdir(), 'millrace-suite-'));
const TEST_MS_MAX = 120_000;
const baseSettings = { 'num.partitions': '4' };

async function runTest(test: SuiteTest, address: string): Promise<Outcome> {
  const config = join(folder, 'test.conf');
  writeFileSync(config, `bootstrap.servers=${address}\nbroker.address.family=v4\n`);
  const startedAt = performance.now();
  const seconds = (): number => (performance.now() - startedAt) / 1000;
  try {
    const ran = await run(
      peers.testRunner,
      ['-p1', ...(test.isThorough === true ? [] : ['-Q']), '-L', '-E'],
      {
        cwd: suiteDirectory,
        mayFail: true,
        timeoutMs: TEST_MS_MAX,
        env: {
          RDKAFKA_TEST_CONF: config,
          TEST_KAFKA_VERSION: '4.1.0',
          TESTS: test.name,
          LD_LIBRARY_PATH: `${join(suiteDirectory, '../src')}:${join(suiteDirectory, '../src-cpp')}`,
          ...(test.subtests === undefined ? {} : { SUBTESTS: test.subtests }),
        },
      },
    );
    // biome-ignore lint/suspicious/noControlCharactersInRegex: the suite colours its output
    const said = `${ran.stdout}${ran.stderr}`.replaceAll(/\u001b\[[0-9;]*m/g, '');
    const row = said.split('\n').find((line) => line.startsWith(`| ${test.name} `));
    const word = row?.split('|')[2]?.trim();
    const verdict = word === 'PASSED' || word === 'SKIPPED' ? word : 'FAILED';
    if (ran.code !== 0 && verdict === 'PASSED') {
      return { verdict: 'FAILED', seconds: seconds(), words: said.slice(-600) };
    }
    const failure = said.indexOf('failed at');
    const words =
      verdict === 'FAILED' ? said.slice(failure < 0 ? -600 : failure - 60).slice(0, 600) : '';
    return { verdict, seconds: seconds(), words };
  } catch (error) {
    const words = error instanceof Error ? error.message : String(error);
    return {
      verdict: words.includes('no end after') ? 'TIMED OUT' : 'FAILED',
      seconds: seconds(),
      words,
    };
  }
}

/** Every test that the suite runs against a broker must be listed, run or not. */
function unlisted(): string[] {
  const source = readFileSync(join(suiteDirectory, 'test.c'), 'utf8');
  const table = /^struct test tests\[\] = \{(.*?)^\s*\{NULL\}\};/ms.exec(source)?.[1] ?? '';
  const listed = new Set(suiteTests.map((test) => test.name));
  return table
    .split('_TEST(')
    .slice(1)
    .filter((entry) => !/TEST_F_LOCAL|TEST_F_MANUAL/.test(entry))
    .map((entry) => entry.slice(0, entry.search(/[,)]/)))
    .filter((name) => !listed.has(name));
}

const nameOf = (test: SuiteTest): string =>
  test.subtests === undefined ? test.name : `${test.name} ${test.subtests.replace(/:$/, '')}`;

async function everything(chosen: readonly SuiteTest[], target: Target, beside: Target | null) {
  const missing = unlisted();
  await checks.check('every broker-backed test of the suite is listed', () => {
    if (missing.length > 0) throw new Error(`not listed: ${missing.join(', ')}`);
  });
  for (const test of chosen) {
    if (test.waits !== undefined) {
      checks.skip(nameOf(test), test.waits);
      continue;
    }
    const other = beside === null ? null : await runTest(test, beside.address);
    const asideText =
      other === null ? '' : `real Kafka: ${other.verdict} ${other.seconds.toFixed(1)} s`;
    await checks.check(nameOf(test), async () => {
      const outcome = await runTest(test, target.address);
      const wanted: Verdict = test.skips === undefined ? 'PASSED' : 'SKIPPED';
      if (outcome.verdict !== wanted && outcome.verdict !== 'PASSED') {
        throw new Error(`${outcome.verdict}. ${asideText}\n${outcome.words}`);
      }
      const reason = outcome.verdict === 'SKIPPED' ? `skipped by the suite: ${test.skips}` : '';
      return [reason, asideText].filter((text) => text !== '').join('; ');
    });
  }
}

const reason = whyNoLibrdkafka({ mayFetch: false, file: peers.testRunner });
if (reason !== null) {
  checks.skip('everything', reason);
} else {
  const options = process.argv.slice(2);
  const names = options.filter(
    (option, at) => !option.startsWith('--') && options[at - 1] !== '--bootstrap',
  );
  const chosen = suiteTests.filter((test) =>
    names.length > 0
      ? names.some((name) => test.name.startsWith(name))
      : !options.includes('--smoke') || test.isSmoke === true,
  );
  const target = await targetFromArguments(baseSettings);
  let beside: Target | null = null;
  try {
    if (options.includes('--beside')) {
      const noKafka = whyNoKafka({ mayFetch: true });
      if (noKafka === null) {
        if (whyNoKafka({ mayFetch: false }) !== null) fetchPeer('kafka.sh');
        beside = await startTarget({ name: 'kafka', settings: baseSettings });
      } else checks.skip('the real Kafka beside', noKafka);
    }
    await everything(chosen, target, beside);
  } finally {
    await beside?.close();
    await target.close();
  }
}
rmSync(folder, { recursive: true, force: true });
process.exitCode = checks.end();
