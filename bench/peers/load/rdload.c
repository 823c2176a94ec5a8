/*
 * Load and check program for a broker that speaks the Kafka protocol.
 *
 *   rdload MODE key=value ...        every mode prints one JSON line
 *
 *   mktopic   topic= partitions= [config=k:v,k:v]    create through the admin API, wait until it has leaders
 *   rmtopic   topic=
 *   produce   topic= partitions= size= count= | secs=   batch= linger= acks= codec= rate= fill=rand|text
 *   consume   topic= partitions= consumers= loops=      reads from the beginning to the end found at the start,
 *                                                       checks offsets (+1) and per-partition record numbers (+1);
 *                                                       verify=1 size= fill= also compares every byte with what produce made
 *   e2e       topic= partitions= size= rate= secs= warm= acks= linger= fetchwait=   open loop, latency is counted from
 *                                                       the instant at which a record was due to be sent
 *   tiny      topic= conns= window= size= secs=         one record per request through the client library
 *   raw       topic= conns= window= size= records= partitions= secs= acks=   requests written straight to sockets by one
 *                                                       epoll thread; tells request latency (closed loop)
 *   e2eraw    topic= size= rate= secs= warm= acks= window=     as e2e, but prepared requests and a hand-made fetch loop in one
 *                                                       thread: due records go out at once while fewer than window requests
 *                                                       are open, else they wait and go together. The topic must be empty.
 *   firstok   topic= partitions= create=0|1 timeout=    retries until every partition took one record; prints the clock
 *   metaidle  conns= secs=                              holds idle connections
 *   evict     dir=                                      flushes the files of a directory and drops them from the page cache
 *
 * Common: brokers=host:port (default 127.0.0.1:19092), X:name=value sets any property of the client library.
 * A record's value starts with 8 bytes: its number in its partition (little endian), then filler.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "rdkafka.h"

/* ---------- small helpers ---------- */

static int g_argc;
static char **g_argv;

static const char *opt(const char *name, const char *dflt) {
    size_t n = strlen(name);
    for (int i = 2; i < g_argc; i++)
        if (!strncmp(g_argv[i], name, n) && g_argv[i][n] == '=') return g_argv[i] + n + 1;
    return dflt;
}

static int64_t opti(const char *name, int64_t dflt) {
    const char *s = opt(name, NULL);
    return s ? (int64_t)strtod(s, NULL) : dflt;
}

static void die(const char *fmt, ...) {
    va_list ap;
    va_start(ap, fmt);
    fprintf(stderr, "rdload: ");
    vfprintf(stderr, fmt, ap);
    fprintf(stderr, "\n");
    va_end(ap);
    exit(1);
}

static int64_t now_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static int64_t wall_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static double own_cpu_s(void) {
    struct rusage r;
    getrusage(RUSAGE_SELF, &r);
    return r.ru_utime.tv_sec + r.ru_stime.tv_sec + (r.ru_utime.tv_usec + r.ru_stime.tv_usec) / 1e6;
}

/* Filler: incompressible by default; "text" repeats words with some variation, about 4:1 for lz4. */
static void fill_payload(unsigned char *p, size_t n, const char *kind, unsigned salt) {
    uint64_t x = 0x9E3779B97F4A7C15ULL + salt * 0x1000193ULL;
    if (!strcmp(kind, "text")) {
        static const char *w[] = {"order", "payment", "shipped", "customer", "invoice", "pending", "region", "amount",
                                  "true",  "false",   "\"id\":", "{\"at\":", "retry", "status", "update", "2026-11-"};
        size_t i = 0;
        while (i < n) {
            x ^= x << 13, x ^= x >> 7, x ^= x << 17;
            const char *s = w[x & 15];
            while (*s && i < n) p[i++] = (unsigned char)*s++;
            if (i < n) p[i++] = ' ';
            if ((x >> 8 & 3) == 0)
                for (int k = 0; k < 4 && i < n; k++) p[i++] = '0' + (x >> (16 + 4 * k) & 15) % 10;
        }
        return;
    }
    for (size_t i = 0; i < n; i++) {
        x ^= x << 13, x ^= x >> 7, x ^= x << 17;
        p[i] = (unsigned char)x;
    }
}

/* ---------- latency histogram: 64 sub-buckets per power of two, microseconds*10 ---------- */

#define H_SUB 64
#define H_N (H_SUB * 40)
struct hist {
    uint64_t b[H_N];
    uint64_t n;
    uint64_t max;
};

static int h_index(uint64_t v) {
    if (v < H_SUB) return (int)v;
    int top = 63 - __builtin_clzll(v);
    int sh = top - 6;
    return (sh + 1) * H_SUB + (int)((v >> sh) - H_SUB);
}

static uint64_t h_value(int i) { /* upper edge */
    if (i < H_SUB) return (uint64_t)i;
    int sh = i / H_SUB - 1;
    return (((uint64_t)(i % H_SUB) + H_SUB + 1) << sh) - 1;
}

static void h_add(struct hist *h, int64_t ns) {
    uint64_t v = ns < 0 ? 0 : (uint64_t)ns / 100;
    int i = h_index(v);
    if (i >= H_N) i = H_N - 1;
    h->b[i]++;
    h->n++;
    if (v > h->max) h->max = v;
}

static double h_q(const struct hist *h, double q) { /* microseconds */
    uint64_t want = (uint64_t)(q * (double)h->n), c = 0;
    for (int i = 0; i < H_N; i++) {
        c += h->b[i];
        if (c > want) return (double)(h_value(i) < h->max ? h_value(i) : h->max) / 10.0;
    }
    return (double)h->max / 10.0;
}

static void h_print(const struct hist *h) {
    printf("\"lat_us\":{\"n\":%" PRIu64 ",\"p50\":%.1f,\"p90\":%.1f,\"p99\":%.1f,\"p999\":%.1f,\"max\":%.1f}", h->n, h_q(h, .5),
           h_q(h, .9), h_q(h, .99), h_q(h, .999), (double)h->max / 10.0);
}

/* ---------- client library set-up ---------- */

static void set(rd_kafka_conf_t *c, const char *k, const char *v) {
    char err[512];
    if (rd_kafka_conf_set(c, k, v, err, sizeof err) != RD_KAFKA_CONF_OK) die("%s=%s: %s", k, v, err);
}

static void seti(rd_kafka_conf_t *c, const char *k, int64_t v) {
    char s[32];
    snprintf(s, sizeof s, "%" PRId64, v);
    set(c, k, s);
}

static rd_kafka_conf_t *base_conf(void) {
    rd_kafka_conf_t *c = rd_kafka_conf_new();
    set(c, "bootstrap.servers", opt("brokers", "127.0.0.1:19092"));
    set(c, "broker.address.family", "v4");
    set(c, "socket.nagle.disable", "true");
    set(c, "log_level", "3");
    return c;
}

static void extra_conf(rd_kafka_conf_t *c) {
    for (int i = 2; i < g_argc; i++)
        if (!strncmp(g_argv[i], "X:", 2)) {
            char k[128];
            const char *eq = strchr(g_argv[i], '=');
            if (!eq || (size_t)(eq - g_argv[i] - 2) >= sizeof k) die("bad %s", g_argv[i]);
            memcpy(k, g_argv[i] + 2, (size_t)(eq - g_argv[i] - 2));
            k[eq - g_argv[i] - 2] = 0;
            set(c, k, eq + 1);
        }
}

static rd_kafka_t *client(rd_kafka_type_t t, rd_kafka_conf_t *c) {
    char err[512];
    extra_conf(c);
    rd_kafka_t *rk = rd_kafka_new(t, c, err, sizeof err);
    if (!rk) die("new: %s", err);
    return rk;
}

/* ---------- mktopic / rmtopic ---------- */

static int mode_mktopic(int remove) {
    rd_kafka_t *rk = client(RD_KAFKA_PRODUCER, base_conf());
    const char *topic = opt("topic", "t");
    int parts = (int)opti("partitions", 1);
    char err[512];
    rd_kafka_queue_t *q = rd_kafka_queue_new(rk);
    const struct rd_kafka_metadata *md0;
    rd_kafka_metadata(rk, 0, NULL, &md0, 10000); /* connection set-up stays out of the time */
    rd_kafka_metadata_destroy(md0);
    int64_t t0 = now_ns();
    rd_kafka_AdminOptions_t *o = rd_kafka_AdminOptions_new(rk, RD_KAFKA_ADMIN_OP_ANY);
    rd_kafka_AdminOptions_set_request_timeout(o, 120000, err, sizeof err);
    int bad = 0;
    const char *why = "";
    rd_kafka_event_t *ev;
    if (remove) {
        rd_kafka_DeleteTopic_t *d = rd_kafka_DeleteTopic_new(topic);
        rd_kafka_DeleteTopics(rk, &d, 1, o, q);
        ev = rd_kafka_queue_poll(q, 120000);
        if (!ev || rd_kafka_event_error(ev)) bad = 1, why = ev ? rd_kafka_event_error_string(ev) : "timeout";
    } else {
        rd_kafka_NewTopic_t *n = rd_kafka_NewTopic_new(topic, parts, 1, err, sizeof err);
        char *cfg = strdup(opt("config", "")), *save = NULL;
        for (char *kv = strtok_r(cfg, ",", &save); kv; kv = strtok_r(NULL, ",", &save)) {
            char *c = strchr(kv, ':');
            if (!c) die("config=name:value,...");
            *c = 0;
            rd_kafka_NewTopic_set_config(n, kv, c + 1);
        }
        rd_kafka_CreateTopics(rk, &n, 1, o, q);
        ev = rd_kafka_queue_poll(q, 120000);
        if (!ev || rd_kafka_event_error(ev))
            bad = 1, why = ev ? rd_kafka_event_error_string(ev) : "timeout";
        else {
            size_t k;
            const rd_kafka_topic_result_t **r =
                rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result(ev), &k);
            if (k && rd_kafka_topic_result_error(r[0])) bad = 1, why = rd_kafka_err2name(rd_kafka_topic_result_error(r[0]));
        }
    }
    double created = (double)(now_ns() - t0) / 1e6, ready = created;
    if (!remove && !bad) { /* every partition has a leader */
        rd_kafka_topic_t *rkt = rd_kafka_topic_new(rk, topic, NULL);
        for (;;) {
            const struct rd_kafka_metadata *md;
            int ok = 0;
            if (!rd_kafka_metadata(rk, 0, rkt, &md, 10000)) {
                ok = md->topic_cnt == 1 && md->topics[0].partition_cnt == parts;
                for (int i = 0; ok && i < parts; i++)
                    if (md->topics[0].partitions[i].leader < 0 || md->topics[0].partitions[i].err) ok = 0;
                rd_kafka_metadata_destroy(md);
            }
            if (ok) break;
            if (now_ns() - t0 > 120000000000LL) { bad = 1, why = "no leaders"; break; }
            usleep(5000);
        }
        ready = (double)(now_ns() - t0) / 1e6;
    }
    printf("{\"mode\":\"%s\",\"partitions\":%d,\"answer_ms\":%.1f,\"ready_ms\":%.1f,\"error\":\"%s\"}\n", remove ? "rmtopic" : "mktopic",
           parts, created, ready, why);
    return bad;
}

/* ---------- produce ---------- */

static atomic_llong g_acked, g_failed;
static char g_first_error[64];

static void on_delivery(rd_kafka_t *rk, const rd_kafka_message_t *m, void *op) {
    (void)rk;
    (void)op;
    if (m->err) {
        if (!atomic_fetch_add(&g_failed, 1)) snprintf(g_first_error, sizeof g_first_error, "%s", rd_kafka_err2name(m->err));
    } else
        atomic_fetch_add_explicit(&g_acked, 1, memory_order_relaxed);
}

static rd_kafka_conf_t *producer_conf(int64_t dflt_linger) {
    rd_kafka_conf_t *c = base_conf();
    int64_t batch = opti("batch", 65536);
    seti(c, "batch.size", batch);
    set(c, "batch.num.messages", opt("batchrecords", "100000"));
    if (batch + 65536 > 1000000) seti(c, "message.max.bytes", batch + 65536);
    set(c, "linger.ms", opt("linger", dflt_linger == 0 ? "0" : "5"));
    set(c, "acks", opt("acks", "1"));
    set(c, "compression.codec", opt("codec", "none"));
    set(c, "queue.buffering.max.messages", opt("queue", "200000"));
    set(c, "queue.buffering.max.kbytes", "1048576");
    return c;
}

/* The n-th record that produce sends is made of variant n % VARIANTS. */
enum { VARIANTS = 64 };

static unsigned char *make_bodies(int64_t size) {
    unsigned char *body = malloc((size_t)size * VARIANTS);
    for (int i = 0; i < VARIANTS; i++) fill_payload(body + i * size, (size_t)size, opt("fill", "rand"), (unsigned)i);
    return body;
}

static int mode_produce(void) {
    const char *topic = opt("topic", "t");
    int parts = (int)opti("partitions", 1);
    int64_t size = opti("size", 1024), count = opti("count", 0), rate = opti("rate", 0);
    double secs = strtod(opt("secs", "0"), NULL);
    if (!count && secs <= 0) secs = 5;
    if (size < 8) die("size >= 8");
    rd_kafka_conf_t *c = producer_conf(5);
    rd_kafka_conf_set_dr_msg_cb(c, on_delivery);
    rd_kafka_t *rk = client(RD_KAFKA_PRODUCER, c);
    rd_kafka_topic_t *rkt = rd_kafka_topic_new(rk, topic, NULL);
    const struct rd_kafka_metadata *md;
    if (rd_kafka_metadata(rk, 0, rkt, &md, 10000)) die("no metadata");
    rd_kafka_metadata_destroy(md);

    unsigned char *body = make_bodies(size);
    uint64_t *seq = calloc((size_t)parts, sizeof *seq);

    int64_t t0 = now_ns(), end = secs > 0 ? t0 + (int64_t)(secs * 1e9) : INT64_MAX, sent = 0;
    double cpu0 = own_cpu_s();
    int p = 0;
    while ((!count || sent < count)) {
        if ((sent & 63) == 0) {
            int64_t t = now_ns();
            if (t >= end) break;
            if (rate) {
                int64_t due = t0 + sent * 1000000000LL / rate;
                while (t < due) {
                    rd_kafka_poll(rk, due - t > 2000000 ? 1 : 0);
                    t = now_ns();
                }
            }
        }
        unsigned char *v = body + (sent & (VARIANTS - 1)) * size;
        memcpy(v, &seq[p], 8);
        while (rd_kafka_produce(rkt, p, RD_KAFKA_MSG_F_COPY, v, (size_t)size, NULL, 0, NULL) == -1) {
            if (rd_kafka_last_error() != RD_KAFKA_RESP_ERR__QUEUE_FULL)
                die("produce: %s", rd_kafka_err2str(rd_kafka_last_error()));
            rd_kafka_poll(rk, 1);
        }
        seq[p]++;
        if (++p == parts) p = 0;
        if ((++sent & 1023) == 0) rd_kafka_poll(rk, 0);
    }
    while (rd_kafka_outq_len(rk) > 0 && now_ns() - t0 < 300000000000LL) rd_kafka_poll(rk, 50);
    double el = (double)(now_ns() - t0) / 1e9;
    int64_t acked = atomic_load(&g_acked);
    printf("{\"mode\":\"produce\",\"records\":%" PRId64 ",\"failed\":%lld,\"error\":\"%s\",\"secs\":%.3f,\"rec_s\":%.0f,\"mb_s\":%.1f,\"bytes\":%" PRId64
           ",\"client_cpu_s\":%.2f}\n",
           acked, (long long)g_failed, g_first_error, el, (double)acked / el, (double)(acked * size) / el / 1e6, acked * size,
           own_cpu_s() - cpu0);
    return g_failed || acked != sent;
}

/* ---------- consume ---------- */

struct cons {
    pthread_t th;
    int64_t records, bytes, offset_errors, seq_errors, byte_errors, t_first, t_last;
};

static void *consume_thread(void *arg) {
    struct cons *me = arg;
    const char *topic = opt("topic", "t");
    int parts = (int)opti("partitions", 1), loops = (int)opti("loops", 1), check_seq = (int)opti("seq", 1);
    int64_t size = opti("size", 1024);
    unsigned char *body = opti("verify", 0) ? make_bodies(size) : NULL;
    rd_kafka_conf_t *c = base_conf();
    set(c, "group.id", "rdload");
    set(c, "enable.auto.commit", "false");
    set(c, "enable.partition.eof", "false");
    set(c, "auto.offset.reset", "earliest");
    set(c, "fetch.wait.max.ms", opt("fetchwait", "500"));
    rd_kafka_t *rk = client(RD_KAFKA_CONSUMER, c);
    rd_kafka_poll_set_consumer(rk);
    int64_t *hi = calloc((size_t)parts, 8), *lo = calloc((size_t)parts, 8), *next = calloc((size_t)parts, 8);
    int64_t *seq = calloc((size_t)parts, 8);
    for (int i = 0; i < parts; i++)
        if (rd_kafka_query_watermark_offsets(rk, topic, i, &lo[i], &hi[i], 10000)) die("watermarks of %d", i);
    rd_kafka_queue_t *q = rd_kafka_queue_get_consumer(rk);
    enum { N = 4096 };
    rd_kafka_message_t **m = malloc(N * sizeof *m);
    me->t_first = now_ns();
    for (int l = 0; l < loops; l++) {
        rd_kafka_topic_partition_list_t *tl = rd_kafka_topic_partition_list_new(parts);
        int64_t left = 0;
        for (int i = 0; i < parts; i++) {
            rd_kafka_topic_partition_list_add(tl, topic, i)->offset = lo[i];
            next[i] = lo[i];
            seq[i] = -1;
            left += hi[i] - lo[i];
        }
        rd_kafka_assign(rk, tl);
        rd_kafka_topic_partition_list_destroy(tl);
        int64_t idle = now_ns();
        while (left > 0) {
            ssize_t n = rd_kafka_consume_batch_queue(q, 100, m, N);
            if (n <= 0) {
                if (now_ns() - idle > 30000000000LL) die("no records for 30 s, %" PRId64 " left", left);
                continue;
            }
            idle = now_ns();
            for (ssize_t i = 0; i < n; i++) {
                rd_kafka_message_t *x = m[i];
                if (!x->err && x->offset < hi[x->partition]) {
                    int p = x->partition;
                    if (x->offset != next[p]) me->offset_errors++;
                    next[p] = x->offset + 1;
                    if (check_seq && x->len >= 8) {
                        int64_t s;
                        memcpy(&s, x->payload, 8);
                        if (seq[p] >= 0 && s != seq[p] + 1) me->seq_errors++;
                        seq[p] = s;
                        if (body && ((int64_t)x->len != size ||
                                     memcmp((char *)x->payload + 8, body + ((s * parts + p) & (VARIANTS - 1)) * size + 8, (size_t)size - 8)))
                            me->byte_errors++;
                    }
                    me->bytes += (int64_t)x->len;
                    me->records++;
                    left--;
                }
                rd_kafka_message_destroy(x);
            }
        }
        rd_kafka_assign(rk, NULL);
    }
    me->t_last = now_ns();
    rd_kafka_queue_destroy(q);
    rd_kafka_consumer_close(rk);
    return NULL;
}

static int mode_consume(void) {
    int n = (int)opti("consumers", 1);
    struct cons *c = calloc((size_t)n, sizeof *c);
    double cpu0 = own_cpu_s();
    for (int i = 0; i < n; i++) pthread_create(&c[i].th, NULL, consume_thread, &c[i]);
    int64_t rec = 0, bytes = 0, oe = 0, se = 0, be = 0, a = INT64_MAX, b = 0;
    for (int i = 0; i < n; i++) {
        pthread_join(c[i].th, NULL);
        rec += c[i].records, bytes += c[i].bytes, oe += c[i].offset_errors, se += c[i].seq_errors, be += c[i].byte_errors;
        if (c[i].t_first < a) a = c[i].t_first;
        if (c[i].t_last > b) b = c[i].t_last;
    }
    double el = (double)(b - a) / 1e9;
    printf("{\"mode\":\"consume\",\"consumers\":%d,\"records\":%" PRId64 ",\"bytes\":%" PRId64 ",\"secs\":%.3f,\"rec_s\":%.0f,\"mb_s\":%.1f,"
           "\"offset_errors\":%" PRId64 ",\"seq_errors\":%" PRId64 ",\"byte_errors\":%" PRId64 ",\"client_cpu_s\":%.2f}\n",
           n, rec, bytes, el, (double)rec / el, (double)bytes / el / 1e6, oe, se, be, own_cpu_s() - cpu0);
    return oe || se || be;
}

/* ---------- e2e ---------- */

static atomic_int e2e_stop, e2e_ready;
static int64_t e2e_from;
static struct hist e2e_hist;
static int64_t e2e_seen, e2e_order_errors;

static void *e2e_reader(void *arg) {
    (void)arg;
    const char *topic = opt("topic", "t");
    int parts = (int)opti("partitions", 1);
    rd_kafka_conf_t *c = base_conf();
    set(c, "group.id", "rdload-e2e");
    set(c, "enable.auto.commit", "false");
    set(c, "enable.partition.eof", "true");
    set(c, "fetch.wait.max.ms", opt("fetchwait", "500"));
    rd_kafka_t *rk = client(RD_KAFKA_CONSUMER, c);
    rd_kafka_poll_set_consumer(rk);
    rd_kafka_topic_partition_list_t *tl = rd_kafka_topic_partition_list_new(parts);
    for (int i = 0; i < parts; i++) rd_kafka_topic_partition_list_add(tl, topic, i)->offset = RD_KAFKA_OFFSET_END;
    rd_kafka_assign(rk, tl);
    int64_t *next = calloc((size_t)parts, 8);
    for (int i = 0; i < parts; i++) next[i] = -1;
    int eofs = 0;
    while (!atomic_load(&e2e_stop)) {
        rd_kafka_message_t *m = rd_kafka_consumer_poll(rk, 50);
        if (!m) continue;
        int64_t t = now_ns();
        if (m->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
            if (++eofs == parts) atomic_store(&e2e_ready, 1);
        } else if (!m->err && m->len >= 16) {
            int64_t due;
            memcpy(&due, (char *)m->payload + 8, 8);
            if (due >= e2e_from) h_add(&e2e_hist, t - due);
            if (next[m->partition] >= 0 && m->offset != next[m->partition]) e2e_order_errors++;
            next[m->partition] = m->offset + 1;
            e2e_seen++;
        }
        rd_kafka_message_destroy(m);
    }
    rd_kafka_consumer_close(rk);
    return NULL;
}

static void *poller(void *arg) {
    while (!atomic_load(&e2e_stop)) rd_kafka_poll(arg, 50);
    return NULL;
}

static int mode_e2e(void) {
    const char *topic = opt("topic", "t");
    int parts = (int)opti("partitions", 1);
    int64_t size = opti("size", 1024), rate = opti("rate", 1000);
    double secs = strtod(opt("secs", "10"), NULL), warm = strtod(opt("warm", "2"), NULL);
    if (size < 16) die("size >= 16");
    prctl(PR_SET_TIMERSLACK, 1000);
    rd_kafka_conf_t *c = producer_conf(0);
    rd_kafka_conf_set_dr_msg_cb(c, on_delivery);
    rd_kafka_t *rk = client(RD_KAFKA_PRODUCER, c);
    rd_kafka_topic_t *rkt = rd_kafka_topic_new(rk, topic, NULL);
    const struct rd_kafka_metadata *md;
    if (rd_kafka_metadata(rk, 0, rkt, &md, 10000)) die("no metadata");
    rd_kafka_metadata_destroy(md);
    e2e_from = INT64_MAX;
    pthread_t rd, pl;
    pthread_create(&rd, NULL, e2e_reader, NULL);
    pthread_create(&pl, NULL, poller, rk);
    for (int i = 0; i < 1000 && !atomic_load(&e2e_ready); i++) usleep(10000);
    if (!atomic_load(&e2e_ready)) die("consumer not ready");
    unsigned char *body = malloc((size_t)size);
    fill_payload(body, (size_t)size, opt("fill", "rand"), 1);
    int64_t t0 = now_ns() + 1000000, total = (int64_t)((secs + warm) * (double)rate), late_max = 0;
    e2e_from = t0 + (int64_t)(warm * 1e9);
    double cpu0 = own_cpu_s();
    for (int64_t i = 0; i < total; i++) {
        int64_t due = t0 + (int64_t)((double)i * 1e9 / (double)rate), t = now_ns();
        if (t < due) {
            struct timespec ts = {due / 1000000000LL, due % 1000000000LL};
            clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL);
        } else if (t - due > late_max && due >= e2e_from)
            late_max = t - due;
        memcpy(body, &i, 8);
        memcpy(body + 8, &due, 8);
        while (rd_kafka_produce(rkt, (int)(i % parts), RD_KAFKA_MSG_F_COPY, body, (size_t)size, NULL, 0, NULL) == -1) {
            if (rd_kafka_last_error() != RD_KAFKA_RESP_ERR__QUEUE_FULL) die("produce");
            usleep(200);
        }
    }
    double el = (double)(now_ns() - t0) / 1e9;
    rd_kafka_flush(rk, 30000);
    for (int i = 0; i < 500 && e2e_seen < total; i++) usleep(10000);
    atomic_store(&e2e_stop, 1);
    pthread_join(rd, NULL);
    pthread_join(pl, NULL);
    printf("{\"mode\":\"e2e\",\"rate\":%" PRId64 ",\"sent\":%" PRId64 ",\"acked\":%lld,\"seen\":%" PRId64 ",\"failed\":%lld,\"order_errors\":%" PRId64
           ",\"secs\":%.2f,\"sender_late_max_us\":%.0f,",
           rate, total, (long long)g_acked, e2e_seen, (long long)g_failed, e2e_order_errors, el, (double)late_max / 1e3);
    h_print(&e2e_hist);
    printf(",\"client_cpu_s\":%.2f}\n", own_cpu_s() - cpu0);
    return e2e_seen != total || g_failed || e2e_order_errors;
}

/* ---------- tiny: one record per request through the client library ---------- */

struct tconn {
    pthread_t th;
    int id, open;
    int64_t done, failed;
    struct hist h;
};
static int64_t tiny_end, tiny_from;

static void tiny_dr(rd_kafka_t *rk, const rd_kafka_message_t *m, void *op) {
    (void)rk;
    struct tconn *t = op;
    int64_t sent = (int64_t)(intptr_t)m->_private;
    t->open--;
    if (m->err)
        t->failed++;
    else if (sent >= tiny_from)
        t->done++, h_add(&t->h, now_ns() - sent);
}

static void *tiny_thread(void *arg) {
    struct tconn *me = arg;
    int64_t size = opti("size", 100);
    int window = (int)opti("window", 1), parts = (int)opti("partitions", 1);
    rd_kafka_conf_t *c = producer_conf(0);
    set(c, "batch.num.messages", "1");
    seti(c, "max.in.flight.requests.per.connection", window);
    rd_kafka_conf_set_dr_msg_cb(c, tiny_dr);
    rd_kafka_conf_set_opaque(c, me);
    rd_kafka_t *rk = client(RD_KAFKA_PRODUCER, c);
    rd_kafka_topic_t *rkt = rd_kafka_topic_new(rk, opt("topic", "t"), NULL);
    unsigned char *body = malloc((size_t)size);
    fill_payload(body, (size_t)size, "rand", (unsigned)me->id);
    for (uint64_t s = 0; now_ns() < tiny_end;) {
        while (me->open < window) {
            memcpy(body, &s, 8), s++;
            if (rd_kafka_produce(rkt, me->id % parts, RD_KAFKA_MSG_F_COPY, body, (size_t)size, NULL, 0,
                                 (void *)(intptr_t)now_ns()) == -1)
                break;
            me->open++;
        }
        rd_kafka_poll(rk, 100);
    }
    rd_kafka_flush(rk, 10000);
    return NULL;
}

static int mode_tiny(void) {
    int n = (int)opti("conns", 1);
    double secs = strtod(opt("secs", "5"), NULL), warm = strtod(opt("warm", "1"), NULL);
    struct tconn *t = calloc((size_t)n, sizeof *t);
    tiny_from = now_ns() + (int64_t)(warm * 1e9);
    tiny_end = tiny_from + (int64_t)(secs * 1e9);
    double cpu0 = own_cpu_s();
    for (int i = 0; i < n; i++) t[i].id = i, pthread_create(&t[i].th, NULL, tiny_thread, &t[i]);
    int64_t done = 0, bad = 0;
    struct hist h = {0};
    for (int i = 0; i < n; i++) {
        pthread_join(t[i].th, NULL);
        done += t[i].done, bad += t[i].failed;
        for (int k = 0; k < H_N; k++) h.b[k] += t[i].h.b[k];
        h.n += t[i].h.n;
        if (t[i].h.max > h.max) h.max = t[i].h.max;
    }
    printf("{\"mode\":\"tiny\",\"conns\":%d,\"requests\":%" PRId64 ",\"failed\":%" PRId64 ",\"req_s\":%.0f,", n, done, bad, (double)done / secs);
    h_print(&h);
    printf(",\"client_cpu_s\":%.2f}\n", own_cpu_s() - cpu0);
    return bad != 0;
}

/* ---------- raw protocol: requests prepared by hand ---------- */

static uint32_t crc_tab[8][256];

static void crc_init(void) {
    for (unsigned i = 0; i < 256; i++) {
        uint32_t r = i;
        for (int k = 0; k < 8; k++) r = r >> 1 ^ (r & 1 ? 0x82F63B78u : 0);
        crc_tab[0][i] = r;
    }
    for (unsigned i = 0; i < 256; i++)
        for (int t = 1; t < 8; t++) crc_tab[t][i] = crc_tab[t - 1][i] >> 8 ^ crc_tab[0][crc_tab[t - 1][i] & 255];
}

#if defined(__x86_64__)
__attribute__((target("sse4.2"))) static uint32_t crc_hw(const unsigned char *p, size_t n) {
    uint64_t c = 0xffffffffu;
    for (; n >= 8; n -= 8, p += 8) {
        uint64_t v;
        memcpy(&v, p, 8);
        c = __builtin_ia32_crc32di(c, v);
    }
    for (; n; n--) c = __builtin_ia32_crc32qi((uint32_t)c, *p++);
    return ~(uint32_t)c;
}
#endif

static uint32_t crc32c(const unsigned char *p, size_t n) {
#if defined(__x86_64__)
    if (__builtin_cpu_supports("sse4.2")) return crc_hw(p, n);
#endif
    uint32_t c = ~0u;
    for (; n >= 8; n -= 8, p += 8) {
        uint32_t a, b;
        memcpy(&a, p, 4), memcpy(&b, p + 4, 4);
        a ^= c;
        c = crc_tab[7][a & 255] ^ crc_tab[6][a >> 8 & 255] ^ crc_tab[5][a >> 16 & 255] ^ crc_tab[4][a >> 24] ^
            crc_tab[3][b & 255] ^ crc_tab[2][b >> 8 & 255] ^ crc_tab[1][b >> 16 & 255] ^ crc_tab[0][b >> 24];
    }
    while (n--) c = c >> 8 ^ crc_tab[0][(c ^ *p++) & 255];
    return ~c;
}

struct enc {
    unsigned char *p;
    size_t n;
};
static void e8(struct enc *e, int v) { e->p[e->n++] = (unsigned char)v; }
static void e16(struct enc *e, int v) { e8(e, v >> 8 & 255), e8(e, v & 255); }
static void e32(struct enc *e, int64_t v) { e16(e, (int)(v >> 16 & 0xffff)), e16(e, (int)(v & 0xffff)); }
static void e64(struct enc *e, int64_t v) { e32(e, v >> 32 & 0xffffffff), e32(e, v & 0xffffffff); }
static void estr(struct enc *e, const char *s) {
    e16(e, (int)strlen(s));
    memcpy(e->p + e->n, s, strlen(s)), e->n += strlen(s);
}
static void evar(struct enc *e, int64_t v) {
    uint64_t z = (uint64_t)v << 1 ^ (uint64_t)(v >> 63);
    for (; z > 127; z >>= 7) e8(e, (int)((z & 127) | 128));
    e8(e, (int)z);
}
static void put32(unsigned char *p, uint32_t v) { p[0] = v >> 24, p[1] = v >> 16, p[2] = v >> 8, p[3] = v; }

struct req { /* one Produce v7 request, kept ready; stamped before each send */
    unsigned char *buf;
    size_t len, crc_at, crc_from, corr_at, *stamp_at;
    int records;
    size_t err_at; /* where the error code lies in the answer */
};

static void build_produce(struct req *r, const char *topic, int part, int acks, int size, int records) {
    r->buf = malloc((size_t)records * (size_t)(size + 24) + 512);
    r->stamp_at = malloc(sizeof(size_t) * (size_t)records);
    r->records = records;
    struct enc e = {r->buf, 4};
    e16(&e, 0), e16(&e, 7);
    r->corr_at = e.n;
    e32(&e, 0);
    estr(&e, "rdload");
    e16(&e, -1);
    e16(&e, acks);
    e32(&e, 30000);
    e32(&e, 1);
    estr(&e, topic);
    e32(&e, 1);
    e32(&e, part);
    size_t size_at = e.n;
    e32(&e, 0);
    size_t batch_at = e.n;
    e64(&e, 0);
    e32(&e, 0); /* batch length */
    e32(&e, -1);
    e8(&e, 2);
    r->crc_at = e.n;
    e32(&e, 0);
    r->crc_from = e.n;
    int64_t ts = wall_ns() / 1000000;
    e16(&e, 0), e32(&e, records - 1), e64(&e, ts), e64(&e, ts), e64(&e, -1), e16(&e, -1), e32(&e, -1), e32(&e, records);
    for (int i = 0; i < records; i++) {
        unsigned char tmp[32];
        struct enc h = {tmp, 0};
        e8(&h, 0), evar(&h, 0), evar(&h, i), evar(&h, -1), evar(&h, size);
        evar(&e, (int64_t)h.n + size + 1);
        memcpy(e.p + e.n, tmp, h.n), e.n += h.n;
        r->stamp_at[i] = e.n;
        fill_payload(e.p + e.n, (size_t)size, opt("fill", "rand"), (unsigned)i);
        e.n += (size_t)size;
        e8(&e, 0);
    }
    r->len = e.n;
    put32(r->buf, (uint32_t)(e.n - 4));
    put32(r->buf + size_at, (uint32_t)(e.n - batch_at));
    put32(r->buf + batch_at + 8, (uint32_t)(e.n - batch_at - 12));
    r->err_at = 4 + 4 + 4 + 2 + strlen(topic) + 4 + 4;
}

static void stamp(struct req *r, uint32_t corr, uint64_t *seq) {
    put32(r->buf + r->corr_at, corr);
    for (int i = 0; i < r->records; i++) {
        memcpy(r->buf + r->stamp_at[i], seq, 8);
        ++*seq;
    }
    put32(r->buf + r->crc_at, crc32c(r->buf + r->crc_from, r->len - r->crc_from));
}

static int dial(int quiet) {
    char host[64];
    snprintf(host, sizeof host, "%s", opt("brokers", "127.0.0.1:19092"));
    char *colon = strrchr(host, ':');
    if (!colon) die("brokers=ip:port");
    *colon = 0;
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(colon + 1))};
    if (inet_pton(AF_INET, host, &a.sin_addr) != 1) die("raw modes need an IPv4 address");
    int fd = socket(AF_INET, SOCK_STREAM, 0), one = 1;
    if (connect(fd, (struct sockaddr *)&a, sizeof a)) {
        if (!quiet) die("connect: %s", strerror(errno));
        close(fd);
        return -1;
    }
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    return fd;
}

#define MAXWIN 64
struct rconn {
    int fd, open, head; /* answers come in order */
    int64_t t[MAXWIN];
    struct req r;
    size_t out_at, in_n; /* bytes of the current request already written; bytes of the answer read */
    int sending;
    unsigned char in[4096];
    uint64_t *seq;
    uint32_t corr;
};

static int mode_raw(void) {
    int n = (int)opti("conns", 1), window = (int)opti("window", 1), parts = (int)opti("partitions", 1);
    int size = (int)opti("size", 100), records = (int)opti("records", 1), acks = (int)opti("acks", 1);
    int64_t maxreq = opti("count", INT64_MAX);
    double secs = strtod(opt("secs", "5"), NULL), warm = strtod(opt("warm", "1"), NULL);
    if (window > MAXWIN) die("window <= %d", MAXWIN);
    crc_init();
    struct rconn *c = calloc((size_t)n, sizeof *c);
    uint64_t *seq = calloc((size_t)parts, 8);
    int ep = epoll_create1(0);
    for (int i = 0; i < n; i++) {
        c[i].fd = dial(0);
        build_produce(&c[i].r, opt("topic", "t"), i % parts, acks, size, records);
        c[i].seq = &seq[i % parts];
        struct epoll_event ev = {.events = EPOLLIN, .data.ptr = &c[i]};
        epoll_ctl(ep, EPOLL_CTL_ADD, c[i].fd, &ev);
    }
    struct hist h = {0};
    int64_t start = now_ns(), from = start + (int64_t)(warm * 1e9), end = from + (int64_t)(secs * 1e9);
    int64_t sent = 0, done = 0, all = 0, bad = 0, outstanding = 0, last = start;
    int first_err = 0;
    double cpu0 = own_cpu_s();
#define PUMP(k)                                                                                                        \
    do {                                                                                                               \
        struct rconn *y = (k);                                                                                         \
        for (;;) {                                                                                                     \
            if (!y->sending) {                                                                                         \
                if (y->open >= window || sent >= maxreq || now_ns() >= end) break;                                     \
                stamp(&y->r, ++y->corr, y->seq);                                                                       \
                y->t[(y->head + y->open) % MAXWIN] = now_ns();                                                         \
                y->open++, y->sending = 1, y->out_at = 0, sent++, outstanding++;                                       \
            }                                                                                                          \
            ssize_t w = send(y->fd, y->r.buf + y->out_at, y->r.len - y->out_at, MSG_DONTWAIT | MSG_NOSIGNAL);          \
            if (w < 0) {                                                                                               \
                if (errno != EAGAIN) die("send: %s", strerror(errno));                                                 \
                struct epoll_event ev = {.events = EPOLLIN | EPOLLOUT, .data.ptr = y};                                 \
                epoll_ctl(ep, EPOLL_CTL_MOD, y->fd, &ev);                                                              \
                break;                                                                                                 \
            }                                                                                                          \
            if ((y->out_at += (size_t)w) == y->r.len) y->sending = 0;                                                  \
        }                                                                                                              \
    } while (0)
    for (int i = 0; i < n; i++) PUMP(&c[i]);
    while (outstanding > 0) {
        struct epoll_event ev[128];
        int k = epoll_wait(ep, ev, 128, 10000);
        if (k <= 0) die("no answer for 10 s");
        for (int i = 0; i < k; i++) {
            struct rconn *x = ev[i].data.ptr;
            if (ev[i].events & EPOLLOUT) {
                struct epoll_event e2 = {.events = EPOLLIN, .data.ptr = x};
                epoll_ctl(ep, EPOLL_CTL_MOD, x->fd, &e2);
            }
            if (ev[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR)) {
                ssize_t g = recv(x->fd, x->in + x->in_n, sizeof x->in - x->in_n, MSG_DONTWAIT);
                if (g == 0 || (g < 0 && errno != EAGAIN)) die("connection closed");
                if (g > 0) x->in_n += (size_t)g;
                size_t at = 0;
                int64_t t = now_ns();
                while (x->in_n - at >= 4) {
                    size_t len = 4 + ((size_t)x->in[at] << 24 | (size_t)x->in[at + 1] << 16 | (size_t)x->in[at + 2] << 8 | x->in[at + 3]);
                    if (x->in_n - at < len) break;
                    int err = (int16_t)(x->in[at + x->r.err_at] << 8 | x->in[at + x->r.err_at + 1]);
                    if (err) bad++, first_err = first_err ? first_err : err;
                    int64_t was = x->t[x->head];
                    x->head = (x->head + 1) % MAXWIN, x->open--, outstanding--, all++;
                    if (was >= from && !err) done++, h_add(&h, t - was), last = t;
                    at += len;
                }
                memmove(x->in, x->in + at, x->in_n - at);
                x->in_n -= at;
            }
            PUMP(x);
        }
    }
    double el = (double)(last - from) / 1e9;
    printf("{\"mode\":\"raw\",\"conns\":%d,\"window\":%d,\"records_per_request\":%d,\"request_bytes\":%zu,\"requests\":%" PRId64
           ",\"all_requests\":%" PRId64 ",\"all_bytes\":%" PRId64 ",\"failed\":%" PRId64 ",\"first_error\":%d,\"secs\":%.3f,\"req_s\":%.0f,\"rec_s\":%.0f,\"mb_s\":%.1f,",
           n, window, records, c[0].r.len, done, all, all * records * size, bad, first_err, el, (double)done / el,
           (double)done * records / el, (double)done * records * size / el / 1e6);
    h_print(&h);
    printf(",\"client_cpu_s\":%.2f}\n", own_cpu_s() - cpu0);
    return bad != 0;
}

static int read_full(int fd, unsigned char *p, size_t n) {
    while (n) {
        ssize_t g = recv(fd, p, n, 0);
        if (g <= 0) return -1;
        p += g, n -= (size_t)g;
    }
    return 0;
}

static int call(int fd, const unsigned char *q, size_t n, unsigned char *ans, size_t cap) {
    if (send(fd, q, n, MSG_NOSIGNAL) != (ssize_t)n) return -1;
    unsigned char l[4];
    if (read_full(fd, l, 4)) return -1;
    size_t len = (size_t)l[0] << 24 | (size_t)l[1] << 16 | (size_t)l[2] << 8 | l[3];
    if (len + 4 > cap) return -1;
    memcpy(ans, l, 4);
    return read_full(fd, ans + 4, len) ? -1 : (int)len + 4;
}

static int mode_firstok(void) {
    const char *topic = opt("topic", "t");
    int parts = (int)opti("partitions", 1), create = (int)opti("create", 0), p = 0, tries = 0, last = 0;
    int64_t t0 = wall_ns(), limit = opti("timeout", 300) * 1000000000LL, first_conn = 0, created = 0, first_one = 0;
    unsigned char q[1024], a[65536];
    uint64_t seq = 0;
    int fd = -1;
    crc_init();
    while (p < parts) {
        if (wall_ns() - t0 > limit) die("timeout at partition %d, last error %d", p, last);
        if (fd < 0) {
            if ((fd = dial(1)) < 0) { usleep(2000); continue; }
            struct timeval tv = {2, 0};
            setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof tv);
            if (!first_conn) first_conn = wall_ns();
        }
        tries++;
        if (create && !created) {
            struct enc e = {q, 4};
            e16(&e, 19), e16(&e, 2), e32(&e, 1), estr(&e, "rdload");
            e32(&e, 1), estr(&e, topic), e32(&e, parts), e16(&e, 1), e32(&e, 0), e32(&e, 0), e32(&e, 10000), e8(&e, 0);
            put32(q, (uint32_t)(e.n - 4));
            if (call(fd, q, e.n, a, sizeof a) < 0) { close(fd), fd = -1; usleep(2000); continue; }
            size_t at = 4 + 4 + 4 + 4 + 2 + strlen(topic);
            last = (int16_t)(a[at] << 8 | a[at + 1]);
            if (last && last != 36) { usleep(2000); continue; }
            created = wall_ns();
        }
        struct req r;
        build_produce(&r, topic, p, 1, 64, 1);
        stamp(&r, 2, &seq);
        int g = call(fd, r.buf, r.len, a, sizeof a);
        last = g < 0 ? -2 : (int16_t)(a[r.err_at] << 8 | a[r.err_at + 1]);
        free(r.buf), free(r.stamp_at);
        if (g < 0) { close(fd), fd = -1; usleep(2000); continue; }
        if (last) { usleep(2000); continue; }
        if (!first_one) first_one = wall_ns();
        p++;
    }
    int64_t t = wall_ns();
    int64_t base = opt("t0", NULL) ? (int64_t)strtoll(opt("t0", "0"), NULL, 10) : t0;
    printf("{\"mode\":\"firstok\",\"partitions\":%d,\"tries\":%d,\"connected_ms\":%.1f,\"first_ms\":%.1f,\"all_ms\":%.1f}\n", parts, tries,
           (double)(first_conn - base) / 1e6, (double)(first_one - base) / 1e6, (double)(t - base) / 1e6);
    return 0;
}

/* ---------- e2eraw ---------- */

static int64_t get_be(const unsigned char *p, int n) {
    int64_t v = (signed char)p[0];
    for (int i = 1; i < n; i++) v = (int64_t)((uint64_t)v << 8 | p[i]);
    return v;
}

static int64_t get_var(const unsigned char **p) {
    uint64_t z = 0;
    for (int sh = 0;; sh += 7) {
        unsigned char b = *(*p)++;
        z |= (uint64_t)(b & 127) << sh;
        if (!(b & 128)) break;
    }
    return (int64_t)(z >> 1) ^ -(int64_t)(z & 1);
}

enum { MAXB = 512 };

static int mode_e2eraw(void) {
    const char *topic = opt("topic", "t");
    int size = (int)opti("size", 1024), window = (int)opti("window", 5), acks = opt("acks", "1")[0] == 'a' ? -1 : (int)opti("acks", 1);
    int64_t rate = opti("rate", 1000);
    double secs = strtod(opt("secs", "6"), NULL), warm = strtod(opt("warm", "2"), NULL);
    if (size < 16) die("size >= 16");
    crc_init();
    prctl(PR_SET_TIMERSLACK, 1000);
    struct req *r = calloc(MAXB + 1, sizeof *r); /* one prepared request per batch size, made when first needed */
    int pf = dial(0), cf = dial(0), tf = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK), ep = epoll_create1(0);
    int fds[3] = {pf, cf, tf};
    for (int i = 0; i < 3; i++) {
        struct epoll_event ev = {.events = EPOLLIN, .data.fd = fds[i]};
        epoll_ctl(ep, EPOLL_CTL_ADD, fds[i], &ev);
    }
    size_t cap = 8 << 20, have = 0, phave = 0;
    unsigned char *in = malloc(cap), pin[8192], fq[512];
    struct enc e = {fq, 4};
    e16(&e, 1), e16(&e, 4), e32(&e, 7), estr(&e, "rdload");
    e32(&e, -1), e32(&e, opti("fetchwait", 500)), e32(&e, 1), e32(&e, 4 << 20), e8(&e, 0);
    e32(&e, 1), estr(&e, topic), e32(&e, 1), e32(&e, 0);
    size_t off_at = e.n;
    e64(&e, 0), e32(&e, 1 << 20);
    put32(fq, (uint32_t)(e.n - 4));
    size_t fq_n = e.n;
    if (send(cf, fq, fq_n, MSG_NOSIGNAL) != (ssize_t)fq_n) die("fetch");
    int64_t next_off = 0, total = (int64_t)((secs + warm) * (double)rate), made = 0, seen = 0, order = 0, bad = 0, reqs = 0, fetches = 0;
    int open = 0;
    struct hist h = {0}, ha = {0};
    int64_t t0 = now_ns() + 50000000, from = t0 + (int64_t)(warm * 1e9), give_up = t0 + (int64_t)((secs + warm + 20) * 1e9), late = 0;
    int64_t ack_due[MAXWIN];
    int ack_head = 0;
    double cpu0 = own_cpu_s();
#define DUE(i) (t0 + (int64_t)((double)(i) * 1e9 / (double)rate))
    while (seen < total) {
        int64_t t = now_ns();
        if (t > give_up) break;
        while (made < total && open < window && DUE(made) <= t) {
            int k = 0;
            while (made + k < total && k < MAXB && DUE(made + k) <= t) k++;
            if (!r[k].buf) build_produce(&r[k], topic, 0, acks, size, k);
            for (int i = 0; i < k; i++) {
                int64_t due = DUE(made + i);
                memcpy(r[k].buf + r[k].stamp_at[i] + 8, &due, 8);
            }
            if (open == 0 && DUE(made) >= from && t - DUE(made) > late) late = t - DUE(made);
            uint64_t s = (uint64_t)made;
            ack_due[(ack_head + open) % MAXWIN] = DUE(made);
            stamp(&r[k], (uint32_t)++reqs, &s);
            size_t at = 0;
            while (at < r[k].len) {
                ssize_t w = send(pf, r[k].buf + at, r[k].len - at, MSG_NOSIGNAL);
                if (w < 0) die("send");
                at += (size_t)w;
            }
            made += k, open++;
        }
        if (made < total && open < window) {
            struct itimerspec its = {.it_value = {DUE(made) / 1000000000LL, DUE(made) % 1000000000LL}};
            timerfd_settime(tf, TFD_TIMER_ABSTIME, &its, NULL);
        }
        struct epoll_event ev[4];
        int n = epoll_wait(ep, ev, 4, 1000);
        t = now_ns();
        for (int i = 0; i < n; i++) {
            if (ev[i].data.fd == tf) {
                uint64_t x;
                if (read(tf, &x, 8) < 0 && errno != EAGAIN) die("timer");
            } else if (ev[i].data.fd == pf) {
                ssize_t g = recv(pf, pin + phave, sizeof pin - phave, MSG_DONTWAIT);
                if (g == 0) die("closed");
                if (g > 0) phave += (size_t)g;
                size_t at = 0;
                while (phave - at >= 4) {
                    size_t len = 4 + (size_t)get_be(pin + at, 4);
                    if (phave - at < len) break;
                    if (get_be(pin + at + 4 + 4 + 4 + 2 + strlen(topic) + 4 + 4, 2)) bad++;
                    if (ack_due[ack_head] >= from) h_add(&ha, t - ack_due[ack_head]);
                    ack_head = (ack_head + 1) % MAXWIN;
                    open--, at += len;
                }
                memmove(pin, pin + at, phave - at), phave -= at;
            } else {
                ssize_t g = recv(cf, in + have, cap - have, MSG_DONTWAIT);
                if (g == 0) die("closed");
                if (g > 0) have += (size_t)g;
                if (have < 4 || have < 4 + (size_t)get_be(in, 4)) continue;
                t = now_ns();
                const unsigned char *p = in + 4 + 4 + 4 + 4 + 2 + strlen(topic) + 4 + 4;
                if (get_be(p, 2) && seen) bad++; /* at first the new topic may not be known yet */
                p += 2 + 8 + 8;
                int64_t ab = get_be(p, 4);
                p += 4;
                if (ab > 0) p += 16 * ab;
                int64_t rl = get_be(p, 4);
                p += 4;
                const unsigned char *end = p + (rl > 0 ? rl : 0);
                while (end - p >= 61) {
                    int64_t base = get_be(p, 8), bl = get_be(p + 8, 4) + 12, cnt = get_be(p + 57, 4);
                    if (end - p < bl) break;
                    const unsigned char *q = p + 61;
                    if (base >= next_off) {
                        if (base != next_off) order++;
                        for (int64_t k = 0; k < cnt; k++) {
                            int64_t rlen = get_var(&q);
                            const unsigned char *stop = q + rlen;
                            q++;
                            get_var(&q), get_var(&q);
                            int64_t kl = get_var(&q);
                            if (kl > 0) q += kl;
                            get_var(&q);
                            int64_t num, due;
                            memcpy(&num, q, 8), memcpy(&due, q + 8, 8);
                            if (num != base + k) order++;
                            if (due >= from) h_add(&h, t - due);
                            seen++;
                            q = stop;
                        }
                        next_off = base + cnt;
                    }
                    p += bl;
                }
                have = 0; /* one fetch is open at a time */
                fetches++;
                for (int b = 0; b < 8; b++) fq[off_at + (size_t)b] = (unsigned char)(next_off >> (56 - 8 * b));
                if (seen < total && send(cf, fq, fq_n, MSG_NOSIGNAL) != (ssize_t)fq_n) die("fetch");
            }
        }
    }
    printf("{\"mode\":\"e2eraw\",\"rate\":%" PRId64 ",\"sent\":%" PRId64 ",\"seen\":%" PRId64 ",\"failed\":%" PRId64 ",\"order_errors\":%" PRId64
           ",\"produce_requests\":%" PRId64 ",\"fetches\":%" PRId64 ",\"sender_late_max_us\":%.0f,\"ack_us\":{\"p50\":%.1f,\"p99\":%.1f,\"p999\":%.1f},",
           rate, made, seen, bad, order, reqs, fetches, (double)late / 1e3, h_q(&ha, .5), h_q(&ha, .99), h_q(&ha, .999));
    h_print(&h);
    printf(",\"client_cpu_s\":%.2f}\n", own_cpu_s() - cpu0);
    return seen != total || bad || order;
}

static int mode_evict(void) {
    const char *dir = opt("dir", ".");
    DIR *d = opendir(dir);
    if (!d) die("%s: %s", dir, strerror(errno));
    int64_t bytes = 0;
    int files = 0;
    for (struct dirent *e; (e = readdir(d));) {
        char path[4096];
        if (e->d_name[0] == '.') continue;
        snprintf(path, sizeof path, "%s/%s", dir, e->d_name);
        int fd = open(path, O_RDWR);
        if (fd < 0) continue;
        fdatasync(fd);
        posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
        bytes += lseek(fd, 0, SEEK_END);
        files++;
        close(fd);
    }
    closedir(d);
    printf("{\"mode\":\"evict\",\"files\":%d,\"bytes\":%" PRId64 "}\n", files, bytes);
    return 0;
}

static int mode_metaidle(void) {
    int n = (int)opti("conns", 100);
    for (int i = 0; i < n; i++) dial(0);
    usleep((useconds_t)(strtod(opt("secs", "5"), NULL) * 1e6));
    printf("{\"mode\":\"metaidle\",\"conns\":%d}\n", n);
    return 0;
}

int main(int argc, char **argv) {
    g_argc = argc, g_argv = argv;
    const char *m = argc > 1 ? argv[1] : "";
    setvbuf(stdout, NULL, _IOLBF, 0);
    int rc = 2;
    if (!strcmp(m, "mktopic")) rc = mode_mktopic(0);
    else if (!strcmp(m, "rmtopic")) rc = mode_mktopic(1);
    else if (!strcmp(m, "produce")) rc = mode_produce();
    else if (!strcmp(m, "consume")) rc = mode_consume();
    else if (!strcmp(m, "e2e")) rc = mode_e2e();
    else if (!strcmp(m, "tiny")) rc = mode_tiny();
    else if (!strcmp(m, "raw")) rc = mode_raw();
    else if (!strcmp(m, "e2eraw")) rc = mode_e2eraw();
    else if (!strcmp(m, "firstok")) rc = mode_firstok();
    else if (!strcmp(m, "metaidle")) rc = mode_metaidle();
    else if (!strcmp(m, "evict")) rc = mode_evict();
    else fprintf(stderr, "rdload: mode? see the head of rdload.c\n");
    fflush(stdout);
    _exit(rc); /* no clean-up of client handles: it would only add time */
}
