import { expect, test } from 'vitest';
import { formatAddress, parseAddress, parseAddresses } from './address.ts';

test.each([
  ['localhost:1234', { host: 'localhost', port: 1234 }],
  ['localhost', { host: 'localhost', port: 9092 }],
  ['127.0.0.1:0', { host: '127.0.0.1', port: 0 }],
  ['[::1]:9093', { host: '::1', port: 9093 }],
  ['[fe80::1]', { host: 'fe80::1', port: 9092 }],
  [' broker.example.com:9092 ', { host: 'broker.example.com', port: 9092 }],
])('address: %j is understood', (text, address) => {
  expect(parseAddress(text)).toEqual(address);
});

test.each(['', ':9092', 'host:', 'host:port', 'host:70000', '::1', 'a b:1', 'host:1:2'])(
  'address: %j is refused with a line that quotes it',
  (text) => {
    expect(() => parseAddress(text)).toThrow(`'${text}'`);
  },
);

test('address: a list has commas, empty places are skipped, none at all is refused', () => {
  expect(parseAddresses('a:1,,b:2').map(formatAddress)).toEqual(['a:1', 'b:2']);
  expect(() => parseAddresses(' , ')).toThrow('no broker address');
});

test('address: an IPv6 host is printed in brackets', () => {
  expect(formatAddress({ host: '::1', port: 1 })).toBe('[::1]:1');
});
