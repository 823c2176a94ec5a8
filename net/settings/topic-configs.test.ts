import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { defaultLogConfig } from '../../engine/log/log-config.ts';
import { loadSettings } from './broker-settings.ts';
import { formatValue, parseValue } from './config-definition.ts';
import {
  effectiveText,
  TOPIC_CONFIGS,
  toLogConfig,
  topicConfig,
  validateTopicConfigs,
} from './topic-configs.ts';
import { SettingsTopicRules } from './topic-rules.ts';

const settings = loadSettings();

describe('topic configs', () => {
  test('a topic without configs of its own has the log configuration that is the default', () => {
    expect(toLogConfig({}, settings)).toEqual(defaultLogConfig);
  });

  test('configs reach the log configuration', () => {
    const configs = {
      'cleanup.policy': 'compact,delete',
      'compression.type': 'zstd',
      'flush.messages': '1',
      'max.message.bytes': '1000',
      'message.timestamp.type': 'LogAppendTime',
      preallocate: 'false',
      'retention.bytes': '-1',
      'retention.ms': '-1',
      'segment.bytes': '2000000',
    };
    expect(validateTopicConfigs(configs)).toBeNull();
    expect(toLogConfig(configs, settings)).toEqual({
      ...defaultLogConfig,
      cleanupPolicy: { delete: true, compact: true },
      compressionType: 'zstd',
      flushMessages: 1,
      maxMessageBytes: 1000,
      messageTimestampType: 'LogAppendTime',
      preallocate: false,
      retentionBytes: Number.POSITIVE_INFINITY,
      retentionMs: Number.POSITIVE_INFINITY,
      segmentBytes: 2_000_000,
    });
  });

  test('the internal segment size goes below the smallest that segment.bytes takes', () => {
    const configs = { 'internal.segment.bytes': '1000', 'segment.bytes': '2000000' };
    expect(validateTopicConfigs(configs)).toBeNull();
    expect(toLogConfig(configs, settings).segmentBytes).toBe(1000);
  });

  test('broker settings stand in for what a topic does not have, each of them', () => {
    for (const definition of TOPIC_CONFIGS.values()) {
      if (definition.brokerSetting === null) continue;
      const changed = loadSettings();
      const text = {
        int: '1048577',
        long: '12345',
        short: '1',
        double: '0.25',
        boolean: 'false',
        list: 'compact',
        string: definition.rule.kind === 'one-of' ? definition.rule.words.at(-2)! : '',
        class: '',
        password: '',
      }[definition.type];
      const fitting = definition.name.includes('level') ? '2' : text;
      changed.applyDynamic('broker', new Map([[definition.brokerSetting, fitting]]));
      expect(effectiveText(definition, {}, changed), definition.name).toBe(fitting);
      const own = definition.defaultText!;
      expect(effectiveText(definition, { [definition.name]: own }, changed)).toBe(own);
    }
  });

  test('lags that contradict each other are refused', () => {
    const configs = { 'min.compaction.lag.ms': '100', 'max.compaction.lag.ms': '10' };
    expect(validateTopicConfigs(configs)).toBe(
      'conflict topic config setting min.compaction.lag.ms (100) > max.compaction.lag.ms (10)',
    );
  });

  test('any value a config takes is printed as a text that reads as the same value', () => {
    const name = fc.constantFrom(...TOPIC_CONFIGS.keys());
    const number = fc.oneof(fc.integer(), fc.double());
    const digits = fc.stringMatching(/^[+-]?[0-9]{1,21}$/);
    const text = fc.oneof(
      digits,
      number.map(String),
      fc.string(),
      fc.constantFrom('true', 'compact'),
    );
    fc.assert(
      fc.property(name, text, (name, text) => {
        const definition = topicConfig(name)!;
        const parsed = parseValue(definition, text);
        if (!parsed.ok) return;
        const printed = formatValue(definition, parsed.value);
        const again = parseValue(definition, printed);
        expect(again.ok && formatValue(definition, again.value)).toBe(printed);
      }),
    );
  });

  test('topics configured alike share one log configuration, until a setting changes', () => {
    const changing = loadSettings();
    const rules = new SettingsTopicRules(changing);
    const first = rules.resolve({ 'segment.ms': '5' });
    expect(rules.resolve({ 'segment.ms': '5' })).toBe(first);
    changing.applyDynamic('default', new Map([['message.max.bytes', '7']]));
    expect(rules.resolve({ 'segment.ms': '5' }).log.maxMessageBytes).toBe(7);
  });
});
