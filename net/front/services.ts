/**
 * What handlers of the data plane work with: the thread's engine client, its image of the cluster, the way to the main
 * thread. One set per front.
 */
import type { MetadataImage } from '../../cluster/metadata-image.ts';
import type { EngineClient } from '../../engine/index.ts';
import type { ControlChannel } from '../control-channel.ts';
import type { Connection } from './connection.ts';
import type { FrontSettings } from './front-settings.ts';
import type { Request } from './request.ts';

export interface FrontServices {
  readonly engine: EngineClient;
  readonly image: MetadataImage;
  readonly control: ControlChannel;
  /** Replaced, never changed, when a dynamic setting changes. */
  readonly settings: FrontSettings;
  /** Monotonic milliseconds. */
  now(): number;
  /** Work was handed to the engine: it is woken at the end of the turn. */
  submitted(): void;
  /** One line for the operator, about a connection that is ended. */
  warn(connection: Connection, reason: string): void;
}

/** Carries out the requests of one API. */
export interface ApiHandler {
  /**
   * `request.connection.complete` is called for it, now or later. The frame is there until this returns, longer only where
   * the request holds a chunk. Throws `WireError` for a malformed body: the connection ends.
   */
  start(request: Request): void;
}
