/**
 * Decides what a request to create topics or partitions amounts to, and why not: Kafka's checks in Kafka's order with
 * Kafka's sentences. Nothing is changed here; the controller carries out the plans.
 *
 * Main thread; pure.
 */
import { ErrorCode } from '../engine/base/error-codes.ts';
import { CLUSTER_METADATA_TOPIC, topicNameProblem } from './topic-names.ts';

/** Why one thing asked for is refused. */
export interface Refusal {
  readonly errorCode: ErrorCode;
  readonly message: string | null;
}

export interface TopicCreation {
  readonly name: string;
  /** -1: the default. */
  readonly partitions: number;
  /** -1: the default. */
  readonly replicationFactor: number;
  readonly assignments: readonly {
    readonly partition: number;
    readonly brokers: readonly number[];
  }[];
  readonly configs: readonly { readonly name: string; readonly value: string | null }[];
}

/** A topic that can be created as it stands here. */
export interface TopicPlan {
  readonly name: string;
  readonly partitions: number;
  readonly replicationFactor: number;
  /** Per partition; one element stands for all. */
  readonly replicas: readonly (readonly number[])[];
  readonly configs: Readonly<Record<string, string>>;
}

export interface PlanningContext {
  readonly brokerIds: readonly number[];
  readonly defaultPartitions: number;
  readonly defaultReplicationFactor: number;
  topicExists(name: string): boolean;
  /** An existing topic whose name differs only in `.` and `_`, or null. */
  collidingTopic(name: string): string | null;
  /** What is wrong with the configs, or null. */
  configProblem(configs: Readonly<Record<string, string>>): string | null;
}

export function refuse(errorCode: ErrorCode, message: string | null = null): Refusal {
  return { errorCode, message };
}

export function isRefusal(value: object): value is Refusal {
  return 'errorCode' in value;
}

/** The partitions a request would make at most, for the limit on one request. */
export function requestedPartitions(creation: TopicCreation, defaultPartitions: number): number {
  if (creation.assignments.length > 0) return creation.assignments.length;
  return creation.partitions === -1 ? defaultPartitions : Math.max(0, creation.partitions);
}

export function planTopic(creation: TopicCreation, context: PlanningContext): TopicPlan | Refusal {
  const { name } = creation;
  if (name === CLUSTER_METADATA_TOPIC) {
    return refuse(
      ErrorCode.INVALID_REQUEST,
      `Creation of internal topic ${CLUSTER_METADATA_TOPIC} is prohibited.`,
    );
  }
  const problem = topicNameProblem(name);
  if (problem !== null) return refuse(ErrorCode.INVALID_TOPIC_EXCEPTION, problem);
  if (context.topicExists(name)) {
    return refuse(ErrorCode.TOPIC_ALREADY_EXISTS, `Topic '${name}' already exists.`);
  }
  const colliding = context.collidingTopic(name);
  if (colliding !== null) {
    return refuse(
      ErrorCode.INVALID_TOPIC_EXCEPTION,
      `Topic '${name}' collides with existing topic: ${colliding}`,
    );
  }
  const configs = planConfigs(creation, context);
  if (isRefusal(configs)) return configs;
  const placement =
    creation.assignments.length > 0
      ? planAssignments(creation, context)
      : planReplicas(creation, context);
  return isRefusal(placement) ? placement : { name, ...configs, ...placement };
}

function planConfigs(
  creation: TopicCreation,
  context: PlanningContext,
): Pick<TopicPlan, 'configs'> | Refusal {
  const given = new Map<string, string>();
  const nulls: string[] = [];
  for (const { name, value } of creation.configs) {
    if (value === null) nulls.push(name);
    else given.set(name, value);
  }
  if (nulls.length > 0) {
    const message = `Null value not supported for topic configs: ${nulls.join(',')}`;
    return refuse(ErrorCode.INVALID_CONFIG, message);
  }
  const configs = Object.fromEntries(given);
  const problem = context.configProblem(configs);
  return problem === null ? { configs } : refuse(ErrorCode.INVALID_CONFIG, problem);
}

type Placement = Pick<TopicPlan, 'partitions' | 'replicationFactor' | 'replicas'>;

function planReplicas(creation: TopicCreation, context: PlanningContext): Placement | Refusal {
  const { partitions, replicationFactor } = creation;
  if (replicationFactor < -1 || replicationFactor === 0) {
    return refuse(
      ErrorCode.INVALID_REPLICATION_FACTOR,
      'Replication factor must be larger than 0, or -1 to use the default value.',
    );
  }
  if (partitions < -1 || partitions === 0) {
    return refuse(
      ErrorCode.INVALID_PARTITIONS,
      'Number of partitions was set to an invalid non-positive value.',
    );
  }
  const count = partitions === -1 ? context.defaultPartitions : partitions;
  const factor = replicationFactor === -1 ? context.defaultReplicationFactor : replicationFactor;
  const replicas = placeReplicas({ first: 0, count, factor, brokerIds: context.brokerIds });
  if (isRefusal(replicas)) return replicas;
  return { partitions: count, replicationFactor: factor, replicas };
}

/** Replicas for partitions `first` to `first + count`, leaders spread over the brokers in turn. */
function placeReplicas(options: {
  readonly first: number;
  readonly count: number;
  readonly factor: number;
  readonly brokerIds: readonly number[];
}): readonly (readonly number[])[] | Refusal {
  const { first, count, factor, brokerIds } = options;
  if (factor > brokerIds.length) {
    return refuse(
      ErrorCode.INVALID_REPLICATION_FACTOR,
      `Unable to replicate the partition ${factor} time(s): The target replication factor of ${factor} cannot be reached because only ${brokerIds.length} broker(s) are registered or some brokers have all their log directories cordoned.`,
    );
  }
  if (brokerIds.length === 1) return [[brokerIds[0]!]];
  return Array.from({ length: count }, (_, index) =>
    Array.from(
      { length: factor },
      (_, replica) => brokerIds[(first + index + replica) % brokerIds.length]!,
    ),
  );
}

function planAssignments(creation: TopicCreation, context: PlanningContext): Placement | Refusal {
  if (creation.replicationFactor !== -1) {
    return refuse(
      ErrorCode.INVALID_REQUEST,
      'A manual partition assignment was specified, but replication factor was not set to -1.',
    );
  }
  if (creation.partitions !== -1) {
    return refuse(
      ErrorCode.INVALID_REQUEST,
      'A manual partition assignment was specified, but numPartitions was not set to -1.',
    );
  }
  const replicas: (readonly number[])[] = [];
  let factor = -1;
  const seen = new Set<number>();
  for (const { partition, brokers } of creation.assignments) {
    if (seen.has(partition)) {
      return refuse(
        ErrorCode.INVALID_REPLICA_ASSIGNMENT,
        `Found multiple manual partition assignments for partition ${partition}`,
      );
    }
    seen.add(partition);
    const problem = assignmentProblem(brokers, context.brokerIds, factor);
    if (problem !== null) return refuse(ErrorCode.INVALID_REPLICA_ASSIGNMENT, problem);
    factor = brokers.length;
    replicas[partition] = brokers;
  }
  for (let partition = 0; partition < creation.assignments.length; partition++) {
    if (!seen.has(partition)) {
      return refuse(
        ErrorCode.INVALID_REPLICA_ASSIGNMENT,
        'partitions should be a consecutive 0-based integer sequence',
      );
    }
  }
  return { partitions: replicas.length, replicationFactor: factor, replicas };
}

/** What is wrong with one partition's brokers; `factor` -1: any number of them will do. */
function assignmentProblem(
  brokers: readonly number[],
  brokerIds: readonly number[],
  factor: number,
): string | null {
  if (brokers.length === 0)
    return 'The manual partition assignment includes an empty replica list.';
  const sorted = [...brokers].sort((a, b) => a - b);
  for (let index = 0; index < sorted.length; index++) {
    const broker = sorted[index]!;
    if (!brokerIds.includes(broker)) {
      return `The manual partition assignment includes broker ${broker}, but no such broker is registered.`;
    }
    if (index > 0 && broker === sorted[index - 1]) {
      return `The manual partition assignment includes the broker ${broker} more than once.`;
    }
  }
  if (factor !== -1 && brokers.length !== factor) {
    return `The manual partition assignment includes a partition with ${brokers.length} replica(s), but this is not consistent with previous partitions, which have ${factor} replica(s).`;
  }
  return null;
}

export interface PartitionsCreation {
  readonly name: string;
  /** How many there shall be. */
  readonly count: number;
  /** For the new ones, in order; null: the broker decides. */
  readonly assignments: readonly (readonly number[])[] | null;
}

/** Replicas of the partitions to add. */
export function planPartitions(
  creation: PartitionsCreation,
  current: { readonly partitions: number; readonly replicationFactor: number },
  brokerIds: readonly number[],
): readonly (readonly number[])[] | Refusal {
  const { name, count, assignments } = creation;
  if (count === current.partitions) {
    const message = `Topic already has ${current.partitions} partition(s).`;
    return refuse(ErrorCode.INVALID_PARTITIONS, message);
  }
  if (count < current.partitions) {
    return refuse(
      ErrorCode.INVALID_PARTITIONS,
      `The topic ${name} currently has ${current.partitions} partition(s); ${count} would not be an increase.`,
    );
  }
  const added = count - current.partitions;
  if (assignments === null) {
    return placeReplicas({
      first: current.partitions,
      count: added,
      factor: current.replicationFactor,
      brokerIds,
    });
  }
  if (assignments.length !== added) {
    return refuse(
      ErrorCode.INVALID_REPLICA_ASSIGNMENT,
      `Attempted to add ${added} additional partition(s), but only ${assignments.length} assignment(s) were specified.`,
    );
  }
  for (const brokers of assignments) {
    const problem = assignmentProblem(brokers, brokerIds, current.replicationFactor);
    if (problem !== null) return refuse(ErrorCode.INVALID_REPLICA_ASSIGNMENT, problem);
  }
  return assignments;
}
