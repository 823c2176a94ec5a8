/** The sentences Kafka puts beside an error code where it has nothing more special to say. */
import { ErrorCode } from '../../engine/base/error-codes.ts';

const MESSAGES: Readonly<Partial<Record<ErrorCode, string>>> = {
  [ErrorCode.UNKNOWN_TOPIC_OR_PARTITION]: 'This server does not host this topic-partition.',
  [ErrorCode.UNKNOWN_TOPIC_ID]: 'This server does not host this topic ID.',
  [ErrorCode.TOPIC_DELETION_DISABLED]: 'Topic deletion is disabled.',
  [ErrorCode.INVALID_REQUEST]:
    'This most likely occurs because of a request being malformed by the client library or the message was sent to an incompatible broker. See the broker logs for more details.',
};

/** Kafka's general sentence for an error code, or null. */
export function defaultMessage(errorCode: ErrorCode): string | null {
  return MESSAGES[errorCode] ?? null;
}
