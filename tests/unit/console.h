/* The program as an operator calls it, in this process, against a Redis of its own. */
#ifndef TEST_CONSOLE_H
#define TEST_CONSOLE_H

#include <stddef.h>
#include <stdint.h>

#include "clients/redis.h"
#include "clients/store.h"
#include "model/event.h"
#include "support/temp_redis.h"

/* The one of a test's group. Two connections are configured: acme and beta. */
struct console {
    struct yq_temp_redis *server;
    struct yq_redis *redis;
    struct yq_keys keys;
    char config[128];
    char *out, *err; /* what the last call printed */
    size_t out_len, err_len;
};
extern struct console console;

/* A group's setup and teardown. */
int console_start(void **state);
int console_stop(void **state);
/* Cuts the line at its blanks; the words point into it. Returns how many they are. */
int split(char *line, char **words);
/* Calls the program and expects its status, and the words in what it printed. */
void expect(const char *line, int status, const char *words);
/* Writes the configuration anew: "en" (so it begins), "zh". */
void set_language(const char *language);

void clear_redis(void);
void set_hash(const char *key, const char *field, const char *value);
/* A callback of acme in its queue; ret_entry has room for YQ_ENTRY_MAX. */
void push(enum yq_event_kind kind, const char *subject, const char *data, char *ret_entry);
/* Carries the commit out under a lease of acme, as a worker does, and frees it. */
void commit(struct yq_commit *c);
/* A process with that role said so long ago that it is alive. */
void heartbeat(const char *role, int64_t age_ms);

#endif
