/**
 * The broker-backed tests of librdkafka 2.12's suite as data: which run here, which wait for a part
 * of the broker that does not exist yet or for a set-up that is not a single open broker, and what a
 * real Kafka answers where the answer is not "passed". The runner fails when the suite has a test
 * that is not listed.
 */

export interface SuiteTest {
  readonly name: string;
  /** Only the subtests whose name has this part. */
  readonly subtests?: string;
  /** Why the test is not run. */
  readonly waits?: string;
  /** Where this is the right result: skipped by the suite itself, with its reason. */
  readonly skips?: string;
  /** Without the suite's quick mode, which leaves out these subtests. */
  readonly isThorough?: boolean;
  /** Part of SMOKE_TESTS in the suite's Makefile. */
  readonly isSmoke?: boolean;
}

const groups = 'consumer groups are not served yet';
const transactions = 'transactions are not served yet';
const authorizer = 'needs an authorizer with ACLs';
const quick = 'not in quick mode';
const noJson = 'the suite was built without RapidJSON';

export const suiteTests: readonly SuiteTest[] = [
  { name: '0001_multiobj', isSmoke: true },
  { name: '0002_unkpart' },
  { name: '0003_msgmaxsize' },
  { name: '0005_order' },
  { name: '0007_autotopic' },
  { name: '0008_reqacks' },
  { name: '0011_produce_batch' },
  { name: '0012_produce_consume', isSmoke: true },
  { name: '0013_null_msgs' },
  { name: '0014_reconsume_191', waits: groups },
  { name: '0015_offsets_seek' },
  { name: '0016_client_swname' },
  { name: '0017_compression', isSmoke: true },
  { name: '0018_cgrp_term', waits: groups },
  { name: '0019_list_groups', waits: groups },
  { name: '0020_destroy_hang', waits: groups },
  { name: '0021_rkt_destroy' },
  {
    name: '0022_consume_batch',
    subtests: 'do_test_consume_batch:',
    isThorough: true,
    isSmoke: true,
  },
  { name: '0022_consume_batch', subtests: 'non_existent_topic', waits: groups, isSmoke: true },
  { name: '0026_consume_pause', waits: groups },
  { name: '0028_long_topicnames', waits: groups },
  { name: '0029_assign_offset', waits: groups },
  { name: '0030_offset_commit', waits: groups, isSmoke: true },
  { name: '0031_get_offsets' },
  { name: '0033_regex_subscribe', waits: groups },
  { name: '0034_offset_reset' },
  { name: '0035_api_version' },
  { name: '0036_partial_fetch' },
  { name: '0038_performance' },
  { name: '0039_event_dr', isSmoke: true },
  { name: '0040_io_event', waits: groups },
  { name: '0041_fetch_max_bytes' },
  { name: '0042_many_topics', waits: groups },
  { name: '0044_partition_cnt' },
  { name: '0045_subscribe_update', waits: groups },
  { name: '0045_subscribe_update_topic_remove', waits: groups },
  { name: '0045_subscribe_update_non_exist_and_partchange', waits: groups },
  { name: '0045_resubscribe_with_regex', waits: groups },
  { name: '0045_subscribe_many_updates', waits: groups },
  { name: '0047_partial_buf_tmout', waits: 'the suite marks it as a known issue of the library' },
  { name: '0048_partitioner' },
  { name: '0049_consume_conn_close', waits: groups, isSmoke: true },
  { name: '0050_subscribe_adds', waits: groups },
  { name: '0051_assign_adds', waits: groups },
  { name: '0052_msg_timestamps', waits: groups },
  { name: '0053_stats', skips: noJson },
  { name: '0054_offset_time' },
  { name: '0055_producer_latency' },
  { name: '0056_balanced_group_mt', waits: groups },
  { name: '0057_invalid_topic' },
  { name: '0059_bsearch' },
  { name: '0060_op_prio', waits: groups },
  { name: '0061_consumer_lag', waits: groups },
  { name: '0063_clusterid' },
  { name: '0064_interceptors', waits: groups },
  { name: '0065_yield' },
  { name: '0067_empty_topic', waits: groups },
  { name: '0068_produce_timeout', skips: 'needs socket emulation, which is left out' },
  { name: '0069_consumer_add_parts', waits: groups },
  { name: '0070_null_empty' },
  { name: '0073_headers' },
  { name: '0075_retry', skips: 'needs socket emulation, which is left out' },
  { name: '0076_produce_retry', skips: 'needs socket emulation, which is left out' },
  {
    name: '0077_compaction',
    waits: 'asks for segments of 10,000 bytes, which Kafka 4 refuses as well',
  },
  { name: '0081_admin', subtests: 'do_test_CreateTopics' },
  { name: '0081_admin', subtests: 'do_test_DeleteTopics' },
  { name: '0081_admin', subtests: 'do_test_CreatePartitions' },
  { name: '0081_admin', subtests: 'do_test_AlterConfigs' },
  { name: '0081_admin', subtests: 'do_test_IncrementalAlterConfigs' },
  { name: '0081_admin', subtests: 'do_test_DescribeConfigs:' },
  { name: '0081_admin', subtests: 'do_test_DeleteRecords' },
  { name: '0081_admin', subtests: 'do_test_DescribeTopics' },
  { name: '0081_admin', subtests: 'do_test_DescribeCluster' },
  { name: '0081_admin', subtests: 'do_test_ListOffsets' },
  { name: '0081_admin', subtests: 'do_test_unclean_destroy' },
  { name: '0082_fetch_max_bytes', skips: quick },
  { name: '0083_cb_event', waits: groups },
  { name: '0084_destroy_flags', waits: groups },
  { name: '0085_headers', waits: groups },
  { name: '0086_purge_remote' },
  { name: '0088_produce_metadata_timeout', skips: 'needs socket emulation, which is left out' },
  { name: '0089_max_poll_interval', waits: groups },
  { name: '0090_idempotence', waits: groups },
  { name: '0091_max_poll_interval_timeout', waits: groups },
  { name: '0092_mixed_msgver', skips: quick },
  { name: '0093_holb_consumer', waits: groups },
  { name: '0094_idempotence_msg_timeout', skips: 'needs socket emulation, which is left out' },
  { name: '0097_ssl_verify', waits: 'needs TLS' },
  { name: '0098_consumer_txn', waits: transactions },
  { name: '0099_commit_metadata', waits: groups },
  { name: '0101_fetch_from_follower', waits: 'needs three brokers' },
  { name: '0102_static_group_rebalance', waits: groups },
  { name: '0103_transactions', waits: transactions, isSmoke: true },
  { name: '0107_topic_recreate', waits: groups },
  { name: '0109_auto_create_topics', waits: groups },
  { name: '0110_batch_size', skips: noJson },
  { name: '0111_delay_create_topics', waits: 'wants three replicas' },
  { name: '0112_assign_unknown_part' },
  { name: '0113_cooperative_rebalance', waits: groups },
  { name: '0114_sticky_partitioning' },
  { name: '0115_producer_auth', waits: authorizer },
  { name: '0118_commit_rebalance', waits: groups },
  { name: '0119_consumer_auth', waits: authorizer },
  { name: '0122_buffer_cleaning_after_rebalance', waits: groups },
  { name: '0123_connections_max_idle' },
  { name: '0125_immediate_flush', waits: groups },
  { name: '0126_oauthbearer_oidc', waits: 'needs SASL' },
  { name: '0127_fetch_queue_backoff' },
  { name: '0129_fetch_aborted_msgs', waits: transactions },
  { name: '0130_store_offsets', waits: groups },
  { name: '0132_strategy_ordering', waits: groups },
  { name: '0135_sasl_credentials', waits: 'needs SASL' },
  { name: '0137_barrier_batch_consume', waits: groups },
  {
    name: '0139_offset_validation_mock',
    waits: 'talks to a mock cluster of the suite, not to a broker',
  },
  { name: '0140_commit_metadata', waits: groups },
  { name: '0142_reauthentication', waits: 'needs SASL' },
  { name: '0150_telemetry_mock', waits: 'talks to a mock cluster of the suite, not to a broker' },
  { name: '0153_memberid', waits: groups },
];
