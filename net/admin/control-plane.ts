/**
 * Puts the control plane of one broker together: metadata store, broker identity, controller, administrative API. The
 * broker's composition root calls `openControlPlane` once, binds its listeners, calls `announce` with the addresses it
 * got, and sends every delta to its net threads from then on. Main thread.
 */

import { join } from 'node:path';
import { newIdentity, openIdentity } from '../../cluster/broker-identity.ts';
import { Controller } from '../../cluster/controller.ts';
import type { KraftMetadata } from '../../cluster/kraft-metadata.ts';
import type { BrokerImage, ImageDelta, MetadataImage } from '../../cluster/metadata-image.ts';
import { TOPICS_PREFIX } from '../../cluster/metadata-keys.ts';
import type { MetadataStore } from '../../cluster/metadata-store.ts';
import { ResourceConfigs } from '../../cluster/resource-configs.ts';
import { MemoryMetadataStore } from '../../cluster/store/memory-metadata-store.ts';
import { openSqliteMetadataStore } from '../../cluster/store/sqlite-metadata-store.ts';
import { messageOf } from '../../engine/base/errors.ts';
import type { Engine } from '../../engine/index.ts';
import { UNKNOWN_VOLUME } from '../../engine/io/file-system.ts';
import { realFileSystem } from '../../engine/io/real-file-system.ts';
import type { BrokerSettings } from '../settings/broker-settings.ts';
import type { SettingValues } from '../settings/setting-values.ts';
import { SettingsTopicRules } from '../settings/topic-rules.ts';
import { AdminApi } from './index.ts';
import { readKafkaMetadata } from './kafka-directory.ts';

export interface ControlPlaneOptions {
  /** null: everything in memory. */
  readonly dataDir: string | null;
  /** May still be opening: the store opens meanwhile. */
  readonly engine: Engine | Promise<Engine>;
  readonly settings: BrokerSettings;
  readonly log?: (line: string) => void;
  /** Fills the bytes it is handed. Default: the system's randomness. */
  readonly random?: (bytes: Uint8Array) => void;
}

export interface ControlPlane {
  readonly clusterId: string;
  readonly nodeId: number;
  readonly admin: AdminApi;
  readonly controller: Controller;
  /** The main thread's own image; `image.snapshot()` is what a net thread starts from. */
  readonly image: MetadataImage;
  /** Sends a delta to every other holder of an image and resolves when all have applied it. Set by the owner. */
  publish: (delta: ImageDelta) => Promise<void>;
  /** Called after a dynamic broker setting changed. Set by the owner. */
  onSettingsChanged: (values: SettingValues) => void;
  /** Called when a client changed the level of the root logger (TRACE, DEBUG, INFO, WARN, ERROR, FATAL). Set by the owner. */
  onLogLevel: (level: string) => void;
  /** Tells the images which brokers there are (this one, with the address clients reach it at). */
  announce(brokers: readonly BrokerImage[]): Promise<void>;
  /** Closes the store; the engine is the owner's to close, before. */
  close(): Promise<void>;
}

const IDENTITY_FILE = 'meta.properties';
const STORE_FILE = 'metadata.db';
const DEFAULT_LOG_LEVEL = 'INFO';

export async function openControlPlane(options: ControlPlaneOptions): Promise<ControlPlane> {
  const { dataDir, settings } = options;
  const log = options.log ?? (() => {});
  const random =
    options.random ?? ((bytes) => crypto.getRandomValues(bytes as Uint8Array<ArrayBuffer>));
  for (const warning of settings.warnings) log(warning);

  if (dataDir !== null) realFileSystem.mkdir(dataDir);
  const { clusterId, nodeId } =
    dataDir === null
      ? newIdentity(settings.values.nodeId, random)
      : openIdentity({
          files: realFileSystem,
          path: join(dataDir, IDENTITY_FILE),
          nodeId: settings.values.nodeId,
          random,
        });
  settings.applyIdentity(nodeId, dataDir);

  const store: MetadataStore =
    dataDir === null
      ? new MemoryMetadataStore()
      : await openSqliteMetadataStore(join(dataDir, STORE_FILE));
  try {
    const resourceConfigs = new ResourceConfigs(store);
    await resourceConfigs.load();
    // While there are no topics of our own, what Kafka's metadata says of those it left holds.
    const { values: topics, revision } = await store.range(TOPICS_PREFIX);
    const mayAdopt = topics.length === 0 && dataDir !== null;
    const foreign = mayAdopt ? readKafkaMetadata(dataDir) : undefined;
    if (foreign !== undefined && revision === 0) {
      await adoptBrokerConfigs(foreign, resourceConfigs, nodeId);
    }
    applyDynamicSettings(settings, resourceConfigs, nodeId, log);
    const engine = await options.engine;
    const controller = await Controller.open({
      store,
      engine,
      rules: new SettingsTopicRules(settings),
      resourceConfigs,
      foreign,
      clusterId,
      nodeId,
      random,
      log,
    });
    return assemble({ store, engine, controller, settings, dataDir });
  } catch (error) {
    await store.close();
    throw error;
  }
}

/** Dynamic settings that Kafka's controller kept of all brokers and of this one. */
async function adoptBrokerConfigs(
  foreign: KraftMetadata,
  resourceConfigs: ResourceConfigs,
  nodeId: number,
): Promise<void> {
  for (const name of ['', String(nodeId)]) {
    const configs = new Map(Object.entries(foreign.brokerConfigs.get(name) ?? {}));
    if (configs.size > 0) {
      await resourceConfigs.change('broker', name, (_current, store) => store(configs));
    }
  }
}

/** Dynamic settings of an earlier run. Where they no longer fit the given ones, the given ones hold and a line says so. */
function applyDynamicSettings(
  settings: BrokerSettings,
  resourceConfigs: ResourceConfigs,
  nodeId: number,
  log: (line: string) => void,
): void {
  for (const scope of ['default', 'broker'] as const) {
    const layer = resourceConfigs.get('broker', scope === 'default' ? '' : String(nodeId));
    if (layer.size === 0) continue;
    try {
      settings.withDynamic(scope, layer);
      settings.applyDynamic(scope, layer);
    } catch (error) {
      log(`dynamic settings of an earlier run are left out: ${messageOf(error)}`);
    }
  }
}

function assemble(parts: {
  readonly store: MetadataStore;
  readonly engine: Engine;
  readonly controller: Controller;
  readonly settings: BrokerSettings;
  readonly dataDir: string | null;
}): ControlPlane {
  const { store, engine, controller, settings, dataDir } = parts;
  let logLevel = DEFAULT_LOG_LEVEL;
  const admin = new AdminApi({
    engine,
    controller,
    settings,
    volume: () => (dataDir === null ? UNKNOWN_VOLUME : realFileSystem.volume(dataDir)),
    settingsChanged: async () => {
      await controller.settingsChanged();
      plane.onSettingsChanged(settings.values);
    },
    logLevel: {
      get: () => logLevel,
      set: (level) => {
        logLevel = level;
        plane.onLogLevel(level);
      },
    },
  });
  const plane: ControlPlane = {
    clusterId: controller.clusterId,
    nodeId: controller.nodeId,
    admin,
    controller,
    image: controller.image,
    publish: async () => {},
    onSettingsChanged: () => {},
    onLogLevel: () => {},
    announce: (brokers) => controller.announce(brokers),
    close: () => store.close(),
  };
  controller.publish = (delta) => plane.publish(delta);
  return plane;
}
