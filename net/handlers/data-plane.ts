/**
 * The data plane of one front: which handler carries out which API, and what the handlers share.
 *
 * Thread of the front.
 */
import type { ImageDelta } from '../../cluster/metadata-image.ts';
import type { OutputPool } from '../front/output.ts';
import type { Request } from '../front/request.ts';
import type { ApiHandler, FrontServices } from '../front/services.ts';
import { ApiKey } from '../wire/versions.ts';
import { ApiVersionsHandler } from './api-versions.ts';
import { type Answer, BodyHandler } from './body-handler.ts';
import { Courtesy } from './courtesy.ts';
import { describeCluster } from './describe-cluster.ts';
import { describeTopicPartitions } from './describe-topic-partitions.ts';
import { FetchHandler } from './fetch.ts';
import { findCoordinator } from './find-coordinator.ts';
import { ListOffsets } from './list-offsets.ts';
import { answerMetadata } from './metadata.ts';
import { ProduceHandler } from './produce.ts';
import { Readers } from './readers.ts';
import { TopicRoutes } from './topic-routes.ts';

export class DataPlane {
  readonly onCompletion: ProduceHandler['onCompletion'];
  readonly onAdvance: FetchHandler['onAdvance'];
  readonly #services: FrontServices;
  readonly #routes: TopicRoutes;
  readonly #readers: Readers;
  readonly #produce: ProduceHandler;
  readonly #fetch: FetchHandler;
  readonly #apiVersions: ApiHandler;
  readonly #bodies: ApiHandler;

  constructor(services: FrontServices, outputs: OutputPool) {
    this.#services = services;
    this.#routes = new TopicRoutes(services.image);
    this.#readers = new Readers(services.engine);
    const courtesy = new Courtesy();
    this.#produce = new ProduceHandler(services, this.#routes, courtesy);
    this.#fetch = new FetchHandler(services, outputs, this.#routes, this.#readers, courtesy);
    this.#apiVersions = new ApiVersionsHandler(services);
    const listOffsets = new ListOffsets(services.image, services.engine, this.#readers);
    this.#bodies = new BodyHandler(
      services,
      new Map<number, Answer>([
        [
          ApiKey.Metadata,
          (body, version, { listener }) => answerMetadata(services, body, version, listener),
        ],
        [ApiKey.ListOffsets, (body, version) => listOffsets.answer(body, version)],
        [
          ApiKey.DescribeCluster,
          (body, _version, { listener }) => describeCluster(services, body, listener),
        ],
        [ApiKey.FindCoordinator, (body, version) => findCoordinator(body, version)],
        [ApiKey.DescribeTopicPartitions, (body) => describeTopicPartitions(services, body)],
      ]),
    );
    this.onCompletion = this.#produce.onCompletion;
    this.onAdvance = this.#fetch.onAdvance;
  }

  start(request: Request): void {
    switch (request.apiKey) {
      case ApiKey.Produce:
        this.#produce.start(request);
        return;
      case ApiKey.Fetch:
        this.#fetch.start(request);
        break;
      case ApiKey.ApiVersions:
        this.#apiVersions.start(request);
        break;
      default:
        this.#bodies.start(request);
    }
    // Decoded: only Produce needs its frame any longer.
    request.connection?.letGo(request);
  }

  onSpace(): void {
    this.#produce.onSpace();
  }

  /** The image has just changed. */
  onImage(delta: ImageDelta): void {
    this.#routes.clear();
    if (delta.deletedTopics !== undefined) this.#readers.closeGone(this.#services.image);
    this.#fetch.onImage();
  }

  /** Answers all that wait, with what there is. */
  expireWaits(): void {
    this.#fetch.expireWaits();
  }

  close(): void {
    this.#fetch.close();
    this.#readers.close();
  }
}
