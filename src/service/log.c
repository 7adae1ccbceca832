/* The log: one line per fact, put together in one buffer and written with one call, so that lines
 * of several threads never mix. */
#include "service/log.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/error.h"

#define LINE_MAX_BYTES 4096 /* one write of up to PIPE_BUF bytes stays in one piece */
#define NUMBERS 8           /* results of yq_log_int that live at once */
#define CALM_SECONDS 10
#define CALM_MAX_SECONDS 640
#define CALM_FACTS 64

static const char *const level_names[] = {"error", "warn", "info", "debug"};
static _Atomic int max_level = YQ_LOG_INFO;

struct line {
    char text[LINE_MAX_BYTES];
    size_t len;
};

/* The last byte is kept for the line's end; what does not fit is cut. */
static void add(struct line *l, const char *text, size_t len)
{
    size_t room = sizeof(l->text) - 1 - l->len;
    if (len > room)
        len = room;
    memcpy(l->text + l->len, text, len);
    l->len += len;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* 11 digits, 1 and 3…9 in front, perhaps behind a country code. */
static bool looks_like_mobile(const char *digits, size_t len)
{
    if (len < 11)
        return false;
    const char *last = digits + len - 11;
    size_t front = len - 11;
    bool code = front == 0 || (front == 2 && memcmp(digits, "86", 2) == 0) ||
                (front == 4 && memcmp(digits, "0086", 4) == 0);
    return code && last[0] == '1' && last[1] >= '3';
}

static void add_masked(struct line *l, const char *text, size_t len)
{
    for (size_t i = 0; i < len;) {
        size_t run = 0;
        while (i + run < len && is_digit(text[i + run]))
            run++;
        if (run == 0) {
            add(l, text + i++, 1);
        } else if (looks_like_mobile(text + i, run)) {
            add(l, text + i, run - 8);
            add(l, "****", 4);
            add(l, text + i + run - 4, 4);
        } else {
            add(l, text + i, run);
        }
        i += run;
    }
}

/* The name of a plan, for `approve`: digits among its letters are no mobile. */
static bool is_hash(const char *value)
{
    return strlen(value) == 32 && strspn(value, "0123456789abcdef") == 32 &&
           strpbrk(value, "abcdef") != NULL;
}

static bool needs_quotes(const char *value)
{
    if (*value == '\0')
        return true;
    for (const unsigned char *c = (const unsigned char *)value; *c != '\0'; c++) {
        if (*c <= ' ' || *c == '"' || *c == '\\' || *c == '=' || *c == 0x7f)
            return true;
    }
    return false;
}

/* Control characters would let a value forge a line of its own. */
static void add_quoted(struct line *l, const char *value)
{
    struct line inside = {.len = 0};
    for (const unsigned char *c = (const unsigned char *)value; *c != '\0'; c++) {
        char escape[8];
        if (*c == '"' || *c == '\\')
            add(&inside, (char[]){'\\', (char)*c}, 2);
        else if (*c == '\n')
            add(&inside, "\\n", 2);
        else if (*c < ' ' || *c == 0x7f)
            add(&inside, escape, (size_t)snprintf(escape, sizeof(escape), "\\x%02x", *c));
        else
            add(&inside, (const char *)c, 1);
    }
    add(l, "\"", 1);
    add_masked(l, inside.text, inside.len);
    add(l, "\"", 1);
}

static void add_pair(struct line *l, const char *key, const char *value)
{
    char hidden[LINE_MAX_BYTES];
    if (value == NULL)
        return;
    if (strstr(value, YQ_WORDS_OPEN) != NULL) { /* a peer's words may name a person */
        yq_error_hide_words(value, hidden, sizeof(hidden));
        value = hidden;
    }
    add(l, " ", 1);
    add(l, key, strlen(key));
    add(l, "=", 1);
    if (needs_quotes(value))
        add_quoted(l, value);
    else if (is_hash(value))
        add(l, value, strlen(value));
    else
        add_masked(l, value, strlen(value));
}

static void begin(struct line *l, enum yq_log_level level, const char *what)
{
    struct timespec now;
    struct tm tm;
    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &tm);
    char stamp[64];
    size_t len = strftime(stamp, sizeof(stamp), "%Y-%m-%dT%H:%M:%S", &tm);
    l->len = 0;
    add(l, stamp, len);
    len = (size_t)snprintf(stamp, sizeof(stamp), ".%03ldZ ", now.tv_nsec / 1000000);
    add(l, stamp, len);
    add(l, level_names[level], strlen(level_names[level]));
    add(l, " ", 1);
    add(l, what, strlen(what));
}

/* A log that cannot be written has nobody to tell. */
static void end(struct line *l)
{
    l->text[l->len++] = '\n';
    ssize_t written = write(STDERR_FILENO, l->text, l->len);
    (void)written;
}

void yq_log_set_level(enum yq_log_level level)
{
    atomic_store_explicit(&max_level, (int)level, memory_order_relaxed);
}

static bool is_wanted(enum yq_log_level level)
{
    return (int)level <= atomic_load_explicit(&max_level, memory_order_relaxed);
}

void yq_log(enum yq_log_level level, const char *what, ...)
{
    if (!is_wanted(level))
        return;
    struct line l;
    begin(&l, level, what);
    va_list pairs;
    va_start(pairs, what);
    const char *key;
    while ((key = va_arg(pairs, const char *)) != NULL)
        add_pair(&l, key, va_arg(pairs, const char *));
    va_end(pairs);
    end(&l);
}

const char *yq_log_int(long long n)
{
    static _Thread_local char texts[NUMBERS][24];
    static _Thread_local unsigned next;
    char *text = texts[next++ % NUMBERS];
    (void)snprintf(text, sizeof(texts[0]), "%lld", n);
    return text;
}

/* ---- calm facts ---- */

struct fact {
    char name[96]; /* what and key */
    time_t told;   /* monotonic seconds */
    time_t seen;   /* when it last was so, told or not */
    time_t rest;   /* so long it is not told again */
    long long kept_quiet;
};

static pthread_mutex_t facts_lock = PTHREAD_MUTEX_INITIALIZER;
static struct fact facts[CALM_FACTS];

/* The fact of that name, or the one told longest ago in its place. */
static struct fact *find_fact(const char *name)
{
    struct fact *oldest = &facts[0];
    for (size_t i = 0; i < CALM_FACTS; i++) {
        if (strcmp(facts[i].name, name) == 0)
            return &facts[i];
        if (facts[i].told < oldest->told)
            oldest = &facts[i];
    }
    *oldest = (struct fact){0};
    (void)snprintf(oldest->name, sizeof(oldest->name), "%s", name);
    return oldest;
}

/* Says whether to write now, and how many were kept quiet before. */
static bool take_turn(const char *what, const char *key, long long *ret_quiet)
{
    char name[sizeof(facts[0].name)];
    (void)snprintf(name, sizeof(name), "%s %s", what, key != NULL ? key : "");
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    time_t seconds = now.tv_sec + CALM_SECONDS; /* never 0, which means never told */
    pthread_mutex_lock(&facts_lock);
    struct fact *f = find_fact(name);
    if (f->told == 0 || seconds - f->seen >= 2 * CALM_SECONDS)
        f->rest = 0; /* a new story */
    bool turn = f->told == 0 || seconds - f->told >= (f->rest > 0 ? f->rest : CALM_SECONDS);
    f->seen = seconds;
    if (turn) {
        f->rest = f->rest == 0 ? CALM_SECONDS : f->rest * 2;
        if (f->rest > CALM_MAX_SECONDS)
            f->rest = CALM_MAX_SECONDS;
        *ret_quiet = f->kept_quiet;
        f->kept_quiet = 0;
        f->told = seconds;
    } else {
        f->kept_quiet++;
    }
    pthread_mutex_unlock(&facts_lock);
    return turn;
}

void yq_log_calm(enum yq_log_level level, const char *what, const char *key, const char *text)
{
    long long quiet;
    if (!is_wanted(level) || !take_turn(what, key, &quiet))
        return;
    yq_log(level, what, "key", key, "text", text, "repeated", quiet > 0 ? yq_log_int(quiet) : NULL,
           NULL);
}
