/* The metrics: one hash table of series per metric. Series are only ever added, so that counting
 * needs no lock: a look-up by label values, then one atomic addition. */
#include "service/metrics.h"

#include <dirent.h>
#include <malloc.h>
#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "base/memory.h"

#define BUCKETS 256
#define LABELS 3

enum type { COUNTER, GAUGE, HISTOGRAM };

static const struct {
    const char *name, *labels, *help;
    enum type type;
} table[] = {
#define X(id, name, type, labels, help) [YQ_METRIC_##id] = {name, labels, help, type},
    YQ_METRICS(X)
#undef X
};

static const char *const type_names[] = {"counter", "gauge", "histogram"};

struct series {
    struct series *next;
    char *labels[LABELS]; /* "" where the metric has fewer */
    _Atomic double value;
};

static _Atomic(struct series *) series_of[YQ_METRIC_COUNT][BUCKETS];
static pthread_mutex_t adding = PTHREAD_MUTEX_INITIALIZER;

static const double bounds[] = {0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1,
                                0.25,   0.5,   1,      2.5,   5,    10,    30,   60};
#define BOUNDS (sizeof(bounds) / sizeof(bounds[0]))

struct histogram {
    _Atomic uint64_t counts[BOUNDS + 1]; /* the last: above all bounds */
    _Atomic uint64_t sum_us;
};
static struct histogram histograms[YQ_METRIC_COUNT];

static unsigned bucket_of(const char *const labels[LABELS])
{
    uint32_t hash = 2166136261u;
    for (size_t i = 0; i < LABELS; i++) {
        for (const char *c = labels[i]; *c != '\0'; c++)
            hash = (hash ^ (unsigned char)*c) * 16777619u;
        hash = (hash ^ '|') * 16777619u;
    }
    return (hash ^ hash >> 16) % BUCKETS;
}

static struct series *find(struct series *s, const char *const labels[LABELS])
{
    for (; s != NULL; s = s->next) {
        size_t same = 0;
        while (same < LABELS && strcmp(s->labels[same], labels[same]) == 0)
            same++;
        if (same == LABELS)
            return s;
    }
    return NULL;
}

static struct series *series(enum yq_metric m, const char *label1, const char *label2,
                             const char *label3)
{
    const char *labels[LABELS] = {label1 != NULL ? label1 : "", label2 != NULL ? label2 : "",
                                  label3 != NULL ? label3 : ""};
    _Atomic(struct series *) *bucket = &series_of[m][bucket_of(labels)];
    struct series *s = find(atomic_load_explicit(bucket, memory_order_acquire), labels);
    if (s != NULL)
        return s;
    pthread_mutex_lock(&adding);
    s = find(atomic_load(bucket), labels);
    if (s == NULL) {
        s = yq_calloc(1, sizeof(*s));
        for (size_t i = 0; i < LABELS; i++)
            s->labels[i] = yq_strdup(labels[i]);
        s->next = atomic_load(bucket);
        atomic_store_explicit(bucket, s, memory_order_release);
    }
    pthread_mutex_unlock(&adding);
    return s;
}

static void add_to(_Atomic double *sum, double value)
{
    double old = atomic_load_explicit(sum, memory_order_relaxed);
    while (!atomic_compare_exchange_weak_explicit(sum, &old, old + value, memory_order_relaxed,
                                                  memory_order_relaxed))
        ;
}

void yq_metric_add(enum yq_metric m, const char *label1, const char *label2, const char *label3,
                   double value)
{
    add_to(&series(m, label1, label2, label3)->value, value);
}

void yq_metric_set(enum yq_metric m, const char *label1, double value)
{
    yq_metric_set_pair(m, label1, NULL, value);
}

void yq_metric_set_pair(enum yq_metric m, const char *label1, const char *label2, double value)
{
    atomic_store_explicit(&series(m, label1, label2, NULL)->value, value, memory_order_relaxed);
}

void yq_metric_forget(enum yq_metric m, const char *label1)
{
    for (size_t b = 0; b < BUCKETS; b++) {
        for (struct series *s = atomic_load(&series_of[m][b]); s != NULL; s = s->next) {
            if (strcmp(s->labels[0], label1) == 0)
                atomic_store(&s->value, (double)NAN);
        }
    }
}

void yq_metric_observe(enum yq_metric m, double seconds)
{
    struct histogram *h = &histograms[m];
    size_t at = 0;
    while (at < BOUNDS && seconds > bounds[at])
        at++;
    atomic_fetch_add_explicit(&h->counts[at], 1, memory_order_relaxed);
    uint64_t us = seconds > 0 ? (uint64_t)(seconds * 1e6 + 0.5) : 0;
    atomic_fetch_add_explicit(&h->sum_us, us, memory_order_relaxed);
}

/* ---- the exposition ---- */

static void write_head(struct yq_buf *out, const char *name, const char *help, const char *type)
{
    yq_buf_addf(out, "# HELP yunqiao_%s %s\n# TYPE yunqiao_%s %s\n", name, help, name, type);
}

static void write_label_value(struct yq_buf *out, const char *value)
{
    for (; *value != '\0'; value++) {
        if (*value == '\n') {
            yq_buf_adds(out, "\\n");
            continue;
        }
        if (*value == '"' || *value == '\\')
            yq_buf_addc(out, '\\');
        yq_buf_addc(out, *value);
    }
}

/* names: the table's list, as in "connection,operation". */
static void write_labels(struct yq_buf *out, const char *names, char *const labels[LABELS])
{
    if (*names == '\0')
        return;
    for (size_t i = 0; i < LABELS && *names != '\0'; i++) {
        size_t len = strcspn(names, ",");
        yq_buf_addc(out, i == 0 ? '{' : ',');
        yq_buf_add(out, names, len);
        yq_buf_adds(out, "=\"");
        write_label_value(out, labels[i]);
        yq_buf_addc(out, '"');
        names += names[len] == ',' ? len + 1 : len;
    }
    yq_buf_addc(out, '}');
}

static void write_series(struct yq_buf *out, enum yq_metric m)
{
    for (size_t b = 0; b < BUCKETS; b++) {
        for (struct series *s = atomic_load(&series_of[m][b]); s != NULL; s = s->next) {
            double value = atomic_load(&s->value);
            if (isnan(value))
                continue;
            yq_buf_addf(out, "yunqiao_%s", table[m].name);
            write_labels(out, table[m].labels, s->labels);
            yq_buf_addf(out, " %.15g\n", value);
        }
    }
}

static void write_histogram(struct yq_buf *out, enum yq_metric m)
{
    struct histogram *h = &histograms[m];
    const char *name = table[m].name;
    uint64_t total = 0;
    for (size_t i = 0; i < BOUNDS; i++) {
        total += atomic_load(&h->counts[i]);
        yq_buf_addf(out, "yunqiao_%s_bucket{le=\"%g\"} %llu\n", name, bounds[i],
                    (unsigned long long)total);
    }
    total += atomic_load(&h->counts[BOUNDS]);
    yq_buf_addf(out, "yunqiao_%s_bucket{le=\"+Inf\"} %llu\n", name, (unsigned long long)total);
    yq_buf_addf(out, "yunqiao_%s_sum %.6f\n", name, (double)atomic_load(&h->sum_us) / 1e6);
    yq_buf_addf(out, "yunqiao_%s_count %llu\n", name, (unsigned long long)total);
}

static double resident_bytes(void)
{
    FILE *f = fopen("/proc/self/statm", "re");
    if (f == NULL)
        return 0;
    long size;
    long pages = 0;
    if (fscanf(f, "%ld %ld", &size, &pages) != 2)
        pages = 0;
    (void)fclose(f);
    return (double)pages * (double)sysconf(_SC_PAGESIZE);
}

/* Resident memory stays as large as it once was, in pieces; this is what of it is in use. */
static double heap_bytes(void)
{
#ifdef __GLIBC__
    struct mallinfo2 heap = mallinfo2();
    return (double)heap.uordblks + (double)heap.hblkhd;
#else
    return 0;
#endif
}

static double open_descriptors(void)
{
    DIR *d = opendir("/proc/self/fd");
    if (d == NULL)
        return 0;
    int count = -3; /* ".", "..", and the one that reads them */
    while (readdir(d) != NULL)
        count++;
    (void)closedir(d);
    return count;
}

static void write_figure(struct yq_buf *out, const char *name, const char *type, const char *help,
                         double value)
{
    write_head(out, name, help, type);
    yq_buf_addf(out, "yunqiao_%s %.15g\n", name, value);
}

static void write_process(struct yq_buf *out)
{
    write_head(out, "build_info", "Always 1: which version runs", "gauge");
    yq_buf_adds(out, "yunqiao_build_info{version=\"" YQ_VERSION "\"} 1\n");
    struct rusage usage;
    (void)getrusage(RUSAGE_SELF, &usage);
    double cpu = (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
                 (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
    write_figure(out, "process_cpu_seconds_total", "counter", "CPU time used", cpu);
    write_figure(out, "process_resident_bytes", "gauge", "Resident memory", resident_bytes());
    write_figure(out, "process_heap_bytes", "gauge", "Memory that was allocated and not freed",
                 heap_bytes());
    write_figure(out, "process_open_descriptors", "gauge", "Open descriptors", open_descriptors());
}

void yq_metrics_write(struct yq_buf *out)
{
    for (int m = 0; m < YQ_METRIC_COUNT; m++) {
        write_head(out, table[m].name, table[m].help, type_names[table[m].type]);
        if (table[m].type == HISTOGRAM)
            write_histogram(out, (enum yq_metric)m);
        else
            write_series(out, (enum yq_metric)m);
    }
    write_process(out);
}

/* Series stay: somebody may be counting in one of them. */
void yq_metrics_reset(void)
{
    for (int m = 0; m < YQ_METRIC_COUNT; m++) {
        for (size_t b = 0; b < BUCKETS; b++) {
            for (struct series *s = atomic_load(&series_of[m][b]); s != NULL; s = s->next)
                atomic_store(&s->value, 0);
        }
        for (size_t i = 0; i <= BOUNDS; i++)
            atomic_store(&histograms[m].counts[i], 0);
        atomic_store(&histograms[m].sum_us, 0);
    }
}
