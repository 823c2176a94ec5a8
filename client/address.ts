/**
 * Broker addresses: `host:port` as people write them, also `[::1]:9092` and lists with commas.
 *
 * Any thread; pure.
 */

import { ClientError } from './client-error.ts';

export interface Address {
  readonly host: string;
  readonly port: number;
}

const DEFAULT_PORT = 9092;

/** Parses `host`, `host:port` or `[v6]:port`. Throws `ClientError` 'argument' for anything else. */
export function parseAddress(text: string, defaultPort = DEFAULT_PORT): Address {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^\s:[\]]+))(?::(\d{1,5}))?$/.exec(text.trim());
  const port = match?.[3] === undefined ? defaultPort : Number(match[3]);
  if (match === null || port > 65535) {
    throw new ClientError('argument', `not an address of the form host:port: '${text}'`);
  }
  return { host: (match[1] ?? match[2])!, port };
}

/** Parses a list of addresses with commas between them; at least one is needed. */
export function parseAddresses(text: string): Address[] {
  const parts = text.split(',').filter((part) => part.trim() !== '');
  if (parts.length === 0) throw new ClientError('argument', 'no broker address given');
  return parts.map((part) => parseAddress(part));
}

/** `host:port`, with brackets around an IPv6 host. */
export function formatAddress(address: Address): string {
  return address.host.includes(':')
    ? `[${address.host}]:${address.port}`
    : `${address.host}:${address.port}`;
}
