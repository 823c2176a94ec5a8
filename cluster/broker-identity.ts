/**
 * Who a broker is: the ids in its data directory's `meta.properties`, in Kafka's form, so that a directory of Kafka's
 * keeps its identity and one of ours can be read by Kafka's tools.
 *
 * Main thread; the file is read and written through the port.
 */
import { MillraceError } from '../engine/base/errors.ts';
import { randomUuid } from '../engine/base/uuid.ts';

export interface BrokerIdentity {
  readonly clusterId: string;
  readonly nodeId: number;
}

/** What is needed of a file system. */
interface IdentityFiles {
  exists(path: string): boolean;
  readFile(path: string): Uint8Array;
  writeFileAtomic(path: string, bytes: Uint8Array, sync: boolean): void;
}

export interface IdentityOptions {
  readonly files: IdentityFiles;
  readonly path: string;
  /** The id the settings ask for; -1: none. */
  readonly nodeId: number;
  readonly random: (bytes: Uint8Array) => void;
}

/** The id of the first broker where nobody gave one. */
const DEFAULT_NODE_ID = 1;

/** Reads the identity, or makes and writes one. Throws `setting` when the settings ask for another broker's id. */
export function openIdentity(options: IdentityOptions): BrokerIdentity {
  const { files, path, nodeId: wanted, random } = options;
  if (!files.exists(path)) {
    const identity = newIdentity(wanted, random);
    const text = formatMetaProperties(identity, randomUuid(random));
    files.writeFileAtomic(path, new TextEncoder().encode(text), true);
    return identity;
  }
  const identity = parseMetaProperties(new TextDecoder().decode(files.readFile(path)), path);
  if (wanted >= 0 && wanted !== identity.nodeId) {
    throw new MillraceError(
      'setting',
      `node.id=${wanted}: allowed is ${identity.nodeId}, the broker that ${path} belongs to`,
      { setting: 'node.id', value: String(wanted) },
    );
  }
  return identity;
}

/** The identity of a broker without a data directory. */
export function newIdentity(
  wantedNodeId: number,
  random: (bytes: Uint8Array) => void,
): BrokerIdentity {
  return {
    clusterId: randomUuid(random),
    nodeId: wantedNodeId >= 0 ? wantedNodeId : DEFAULT_NODE_ID,
  };
}

/** Kafka has `node.id` since version 1 of the file, `broker.id` before. */
function parseMetaProperties(text: string, path: string): BrokerIdentity {
  const values = new Map<string, string>();
  for (const line of text.split(/\r?\n/)) {
    const match = /^\s*([^#!=:\s][^=:\s]*)\s*[=:]\s*(.*?)\s*$/.exec(line);
    if (match !== null) values.set(match[1]!, match[2]!);
  }
  const clusterId = values.get('cluster.id') ?? '';
  const id = values.get('node.id') ?? values.get('broker.id') ?? '';
  if (clusterId === '' || !/^\d{1,9}$/.test(id)) {
    throw new MillraceError(
      'identity',
      `${path} is damaged: it must name cluster.id and node.id; restore it, or remove it to start a new identity`,
      { path },
    );
  }
  return { clusterId, nodeId: Number(id) };
}

function formatMetaProperties(identity: BrokerIdentity, directoryId: string): string {
  return [
    `cluster.id=${identity.clusterId}`,
    `directory.id=${directoryId}`,
    `node.id=${identity.nodeId}`,
    'version=1',
    '',
  ].join('\n');
}
