/** An administrative API on a fake engine, without files: broker 1 of a cluster of one. */
import { Controller } from '../../cluster/controller.ts';
import type { MetadataStore } from '../../cluster/metadata-store.ts';
import { ResourceConfigs } from '../../cluster/resource-configs.ts';
import { MemoryMetadataStore } from '../../cluster/store/memory-metadata-store.ts';
import { Prng } from '../../engine/base/prng.ts';
import { AdminApi } from '../../net/admin/index.ts';
import { loadSettings } from '../../net/settings/broker-settings.ts';
import { SettingsTopicRules } from '../../net/settings/topic-rules.ts';
import { FakeEngine } from './fake-engine.ts';

export async function openAdmin(
  options: { store?: MetadataStore } = {},
): Promise<{ admin: AdminApi; controller: Controller; engine: FakeEngine }> {
  const store = options.store ?? new MemoryMetadataStore();
  const engine = new FakeEngine();
  const settings = loadSettings();
  settings.applyIdentity(1, null);
  const random = new Prng(1);
  const controller = await Controller.open({
    store,
    engine,
    rules: new SettingsTopicRules(settings),
    resourceConfigs: new ResourceConfigs(store),
    clusterId: 'cluster',
    nodeId: 1,
    random: (bytes) => random.fill(bytes),
    log: () => {},
  });
  await controller.announce([{ id: 1, host: '127.0.0.1', port: 9092, rack: null }]);
  let level = 'WARN';
  const admin = new AdminApi({
    engine,
    controller,
    settings,
    volume: () => ({ totalBytes: -1, usableBytes: -1 }),
    settingsChanged: () => controller.settingsChanged(),
    logLevel: {
      get: () => level,
      set: (next) => {
        level = next;
      },
    },
  });
  return { admin, controller, engine };
}
