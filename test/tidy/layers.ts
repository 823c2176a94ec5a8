/**
 * The layers as data: who may import whom, and what each may take from Node and from npm. A path
 * belongs to the first row whose folder it lies in. ARCHITECTURE.md shows the same rows, and the
 * tests hold both against the imports that are really there.
 */

export interface Layer {
  /** A folder, or a single file. */
  readonly folder: string;
  readonly mayImport: readonly string[];
  /** Node's modules without `node:`. */
  readonly node: readonly string[];
  readonly packages: readonly string[];
  readonly never: string;
}

export const layers: readonly Layer[] = [
  {
    folder: 'engine/base',
    mayImport: [],
    node: [],
    packages: [],
    never: 'I/O',
  },
  {
    folder: 'engine/format',
    mayImport: ['engine/base'],
    node: ['module', 'zlib'],
    packages: ['snappy', 'lz4-napi'],
    never: 'I/O, clocks, state',
  },
  {
    folder: 'engine/io',
    mayImport: ['engine/base'],
    node: ['fs', 'path'],
    packages: [],
    never: 'knowledge of formats',
  },
  {
    folder: 'engine/ring',
    mayImport: ['engine/base'],
    node: [],
    packages: [],
    never: 'what the records of a ring mean',
  },
  {
    folder: 'engine/log',
    mayImport: ['engine/base', 'engine/format', 'engine/io'],
    node: [],
    packages: [],
    never: 'threads, sockets, real time',
  },
  {
    folder: 'engine',
    mayImport: ['engine'],
    node: ['module', 'worker_threads'],
    packages: ['piscina'],
    never: 'sockets',
  },
  {
    folder: 'cluster/store',
    mayImport: ['cluster', 'engine/base'],
    node: ['sqlite'],
    packages: [],
    never: 'what the keys mean',
  },
  {
    folder: 'cluster',
    mayImport: ['cluster', 'engine/index.ts', 'engine/base', 'engine/format'],
    node: [],
    packages: [],
    never: 'sockets, real time, real randomness: injected',
  },
  {
    folder: 'net/wire',
    mayImport: ['engine/base', 'engine/format'],
    node: [],
    packages: [],
    never: 'sockets',
  },
  {
    folder: 'net/settings',
    mayImport: ['cluster', 'engine/base', 'engine/log'],
    node: ['fs'],
    packages: [],
    never: 'sockets, threads',
  },
  {
    folder: 'net',
    mayImport: ['net', 'cluster', 'engine/index.ts', 'engine/base', 'engine/format', 'engine/io'],
    node: ['net', 'worker_threads', 'crypto', 'os', 'path'],
    packages: [],
    never: "the logs' files: those are the engine's",
  },
  {
    folder: 'client',
    mayImport: ['net/wire', 'engine/base', 'engine/format'],
    node: ['net'],
    packages: [],
    never: 'cluster, engine/log, engine/shard',
  },
  {
    folder: 'cli',
    mayImport: ['client', 'net', 'index.ts', 'engine/index.ts', 'engine/base', 'engine/format'],
    node: ['fs', 'module', 'path', 'v8'],
    packages: ['commander', 'pino'],
    never: 'the insides of the broker',
  },
  {
    folder: 'index.ts',
    mayImport: ['net'],
    node: [],
    packages: [],
    never: 'anything but the public surface',
  },
];

export const isInside = (path: string, folder: string): boolean =>
  path === folder || path.startsWith(`${folder}/`);

export function layerOf(path: string): Layer | undefined {
  return layers.find((layer) => isInside(path, layer.folder));
}

/** The rows as ARCHITECTURE.md shows them. */
export function layersTable(): string {
  const list = (items: readonly string[]): string =>
    items.length === 0 ? '–' : items.map((item) => `\`${item}\``).join(', ');
  return [
    '| folder | may import | from Node | packages | never |',
    '|---|---|---|---|---|',
    ...layers.map(
      (layer) =>
        `| \`${layer.folder}\` | ${list(layer.mayImport)} | ${list(layer.node)} | ${list(layer.packages)} | ${layer.never} |`,
    ),
  ].join('\n');
}
