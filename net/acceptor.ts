/**
 * Listens and hands every connection to the front with the fewest. A connection that comes before the fronts are ready
 * waits; one over the limits is closed at once.
 *
 * Main thread.
 */
import net from 'node:net';
import { MillraceError } from '../engine/base/errors.ts';
import type { Log } from './control-channel.ts';
import { LimitedLog } from './front/limited-log.ts';
import type { FrontHost } from './front-host.ts';
import type { ListenerSetting, SettingValues } from './settings/setting-values.ts';

export interface BoundListener {
  readonly name: string;
  readonly host: string;
  readonly port: number;
}

const KEEP_ALIVE_DELAY_MS = 60_000;

export class Acceptor {
  readonly #servers: net.Server[] = [];
  readonly #log: Log;
  readonly #refusals: LimitedLog;
  /** Null until the fronts can take sockets. */
  #fronts: readonly FrontHost[] | null = null;
  #early: { socket: net.Socket; listener: string }[] = [];
  #settings: SettingValues;
  /** Connections that the process has descriptors for. */
  #connectionsMax = Number.POSITIVE_INFINITY;
  readonly #perAddress = new Map<string, number>();

  constructor(settings: SettingValues, log: Log) {
    this.#settings = settings;
    this.#log = log;
    this.#refusals = new LimitedLog(log);
  }

  /** Binds all listeners. Rejects with one line when an address is taken or cannot be used. */
  async listen(listeners: readonly ListenerSetting[]): Promise<BoundListener[]> {
    const bound: BoundListener[] = [];
    for (const listener of listeners) bound.push(await this.#bind(listener));
    return bound;
  }

  #bind({ name, host, port }: ListenerSetting): Promise<BoundListener> {
    const server = net.createServer(
      {
        pauseOnConnect: true,
        noDelay: true,
        keepAlive: true,
        keepAliveInitialDelay: KEEP_ALIVE_DELAY_MS,
      },
      (socket) => this.#accept(socket, name),
    );
    this.#servers.push(server);
    return new Promise((resolve, reject) => {
      server.once('error', (error: NodeJS.ErrnoException) => {
        const where = `${host || '*'}:${port}`;
        const why = error.code === 'EADDRINUSE' ? 'the address is in use' : error.message;
        reject(new MillraceError('listen', `cannot listen on ${where}: ${why}`, { host, port }));
      });
      const backlog = this.#settings.socketListenBacklogSize;
      const handle = bindDirectly(host, port);
      const options = host === '' ? { port, backlog } : { host, port, backlog };
      const onListening = (): void => {
        const address = server.address() as net.AddressInfo;
        server.removeAllListeners('error');
        server.on('error', (error) => this.#log(`listener ${name}: ${error.message}`, 'error'));
        resolve({ name, host: host === '' ? address.address : host, port: address.port });
      };
      if (handle === null) server.listen(options, onListening);
      else server.listen(handle, backlog, onListening);
    });
  }

  /** From now on connections are served, at most so many at a time, those that waited first. */
  open(fronts: readonly FrontHost[], connectionsMax: number): void {
    this.#fronts = fronts;
    this.#connectionsMax = connectionsMax;
    const early = this.#early;
    this.#early = [];
    for (const { socket, listener } of early) if (!socket.destroyed) this.#accept(socket, listener);
  }

  configure(settings: SettingValues): void {
    this.#settings = settings;
  }

  #accept(socket: net.Socket, listener: string): void {
    if (this.#fronts === null) {
      socket.on('error', () => {});
      this.#early.push({ socket, listener });
      return;
    }
    let least = this.#fronts[0]!;
    let total = 0;
    for (const front of this.#fronts) {
      total += front.connections;
      if (front.connections < least.connections) least = front;
    }
    const address = socket.remoteAddress?.replace(/^::ffff:/, '');
    const refusal = address === undefined ? 'it has ended' : this.#refusal(total, address);
    if (refusal !== null) {
      if (address !== undefined)
        this.#refusals.warn(`connection of ${address} refused: ${refusal}`);
      socket.destroy();
      return;
    }
    this.#perAddress.set(address!, (this.#perAddress.get(address!) ?? 0) + 1);
    socket.removeAllListeners('error');
    this.#log(`connection of ${address}:${socket.remotePort} on ${listener}`, 'debug');
    least.adopt(socket, listener);
  }

  /** Null: one more connection may come. */
  #refusal(total: number, address: string): string | null {
    const settings = this.#settings;
    if (total >= settings.maxConnections) return `max.connections (${total}) reached`;
    if (total >= this.#connectionsMax)
      return `no more files can be open (ulimit -n), ${total} connections are`;
    const here = this.#perAddress.get(address) ?? 0;
    const most = settings.maxConnectionsPerIpOverrides[address] ?? settings.maxConnectionsPerIp;
    return here >= most ? `max.connections.per.ip (${here}) reached` : null;
  }

  /** A connection has ended. */
  released(address: string): void {
    this.#log(`connection of ${address} ended`, 'debug');
    const left = (this.#perAddress.get(address) ?? 1) - 1;
    if (left === 0) this.#perAddress.delete(address);
    else this.#perAddress.set(address, left);
  }

  /** Takes no more connections. Resolves when the ports are free. */
  async close(): Promise<void> {
    for (const { socket } of this.#early) socket.destroy();
    this.#early = [];
    await Promise.all(
      this.#servers.map((server) => new Promise<void>((resolve) => server.close(() => resolve()))),
    );
  }
}

/** What `listen` takes as an object that is bound already. */
type BoundHandle = object;

/**
 * Binds a numeric IPv4 address by the function that Node's own cluster module uses. `listen` would put the address through
 * the resolver and a check for IPv6 whose regular expression takes 6 ms to compile, a twentieth of the whole start. Null:
 * `listen` does it, and tells the error if there is one.
 */
function bindDirectly(host: string, port: number): BoundHandle | null {
  const { _createServerHandle: create } = net as unknown as {
    _createServerHandle?: (address: string, port: number, addressType: 4) => BoundHandle | number;
  };
  if (typeof create !== 'function' || !/^\d+\.\d+\.\d+\.\d+$/.test(host)) return null;
  const bound = create(host, port, 4);
  return typeof bound === 'number' ? null : bound;
}
