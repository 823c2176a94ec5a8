/**
 * Reads `listeners` and `advertised.listeners`: `NAME://host:port`, separated by commas, where the name is a security
 * protocol or is mapped to one by `listener.security.protocol.map`. Listeners that belong to Kafka's own controller
 * (`controller.listener.names`) are left out: there is no quorum of controllers here that would listen on them.
 *
 * Any thread; pure.
 */

import { settingError } from './setting-error.ts';
import type { ListenerSetting, SecurityProtocol } from './setting-values.ts';

const FORM = 'NAME://host:port, separated by commas';
const PROTOCOLS: ReadonlySet<string> = new Set(['PLAINTEXT', 'SSL', 'SASL_PLAINTEXT', 'SASL_SSL']);

export interface ListenerContext {
  readonly setting: 'listeners' | 'advertised.listeners';
  /** Values of `listener.security.protocol.map` and `controller.listener.names`. */
  readonly protocolMap: readonly string[];
  readonly controllerNames: readonly string[];
}

/** Throws `setting` when an entry is malformed, a name is repeated or a protocol is not spoken. */
export function parseListeners(
  entries: readonly string[],
  context: ListenerContext,
): ListenerSetting[] {
  const protocols = parseProtocolMap(context.protocolMap);
  const controllers = new Set(context.controllerNames.map((name) => name.toUpperCase()));
  const listeners: ListenerSetting[] = [];
  for (const entry of entries) {
    const match = /^(\w+):\/\/(\[[0-9a-fA-F:.%]+\]|[^:/\s[\]]*):(-?\d+)$/.exec(entry);
    if (match === null) throw settingError(context.setting, entry, FORM);
    const name = match[1]!.toUpperCase();
    if (controllers.has(name)) continue;
    const port = Number(match[3]);
    if (port < 0 || port > 65535)
      throw settingError(context.setting, entry, 'a port from 0 to 65535');
    if (listeners.some((listener) => listener.name === name)) {
      throw settingError(context.setting, entry, 'each listener name once');
    }
    const securityProtocol = protocols.get(name) ?? name;
    if (!PROTOCOLS.has(securityProtocol)) {
      throw settingError(
        context.setting,
        entry,
        'a name that is a security protocol or has one in listener.security.protocol.map',
      );
    }
    if (securityProtocol !== 'PLAINTEXT') {
      throw settingError(
        context.setting,
        entry,
        `the PLAINTEXT protocol only: ${securityProtocol} is not available in this version`,
      );
    }
    listeners.push({
      name,
      host: match[2]!.replace(/^\[|\]$/g, ''),
      port,
      securityProtocol: securityProtocol as SecurityProtocol,
    });
  }
  return listeners;
}

function parseProtocolMap(entries: readonly string[]): Map<string, string> {
  const protocols = new Map<string, string>();
  for (const entry of entries) {
    const [name, protocol] = entry.split(':');
    if (name === undefined || protocol === undefined || !PROTOCOLS.has(protocol.toUpperCase())) {
      throw settingError(
        'listener.security.protocol.map',
        entry,
        `NAME:PROTOCOL, separated by commas, with a protocol of ${[...PROTOCOLS].join(', ')}`,
      );
    }
    protocols.set(name.toUpperCase(), protocol.toUpperCase());
  }
  return protocols;
}
