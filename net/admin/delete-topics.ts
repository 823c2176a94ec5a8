/** DeleteTopics: by name (all versions) or by id (6+). When it is answered the names are free. */
import { ErrorCode } from '../../engine/base/error-codes.ts';
import { ZERO_UUID } from '../../engine/base/uuid.ts';
import type { DeleteTopicsRequest, deleteTopicsResponse } from '../wire/api/delete-topics.ts';
import type { InferInput } from '../wire/message.ts';
import type { AdminHandler } from './admin-services.ts';
import { defaultMessage } from './error-messages.ts';
import { refusalOf } from './failures.ts';

type Response = InferInput<typeof deleteTopicsResponse>;
type Row = Response['responses'][number];

interface Target {
  readonly name: string | null;
  readonly topicId: string;
}

const BY_ID_VERSION = 6;
/** Versions before this have no error code of their own for a deletion that is disabled. */
const DELETION_DISABLED_VERSION = 3;

export const handle: AdminHandler<DeleteTopicsRequest, Response> = async (
  request,
  services,
  version,
) => {
  const { controller, settings } = services;
  const targets: readonly Target[] =
    version >= BY_ID_VERSION
      ? request.topics
      : request.topicNames.map((name) => ({ name, topicId: ZERO_UUID }));
  if (!settings.values.deleteTopicEnable) {
    const code =
      version < DELETION_DISABLED_VERSION
        ? ErrorCode.INVALID_REQUEST
        : ErrorCode.TOPIC_DELETION_DISABLED;
    const message = defaultMessage(ErrorCode.TOPIC_DELETION_DISABLED);
    return respond(targets.map((target) => row(target, code, message)));
  }
  if (request.timeoutMs <= 0) {
    return respond(targets.map((target) => row(target, ErrorCode.REQUEST_TIMED_OUT, null)));
  }
  const rows: Row[] = [];
  const accepted = new Map<string, Target>();
  for (const target of checkTargets(targets, rows)) {
    const topic =
      target.name === null ? controller.topicById(target.topicId) : controller.topic(target.name);
    if (topic === undefined) {
      rows.push(
        target.name === null
          ? row(target, ErrorCode.UNKNOWN_TOPIC_ID)
          : row(target, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION),
      );
      continue;
    }
    const resolved = { name: topic.name, topicId: topic.record.id };
    if (accepted.has(topic.name)) {
      accepted.delete(topic.name);
      const message = 'The provided topic name maps to an ID that was already supplied.';
      rows.push(row(resolved, ErrorCode.INVALID_REQUEST, message));
      continue;
    }
    accepted.set(topic.name, resolved);
  }
  let deleted: Set<string>;
  try {
    deleted = await controller.deleteTopics([...accepted.keys()]);
  } catch (error) {
    const { errorCode, message } = refusalOf(error);
    return respond([
      ...rows,
      ...[...accepted.values()].map((target) => row(target, errorCode, message)),
    ]);
  }
  for (const target of accepted.values()) {
    // Another request may have deleted it while this one waited for its turn.
    rows.push(
      deleted.has(target.name!)
        ? row(target, ErrorCode.NONE, null)
        : row(target, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION),
    );
  }
  return respond(rows);
};

/** The targets that name one topic in one way, once; the others get their rows here. */
function checkTargets(targets: readonly Target[], rows: Row[]): Target[] {
  const counts = new Map<string, number>();
  const keyOf = ({ name, topicId }: Target): string =>
    name === null ? `id ${topicId}` : `name ${name}`;
  for (const target of targets) counts.set(keyOf(target), (counts.get(keyOf(target)) ?? 0) + 1);
  const checked: Target[] = [];
  const refused = new Set<string>();
  for (const target of targets) {
    const { name, topicId } = target;
    const key = keyOf(target);
    if (name === null && topicId === ZERO_UUID) {
      const message = 'Neither topic name nor id were specified.';
      rows.push(row(target, ErrorCode.INVALID_REQUEST, message));
    } else if (name !== null && topicId !== ZERO_UUID) {
      const message = 'You may not specify both topic name and topic id.';
      rows.push(row(target, ErrorCode.INVALID_REQUEST, message));
    } else if (counts.get(key)! > 1) {
      if (refused.has(key)) continue;
      refused.add(key);
      const message = name === null ? 'Duplicate topic id.' : 'Duplicate topic name.';
      rows.push(row(target, ErrorCode.INVALID_REQUEST, message));
    } else {
      checked.push(target);
    }
  }
  return checked;
}

function respond(responses: Row[]): Response {
  return { throttleTimeMs: 0, responses };
}

function row(target: Target, errorCode: ErrorCode, message = defaultMessage(errorCode)): Row {
  return { name: target.name, topicId: target.topicId, errorCode, errorMessage: message };
}
