/**
 * Every broker setting that Kafka 4.3 knows, as data, and those of Millrace's own (they start with `millrace.`). One a
 * line: name, type, default, rule, update mode (`ro` read-only, `broker` per broker, `cluster` cluster-wide).
 *
 * Defaults are Kafka's except where Millrace has a better one: `log.preallocate` (costs nothing here), `log.dir`,
 * `process.roles` and `controller.listener.names` (a broker needs no settings at all).
 */
import { type ConfigDefinition, parseDefinitions } from './config-definition.ts';

const TABLE = `
add.partitions.to.txn.retry.backoff.max.ms int 100 0.. ro
add.partitions.to.txn.retry.backoff.ms int 20 1.. ro
advertised.listeners list - - ro
alter.config.policy.class.name class - - ro
alter.log.dirs.replication.quota.window.num int 11 1.. ro
alter.log.dirs.replication.quota.window.size.seconds int 1 1.. ro
authorizer.class.name string "" - ro
auto.create.topics.enable boolean true - ro
auto.leader.rebalance.enable boolean true - ro
background.threads int 10 1.. cluster
broker.heartbeat.interval.ms int 2000 - ro
broker.id int -1 - ro
broker.rack string - - ro
broker.session.timeout.ms int 9000 - ro
client.quota.callback.class class - - ro
compression.gzip.level int -1 1..9|-1 cluster
compression.lz4.level int 9 1..17 cluster
compression.type string producer uncompressed|zstd|lz4|snappy|gzip|producer cluster
compression.zstd.level int 3 -131072..22 cluster
config.providers list "" - cluster
connection.failed.authentication.delay.ms int 100 0.. ro
connections.max.idle.ms long 600000 - ro
connections.max.reauth.ms long 0 - ro
controlled.shutdown.enable boolean true - ro
controller.listener.names list "" - ro
controller.quorum.append.linger.ms int 25 0.. ro
controller.quorum.auto.join.enable boolean false - ro
controller.quorum.bootstrap.servers list "" - ro
controller.quorum.election.backoff.max.ms int 1000 0.. ro
controller.quorum.election.timeout.ms int 1000 0.. ro
controller.quorum.fetch.max.bytes int 1048576 1.. ro
controller.quorum.fetch.snapshot.max.bytes int 1048576 1.. ro
controller.quorum.fetch.timeout.ms int 2000 0.. ro
controller.quorum.request.timeout.ms int 2000 0.. ro
controller.quorum.retry.backoff.ms int 20 0.. ro
controller.quorum.voters list "" - ro
controller.quota.window.num int 11 1.. ro
controller.quota.window.size.seconds int 1 1.. ro
controller.socket.timeout.ms int 30000 - ro
cordoned.log.dirs list "" - broker
create.topic.policy.class.name class - - ro
default.replication.factor int 1 - ro
delegation.token.expiry.check.interval.ms long 3600000 1.. ro
delegation.token.expiry.time.ms long 86400000 1.. ro
delegation.token.max.lifetime.ms long 604800000 1.. ro
delegation.token.secret.key password - - ro
delete.records.purgatory.purge.interval.requests int 1 - ro
delete.topic.enable boolean true - ro
early.start.listeners list - - ro
fetch.max.bytes int 57671680 1024.. ro
fetch.purgatory.purge.interval.requests int 1000 - ro
follower.fetch.last.tiered.offset.enable boolean false - cluster
group.consumer.assignment.interval.ms int 1000 0.. cluster
group.consumer.assignors list uniform,range - ro
group.consumer.heartbeat.interval.ms int 5000 1.. ro
group.consumer.max.assignment.interval.ms int 15000 0.. ro
group.consumer.max.heartbeat.interval.ms int 15000 1.. ro
group.consumer.max.session.timeout.ms int 60000 1.. ro
group.consumer.max.size int 2147483647 1.. ro
group.consumer.migration.policy string bidirectional ~DISABLED|DOWNGRADE|UPGRADE|BIDIRECTIONAL ro
group.consumer.min.assignment.interval.ms int 0 0.. ro
group.consumer.min.heartbeat.interval.ms int 5000 1.. ro
group.consumer.min.session.timeout.ms int 45000 1.. ro
group.consumer.session.timeout.ms int 45000 1.. ro
group.coordinator.append.linger.ms int -1 -1.. ro
group.coordinator.background.threads int 2 1.. ro
group.coordinator.cached.buffer.max.bytes int 1048588 524288.. cluster
group.coordinator.rebalance.protocols list classic,consumer,streams consumer|classic|share|streams ro
group.coordinator.threads int 4 1.. ro
group.initial.rebalance.delay.ms int 3000 - ro
group.max.session.timeout.ms int 1800000 - ro
group.max.size int 2147483647 1.. ro
group.min.session.timeout.ms int 6000 - ro
group.share.assignment.interval.ms int 1000 0.. cluster
group.share.assignors list simple - ro
group.share.delivery.count.limit int 5 2..10 ro
group.share.heartbeat.interval.ms int 5000 1.. ro
group.share.max.assignment.interval.ms int 15000 0.. ro
group.share.max.delivery.count.limit int 10 5..25 ro
group.share.max.heartbeat.interval.ms int 15000 1.. ro
group.share.max.partition.max.record.locks int 4000 2000..10000 ro
group.share.max.record.lock.duration.ms int 60000 30000..3600000 ro
group.share.max.session.timeout.ms int 60000 1.. ro
group.share.max.share.sessions int 2000 1.. ro
group.share.max.size int 200 1..1000 ro
group.share.min.assignment.interval.ms int 0 0.. ro
group.share.min.delivery.count.limit int 2 2..5 ro
group.share.min.heartbeat.interval.ms int 5000 1.. ro
group.share.min.partition.max.record.locks int 100 100..2000 ro
group.share.min.record.lock.duration.ms int 15000 1000..30000 ro
group.share.min.session.timeout.ms int 45000 1.. ro
group.share.partition.max.record.locks int 2000 100..10000 ro
group.share.record.lock.duration.ms int 30000 1000..3600000 ro
group.share.session.timeout.ms int 45000 1.. ro
group.streams.assignment.interval.ms int 1000 0.. cluster
group.streams.heartbeat.interval.ms int 5000 1.. ro
group.streams.initial.rebalance.delay.ms int 3000 0.. ro
group.streams.max.assignment.interval.ms int 15000 0.. ro
group.streams.max.heartbeat.interval.ms int 15000 1.. ro
group.streams.max.session.timeout.ms int 60000 1.. ro
group.streams.max.size int 2147483647 1.. ro
group.streams.max.standby.replicas int 2 0.. ro
group.streams.min.assignment.interval.ms int 0 0.. ro
group.streams.min.heartbeat.interval.ms int 5000 1.. ro
group.streams.min.session.timeout.ms int 45000 1.. ro
group.streams.num.standby.replicas int 0 0.. ro
group.streams.session.timeout.ms int 45000 1.. ro
initial.broker.registration.timeout.ms int 60000 - ro
inter.broker.listener.name string - - ro
kafka.metrics.polling.interval.secs int 10 1.. ro
kafka.metrics.reporters list "" - ro
leader.imbalance.check.interval.seconds long 300 1.. ro
listener.security.protocol.map string SASL_SSL:SASL_SSL,PLAINTEXT:PLAINTEXT,SSL:SSL,SASL_PLAINTEXT:SASL_PLAINTEXT - broker
listeners list PLAINTEXT://:9092 - broker
log.cleaner.backoff.ms long 15000 0.. cluster
log.cleaner.dedupe.buffer.size long 134217728 - cluster
log.cleaner.delete.retention.ms long 86400000 0.. cluster
log.cleaner.enable boolean true - ro
log.cleaner.io.buffer.load.factor double 0.9 - cluster
log.cleaner.io.buffer.size int 524288 0.. cluster
log.cleaner.io.max.bytes.per.second double 1.7976931348623157E308 - cluster
log.cleaner.max.compaction.lag.ms long 9223372036854775807 1.. cluster
log.cleaner.min.cleanable.ratio double 0.5 0..1 cluster
log.cleaner.min.compaction.lag.ms long 0 0.. cluster
log.cleaner.threads int 1 0.. cluster
log.cleanup.policy list delete compact|delete cluster
log.dir list ./data - ro
log.dir.failure.timeout.ms long 30000 1.. ro
log.dirs list - - ro
log.flush.interval.messages long 9223372036854775807 1.. cluster
log.flush.interval.ms long - - cluster
log.flush.offset.checkpoint.interval.ms int 60000 0.. ro
log.flush.scheduler.interval.ms long 9223372036854775807 - ro
log.flush.start.offset.checkpoint.interval.ms int 60000 0.. ro
log.index.interval.bytes int 4096 0.. cluster
log.index.size.max.bytes int 10485760 4.. cluster
log.local.retention.bytes long -2 -2.. cluster
log.local.retention.ms long -2 -2.. cluster
log.message.timestamp.after.max.ms long 3600000 0.. cluster
log.message.timestamp.before.max.ms long 9223372036854775807 0.. cluster
log.message.timestamp.type string CreateTime CreateTime|LogAppendTime cluster
log.preallocate boolean true - cluster
log.retention.bytes long -1 - cluster
log.retention.check.interval.ms long 300000 1.. ro
log.retention.hours int 168 - ro
log.retention.minutes int - - ro
log.retention.ms long - - cluster
log.roll.hours int 168 1.. ro
log.roll.jitter.hours int 0 0.. ro
log.roll.jitter.ms long - - cluster
log.roll.ms long - - cluster
log.segment.bytes int 1073741824 1048576.. cluster
log.segment.delete.delay.ms long 60000 0.. cluster
max.connection.creation.rate int 2147483647 0.. cluster
max.connections int 2147483647 0.. cluster
max.connections.per.ip int 2147483647 0.. cluster
max.connections.per.ip.overrides string "" - cluster
max.incremental.fetch.session.cache.slots int 1000 0.. ro
max.request.partition.size.limit int 2000 1.. ro
message.max.bytes int 1048588 0.. cluster
metadata.log.dir string - - ro
metadata.log.max.record.bytes.between.snapshots long 20971520 1.. ro
metadata.log.max.snapshot.interval.ms long 3600000 0.. ro
metadata.log.segment.bytes int 1073741824 8388608.. ro
metadata.log.segment.ms long 604800000 - ro
metadata.max.idle.interval.ms int 500 0.. ro
metadata.max.retention.bytes long 104857600 - ro
metadata.max.retention.ms long 604800000 - ro
metric.reporters list org.apache.kafka.common.metrics.JmxReporter - cluster
metrics.num.samples int 2 1.. ro
metrics.recording.level string INFO - ro
metrics.sample.window.ms long 30000 1.. ro
min.insync.replicas int 1 1.. cluster
node.id int - 0.. ro
num.io.threads int 8 1.. cluster
num.network.threads int 3 1.. cluster
num.partitions int 1 1.. ro
num.recovery.threads.per.data.dir int 2 1.. cluster
num.replica.alter.log.dirs.threads int - - ro
num.replica.fetchers int 1 1.. cluster
offset.metadata.max.bytes int 4096 - ro
offsets.commit.timeout.ms int 5000 1.. ro
offsets.load.buffer.size int 5242880 1.. ro
offsets.retention.check.interval.ms long 600000 1.. ro
offsets.retention.minutes int 10080 1.. ro
offsets.topic.compression.codec int 0 - ro
offsets.topic.num.partitions int 50 1.. ro
offsets.topic.replication.factor short 3 1.. ro
offsets.topic.segment.bytes int 104857600 1.. ro
principal.builder.class class org.apache.kafka.common.security.authenticator.DefaultKafkaPrincipalBuilder - broker
process.roles list broker,controller broker|controller ro
producer.id.expiration.ms int 86400000 1.. cluster
producer.purgatory.purge.interval.requests int 1000 - ro
queued.max.request.bytes long -1 - ro
queued.max.requests int 500 1.. ro
quota.window.num int 11 1.. ro
quota.window.size.seconds int 1 1.. ro
remote.fetch.max.wait.ms int 500 1.. cluster
remote.list.offsets.request.timeout.ms long 30000 1.. cluster
remote.log.index.file.cache.total.size.bytes long 1073741824 1.. cluster
remote.log.manager.copier.thread.pool.size int 10 1.. cluster
remote.log.manager.copy.max.bytes.per.second long 9223372036854775807 1.. cluster
remote.log.manager.copy.quota.window.num int 11 1.. ro
remote.log.manager.copy.quota.window.size.seconds int 1 1.. ro
remote.log.manager.expiration.thread.pool.size int 10 1.. cluster
remote.log.manager.fetch.max.bytes.per.second long 9223372036854775807 1.. cluster
remote.log.manager.fetch.quota.window.num int 11 1.. ro
remote.log.manager.fetch.quota.window.size.seconds int 1 1.. ro
remote.log.manager.follower.thread.pool.size int 2 1.. cluster
remote.log.manager.task.interval.ms long 30000 1.. ro
remote.log.manager.thread.pool.size int 2 1.. ro
remote.log.metadata.custom.metadata.max.bytes int 128 0.. ro
remote.log.metadata.manager.class.name string org.apache.kafka.server.log.remote.metadata.storage.TopicBasedRemoteLogMetadataManager nonempty ro
remote.log.metadata.manager.class.path string - - ro
remote.log.metadata.manager.impl.prefix string rlmm.config. nonempty ro
remote.log.metadata.manager.listener.name string - nonempty ro
remote.log.reader.max.pending.tasks int 100 1.. ro
remote.log.reader.threads int 10 1.. cluster
remote.log.storage.manager.class.name string - nonempty ro
remote.log.storage.manager.class.path string - - ro
remote.log.storage.manager.impl.prefix string rsm.config. nonempty ro
remote.log.storage.system.enable boolean false - ro
replica.fetch.backoff.ms int 1000 0.. ro
replica.fetch.max.bytes int 1048576 0.. ro
replica.fetch.min.bytes int 1 - ro
replica.fetch.response.max.bytes int 10485760 0.. ro
replica.fetch.wait.max.ms int 500 - ro
replica.high.watermark.checkpoint.interval.ms long 5000 - ro
replica.lag.time.max.ms long 30000 - ro
replica.selector.class string - - ro
replica.socket.receive.buffer.bytes int 65536 - ro
replica.socket.timeout.ms int 30000 - ro
replication.quota.window.num int 11 1.. ro
replication.quota.window.size.seconds int 1 1.. ro
request.timeout.ms int 30000 - ro
sasl.client.callback.handler.class class - - ro
sasl.enabled.mechanisms list GSSAPI - broker
sasl.jaas.config password - - broker
sasl.kerberos.kinit.cmd string /usr/bin/kinit - broker
sasl.kerberos.min.time.before.relogin long 60000 - broker
sasl.kerberos.principal.to.local.rules list DEFAULT - broker
sasl.kerberos.service.name string - - broker
sasl.kerberos.ticket.renew.jitter double 0.05 - broker
sasl.kerberos.ticket.renew.window.factor double 0.8 - broker
sasl.login.callback.handler.class class - - ro
sasl.login.class class - - ro
sasl.login.connect.timeout.ms int - - ro
sasl.login.read.timeout.ms int - - ro
sasl.login.refresh.buffer.seconds short 300 - broker
sasl.login.refresh.min.period.seconds short 60 - broker
sasl.login.refresh.window.factor double 0.8 - broker
sasl.login.refresh.window.jitter double 0.05 - broker
sasl.login.retry.backoff.max.ms long 10000 - ro
sasl.login.retry.backoff.ms long 100 - ro
sasl.mechanism.controller.protocol string GSSAPI - ro
sasl.mechanism.inter.broker.protocol string GSSAPI - broker
sasl.oauthbearer.assertion.algorithm string RS256 ~ES256|RS256 ro
sasl.oauthbearer.assertion.claim.aud string - - ro
sasl.oauthbearer.assertion.claim.exp.seconds int 300 0..86400 ro
sasl.oauthbearer.assertion.claim.iss string - - ro
sasl.oauthbearer.assertion.claim.jti.include boolean false - ro
sasl.oauthbearer.assertion.claim.nbf.seconds int 60 0..3600 ro
sasl.oauthbearer.assertion.claim.sub string - - ro
sasl.oauthbearer.assertion.file string - - ro
sasl.oauthbearer.assertion.private.key.file string - - ro
sasl.oauthbearer.assertion.private.key.passphrase password - - ro
sasl.oauthbearer.assertion.template.file string - - ro
sasl.oauthbearer.client.credentials.client.id string - - ro
sasl.oauthbearer.client.credentials.client.secret password - - ro
sasl.oauthbearer.clock.skew.seconds int 30 - ro
sasl.oauthbearer.expected.audience list "" - ro
sasl.oauthbearer.expected.issuer string - - ro
sasl.oauthbearer.jwks.endpoint.refresh.ms long 3600000 - ro
sasl.oauthbearer.jwks.endpoint.retry.backoff.max.ms long 10000 - ro
sasl.oauthbearer.jwks.endpoint.retry.backoff.ms long 100 - ro
sasl.oauthbearer.jwks.endpoint.url string - - ro
sasl.oauthbearer.jwt.retriever.class class org.apache.kafka.common.security.oauthbearer.DefaultJwtRetriever - ro
sasl.oauthbearer.jwt.validator.class class org.apache.kafka.common.security.oauthbearer.DefaultJwtValidator - ro
sasl.oauthbearer.scope string - - ro
sasl.oauthbearer.scope.claim.name string scope - ro
sasl.oauthbearer.sub.claim.name string sub - ro
sasl.oauthbearer.token.endpoint.url string - - ro
sasl.server.callback.handler.class class - - ro
sasl.server.max.receive.size int 524288 - ro
security.inter.broker.protocol string PLAINTEXT PLAINTEXT|SSL|SASL_PLAINTEXT|SASL_SSL ro
security.providers string - - ro
share.coordinator.append.linger.ms int -1 -1.. ro
share.coordinator.cached.buffer.max.bytes int 1048588 524288.. cluster
share.coordinator.load.buffer.size int 5242880 1.. ro
share.coordinator.snapshot.update.records.per.snapshot int 500 0..500 ro
share.coordinator.state.topic.compression.codec int 0 - ro
share.coordinator.state.topic.min.isr short 2 1.. ro
share.coordinator.state.topic.num.partitions int 50 1.. ro
share.coordinator.state.topic.replication.factor short 3 1.. ro
share.coordinator.state.topic.segment.bytes int 104857600 1.. ro
share.coordinator.threads int 1 1.. ro
share.coordinator.write.timeout.ms int 5000 1.. ro
share.fetch.purgatory.purge.interval.requests int 1000 - ro
socket.connection.setup.timeout.max.ms long 30000 - ro
socket.connection.setup.timeout.ms long 10000 - ro
socket.listen.backlog.size int 50 1.. ro
socket.receive.buffer.bytes int 102400 - ro
socket.request.max.bytes int 104857600 1.. ro
socket.send.buffer.bytes int 102400 - ro
ssl.allow.dn.changes boolean false - ro
ssl.allow.san.changes boolean false - ro
ssl.cipher.suites list "" - broker
ssl.client.auth string none required|requested|none broker
ssl.enabled.protocols list TLSv1.2,TLSv1.3 - broker
ssl.endpoint.identification.algorithm string https - broker
ssl.engine.factory.class class - - broker
ssl.key.password password - - broker
ssl.keymanager.algorithm string SunX509 - broker
ssl.keystore.certificate.chain password - - broker
ssl.keystore.key password - - broker
ssl.keystore.location string - - broker
ssl.keystore.password password - - broker
ssl.keystore.type string JKS - broker
ssl.principal.mapping.rules string DEFAULT - ro
ssl.protocol string TLSv1.3 - broker
ssl.provider string - - broker
ssl.secure.random.implementation string - - broker
ssl.trustmanager.algorithm string PKIX - broker
ssl.truststore.certificates password - - broker
ssl.truststore.location string - - broker
ssl.truststore.password password - - broker
ssl.truststore.type string JKS - broker
telemetry.max.bytes int 1048576 1.. ro
transaction.abort.timed.out.transaction.cleanup.interval.ms int 10000 1.. ro
transaction.max.timeout.ms int 900000 1.. ro
transaction.partition.verification.enable boolean true - cluster
transaction.remove.expired.transaction.cleanup.interval.ms int 3600000 1.. ro
transaction.state.log.load.buffer.size int 5242880 1.. ro
transaction.state.log.min.isr int 2 1.. ro
transaction.state.log.num.partitions int 50 1.. ro
transaction.state.log.replication.factor short 3 1.. ro
transaction.state.log.segment.bytes int 104857600 1.. ro
transaction.two.phase.commit.enable boolean false - ro
transactional.id.expiration.ms int 604800000 1.. ro
unclean.leader.election.enable boolean false - cluster
millrace.disk.free.min.bytes long 67108864 0.. ro
millrace.flush.tail.bytes long 67108864 1.. cluster
millrace.flush.tail.ms long 1000 1.. cluster
millrace.net.threads int 0 0..30 ro
millrace.record.validation string header header|full cluster
millrace.shard.threads int 0 0..64 ro
millrace.slab.bytes long 0 0.. ro
`;

/** Settings that exist only as dynamic ones: replication throttles. */
const DYNAMIC_ONLY = `
follower.replication.throttled.rate long 9223372036854775807 0.. cluster
leader.replication.throttled.rate long 9223372036854775807 0.. cluster
replica.alter.log.dirs.io.max.bytes.per.second long 9223372036854775807 0.. cluster
`;

/** By name, in the order DescribeConfigs lists them. */
export const BROKER_CONFIGS: ReadonlyMap<string, ConfigDefinition> = byName(TABLE);
export const DYNAMIC_ONLY_CONFIGS: ReadonlyMap<string, ConfigDefinition> = byName(DYNAMIC_ONLY);

function byName(table: string): Map<string, ConfigDefinition> {
  return new Map(parseDefinitions(table).map((definition) => [definition.name, definition]));
}

/**
 * Settings that mean the same in different units, the stronger first: where log.retention.ms is set,
 * log.retention.hours does not count.
 */
const SETTING_CHAINS: readonly (readonly string[])[] = [
  ['log.retention.ms', 'log.retention.minutes', 'log.retention.hours'],
  ['log.roll.ms', 'log.roll.hours'],
  ['log.roll.jitter.ms', 'log.roll.jitter.hours'],
  ['log.flush.interval.ms', 'log.flush.scheduler.interval.ms'],
];

/** The setting and those it falls back to, itself first. */
export function settingSynonyms(name: string): readonly string[] {
  return SETTING_CHAINS.find((chain) => chain[0] === name) ?? [name];
}

/** Settings of older Kafkas that mean nothing any more; a file that has them is accepted, with a line in the log. */
export const REMOVED_SETTINGS: ReadonlySet<string> = new Set([
  'auto.leader.rebalance.enabled',
  'broker.id.generation.enable',
  'control.plane.listener.name',
  'delegation.token.master.key',
  'inter.broker.protocol.version',
  'log.message.downconversion.enable',
  'log.message.format.version',
  'log.message.timestamp.difference.max.ms',
  'offsets.commit.required.acks',
  'password.encoder.cipher.algorithm',
  'password.encoder.iterations',
  'password.encoder.key.length',
  'password.encoder.keyfactory.algorithm',
  'password.encoder.old.secret',
  'password.encoder.secret',
  'reserved.broker.max.id',
  'zookeeper.clientCnxnSocket',
  'zookeeper.connect',
  'zookeeper.connection.timeout.ms',
  'zookeeper.max.in.flight.requests',
  'zookeeper.metadata.migration.enable',
  'zookeeper.session.timeout.ms',
  'zookeeper.set.acl',
  'zookeeper.ssl.client.enable',
]);
