/* What a person must hear of: a word with up to three arguments, kept in the hash `alarms` until it
 * is over, and what is posted about it. One table; docs/operations.md lists the same. */
#ifndef YQ_MODEL_ALARM_H
#define YQ_MODEL_ALARM_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"

/* code, name, sentence, and the commands that answer it, "" where there is no second one. %1 %2 %3
 * are the arguments, %i the connection. No arguments hold personal data: counts, hashes, names of
 * departments, sentences of a peer's refusal. */
#define YQ_ALARMS(X)                                                                               \
    X(HELD, "held",                                                                                \
      "the guard holds a plan that would remove people or move them to the root: %1 in all",       \
      "yunqiao plans %i %2", "yunqiao approve %i %2")                                              \
    X(CASES, "cases", "cases that a person must decide: %1, new among them: %2",                   \
      "yunqiao cases %i", "")                                                                      \
    X(RANGE_SHRANK, "range_shrank",                                                                \
      "the visible range shrank: %1; %2 members can be seen, %3 before", "yunqiao doctor %i",      \
      "yunqiao sync %i")                                                                           \
    X(NO_SCOPE, "no_scope", "only persons are ticked: tick departments or tags in WeCom",          \
      "yunqiao sync %i", "")                                                                       \
    X(WECOM_REFUSES, "wecom_refuses", "WeCom refuses to work with this connection: %1",            \
      "yunqiao doctor %i", "")                                                                     \
    X(ETEAMS_REFUSES, "eteams_refuses", "eteams refuses to work with this connection: %1",         \
      "yunqiao doctor %i", "")                                                                     \
    X(RECONCILE_OVERDUE, "reconcile_overdue",                                                      \
      "a reconcile is overdue (%1): the last complete one ended %2", "yunqiao doctor %i",          \
      "yunqiao sync %i")                                                                           \
    X(DEAD, "dead", "events that were given up lie among the dead letters: %1",                    \
      "yunqiao dead list %i", "")

enum yq_alarm_kind {
#define X(code, name, text, command, second) YQ_ALARM_##code,
    YQ_ALARMS(X)
#undef X
        YQ_ALARM_COUNT
};

#define YQ_ALARM_KEY_MAX 64 /* "held:" and a hash, at most */

struct yq_alarm {
    enum yq_alarm_kind kind;
    const char *key; /* its field in the hash: the kind's name, for some with ":" and which one */
    const char *args[3]; /* NULL where unused */
    int64_t at;          /* since when, milliseconds: another time is another alarm */
    const char *run;     /* that raised it, or NULL */
    const char *mark;    /* up to what it counted, where it may be raised anew; or NULL */
};

const char *yq_alarm_name(enum yq_alarm_kind kind);
/* The kind behind a key; -1: none that is known. */
int yq_alarm_parse_key(const char *key, enum yq_alarm_kind *ret);

/* {"text","args","at","run","mark"}: the sentence in English is for whoever reads Redis. */
void yq_alarm_write(const struct yq_alarm *a, struct yq_buf *out);
/* Texts go into the arena. -1: no alarm that is known. */
int yq_alarm_read(struct yq_arena *arena, const char *key, const char *json, struct yq_alarm *ret);

/* How it is told: `translate` turns an English text of the table, or of yq_alarm_words, into the
 * reader's. */
struct yq_alarm_telling {
    const char *connection;
    const char *when; /* the alarm's time, RFC 3339 */
    const char *(*translate)(const char *text);
};
#define YQ_ALARM_COMMANDS 2
/* The sentence with its arguments. */
void yq_alarm_sentence(const struct yq_alarm *a, const struct yq_alarm_telling *t,
                       struct yq_buf *out);
/* Command number 0 or 1; nothing where there is none. */
void yq_alarm_command(const struct yq_alarm *a, const struct yq_alarm_telling *t, int number,
                      struct yq_buf *out);
/* What a webhook is sent: JSON with v, id (the same for every attempt), alarm, connection, at,
 * text, args, commands. */
void yq_alarm_write_webhook(const struct yq_alarm *a, const struct yq_alarm_telling *t,
                            struct yq_buf *out);
/* What a group robot of WeCom is sent: a markdown message of at most 4096 bytes. */
void yq_alarm_write_robot(const struct yq_alarm *a, const struct yq_alarm_telling *t,
                          struct yq_buf *out);

#endif
