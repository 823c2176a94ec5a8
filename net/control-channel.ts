/**
 * The way from a front (sockets, data plane) to the main thread (metadata, controller, administrative APIs). A front on
 * a thread of its own reaches it by MessagePort, a front on the main thread calls straight through; both look alike here.
 *
 * Image deltas come the other way: a front applies them in order and acknowledges each, because an administrative call is
 * answered only after every front knows its outcome.
 */
import type { Socket } from 'node:net';
import type { ImageDelta } from '../cluster/metadata-image.ts';
import type { EngineClientHandle } from '../engine/index.ts';
import type { AdminContext, AutoCreation } from './admin/index.ts';
import type { FrontSettings } from './front/front-settings.ts';

type LogLevel = 'debug' | 'info' | 'warn' | 'error';
export type Log = (line: string, level: LogLevel) => void;

/** What a front asks of the main thread. Nothing here rejects while the broker runs. */
export interface ControlChannel {
  /** Answers a request of an API that the data plane does not serve itself: decoded body in, decoded body out. */
  request(apiKey: number, version: number, body: object, context: AdminContext): Promise<object>;
  /** Creates topics that a Metadata request named; resolves when this front's image has what was created. */
  createForMetadata(names: readonly string[]): Promise<AutoCreation[]>;
}

/** Main to front. */
export type ToFront =
  | { readonly type: 'socket'; readonly socket: Socket; readonly listener: string }
  | { readonly type: 'delta'; readonly sequence: number; readonly delta: ImageDelta }
  | { readonly type: 'answer'; readonly id: number; readonly body: unknown }
  | { readonly type: 'failure'; readonly id: number; readonly message: string }
  | { readonly type: 'settings'; readonly settings: FrontSettings }
  | { readonly type: 'close'; readonly graceMs: number };

/** Front to main. */
export type FromFront =
  | { readonly type: 'ready' }
  | {
      readonly type: 'request';
      readonly id: number;
      readonly apiKey: number;
      readonly version: number;
      readonly body: object;
      readonly context: AdminContext;
    }
  | { readonly type: 'createTopics'; readonly id: number; readonly names: readonly string[] }
  | { readonly type: 'applied'; readonly sequence: number }
  | { readonly type: 'gone'; readonly address: string }
  | { readonly type: 'log'; readonly line: string; readonly level: LogLevel }
  | { readonly type: 'closed' };

/** What a net thread is started with. */
export interface NetThreadData {
  readonly engine: EngineClientHandle;
  readonly settings: FrontSettings;
  /** The image as it stands; later deltas follow by message. */
  readonly image: ImageDelta;
}
