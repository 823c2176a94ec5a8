/**
 * Puts the control plane of one broker together: metadata store, broker identity, controller, administrative API. The
 * broker's composition root calls `openControlPlane` once, binds its listeners, calls `announce` with the addresses it
 * got, and sends every delta to its net threads from then on. Main thread.
 */
import type { Controller } from '../../cluster/controller.ts';
import type { BrokerImage, ImageDelta, MetadataImage } from '../../cluster/metadata-image.ts';
import type { Engine } from '../../engine/index.ts';
import type { BrokerSettings } from '../settings/broker-settings.ts';
import type { SettingValues } from '../settings/setting-values.ts';
import type { AdminApi } from './index.ts';

export interface ControlPlaneOptions {
  /** null: everything in memory. */
  readonly dataDir: string | null;
  /** May still be opening: the store opens meanwhile. */
  readonly engine: Engine | Promise<Engine>;
  readonly settings: BrokerSettings;
  readonly log?: (line: string) => void;
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
  /** Tells the images which brokers there are (this one, with the address clients reach it at). */
  announce(brokers: readonly BrokerImage[]): Promise<void>;
  close(): Promise<void>;
}

export async function openControlPlane(_options: ControlPlaneOptions): Promise<ControlPlane> {
  throw new Error('not yet');
}
