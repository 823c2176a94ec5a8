/** What every administrative handler works with, and what it may know of who asks. Main thread. */

import type { Controller } from '../../cluster/controller.ts';
import type { Engine } from '../../engine/index.ts';
import type { Volume } from '../../engine/io/file-system.ts';
import type { BrokerSettings } from '../settings/broker-settings.ts';

/** Who asks: what a handler may need to know of the connection. Structured-cloneable. */
export interface AdminContext {
  readonly clientId: string | null;
  /** Name of the listener the request came in by. */
  readonly listener: string;
}

export interface AdminServices {
  readonly engine: Pick<
    Engine,
    'deleteRecords' | 'endOffsetForEpoch' | 'producers' | 'client' | 'dataDir'
  >;
  readonly controller: Controller;
  readonly settings: BrokerSettings;
  /** That the data directory lies on. */
  volume(): Volume;
  /** Tells whoever derives something from broker settings that they changed. */
  settingsChanged(): Promise<void>;
  /** The level the broker logs at, and how to change it. */
  readonly logLevel: { get(): string; set(level: string): void };
}

/** A handler answers one request body with the response body of the same version; it rejects only for a defect. */
export type AdminHandler<Request, Response> = (
  request: Request,
  services: AdminServices,
  version: number,
) => Promise<Response>;
