/**
 * Entry of a net thread: a front of its own engine client and its own image, which the main thread keeps up to date by
 * messages.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { MetadataImage } from '../cluster/metadata-image.ts';
import { assert } from '../engine/base/assert.ts';
import { attachEngine } from '../engine/index.ts';
import type { AutoCreation } from './admin/index.ts';
import type { ControlChannel, FromFront, NetThreadData, ToFront } from './control-channel.ts';
import { NetFront } from './front/net-front.ts';
import { ControlFailure } from './handlers/body-handler.ts';

assert(parentPort !== null, 'a net thread is started by the main thread');
const port = parentPort;
const data = workerData as NetThreadData;

interface Asked {
  readonly resolve: (body: never) => void;
  readonly reject: (error: Error) => void;
}
const asked = new Map<number, Asked>();
let lastId = 0;

function post(message: FromFront): void {
  port.postMessage(message);
}

function ask<T>(build: (id: number) => FromFront): Promise<T> {
  const id = ++lastId;
  return new Promise<T>((resolve, reject) => {
    asked.set(id, { resolve: resolve as (body: never) => void, reject });
    post(build(id));
  });
}

const control: ControlChannel = {
  request: (apiKey, version, body, context) =>
    ask<object>((id) => ({ type: 'request', id, apiKey, version, body, context })),
  createForMetadata: (names) => ask<AutoCreation[]>((id) => ({ type: 'createTopics', id, names })),
};

const image = new MetadataImage();
image.apply(data.image);
const engine = attachEngine(data.engine);
const front = new NetFront({
  engine,
  image,
  control,
  settings: data.settings,
  log: (line, level) => post({ type: 'log', line, level }),
  onGone: (address) => post({ type: 'gone', address }),
});

port.on('message', (message: ToFront) => {
  switch (message.type) {
    case 'socket':
      front.adopt(message.socket, message.listener);
      return;
    case 'delta':
      image.apply(message.delta);
      front.onImage(message.delta);
      post({ type: 'applied', sequence: message.sequence });
      return;
    case 'answer':
      asked.get(message.id)?.resolve(message.body as never);
      asked.delete(message.id);
      return;
    case 'failure':
      asked.get(message.id)?.reject(new ControlFailure(message.message));
      asked.delete(message.id);
      return;
    case 'settings':
      front.settings = message.settings;
      return;
    case 'close':
      front.close(message.graceMs).then(() => {
        engine.close();
        post({ type: 'closed' });
      });
  }
});
post({ type: 'ready' });
