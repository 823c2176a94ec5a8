/**
 * What every fuzz target is: a name and a run that throws when it finds a defect. The same seed gives
 * the same events on every machine. As a canary a target plants a defect of its own and must find it.
 */

export interface FuzzOptions {
  readonly seed: number;
  readonly eventsMax: number;
  /** Plants a defect: a run that passes all the same cannot find anything. */
  readonly isCanary?: boolean;
}

export interface FuzzTarget {
  readonly name: string;
  /** Throws when one of `eventsMax` events finds a defect. */
  run(options: FuzzOptions): Promise<void>;
}
