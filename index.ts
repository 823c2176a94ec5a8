/** Millrace's package entry: a broker inside your program. Clients are in `millrace/client`, the log engine in `millrace/engine`. */
export { type Broker, type BrokerOptions, startBroker } from './net/broker.ts';
