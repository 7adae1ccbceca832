/* What is known about one subject, gathered from Redis for a person who asks "why": what came in,
 * what was done or not done about it, and how it stands now. */
#ifndef YQ_SERVICE_EXPLAIN_H
#define YQ_SERVICE_EXPLAIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "clients/redis.h"
#include "clients/store_inspect.h"
#include "model/event.h"
#include "model/reason.h"
#include "model/subject.h"

struct yq_explain_event { /* something came in about it */
    char entry[YQ_ENTRY_MAX];
    bool gone; /* only its id is left: older than the retention time */
    enum yq_event_kind kind;
    const char *source;
    int64_t ms; /* when it was queued */
    enum yq_entry_state state;
};

struct yq_explain_change {
    const char *field, *before, *after;   /* NULL: not said */
    const char *before_name, *after_name; /* of the departments with these ids; NULL: not known */
};

struct yq_explain_step { /* something was done, or decided not to be */
    char entry[YQ_ENTRY_MAX];
    int64_t ms;
    const char *run, *events, *rule, *op;
    const char *word; /* "ok", "none", "wait", "case", "held", "failed" */
    struct yq_reason reason;
    const char *call; /* of eteams, that was made for it: "syncEmployee"; NULL: none */
    struct {          /* what eteams answered to it */
        bool ok, lost;
        int code;          /* 0 where it was ok, or none was said */
        const char *words; /* "" where it was ok */
    } answer;
    struct yq_explain_change *changes;
    size_t change_count;
};

struct yq_explain {
    struct yq_arena *arena; /* owns all texts */
    struct yq_subject subject;
    char key[YQ_SUBJECT_MAX];
    struct {
        const char *eteams; /* NULL: not linked */
        const char *how;
        int64_t ms;
        bool left;
        size_t posts;
    } link;
    struct yq_explain_event *events; /* oldest first */
    size_t event_count, event_capacity;
    struct yq_explain_step *steps; /* oldest first */
    size_t step_count;
    struct {
        bool there, running;
        unsigned attempts;
        int64_t next_ms;
        const char *error;
    } retry;
    struct {
        bool there;
        struct yq_reason reason;
        int64_t ms;
    } open_case;
    struct {
        const char *hash; /* of the plan that holds it; NULL: none */
        int64_t ms;
        size_t people; /* in it */
    } held;
    struct {
        bool there, waits;
        struct yq_reason reason;
        int64_t ms;
    } found;             /* by the newest reconcile that ended well, which left it as it is */
    int64_t compared_ms; /* when everybody, or every department, was last compared; 0: never */
    struct {
        const char *entry; /* of the event; NULL: none */
        const char *attempts, *error;
        int64_t ms;
    } dead;
};

/* Gathers it; ret is for yq_explain_release, also after an error. A subject that nobody ever heard
 * of is no error: all of it is empty. */
int yq_explain_gather(struct yq_redis *r, const struct yq_keys *keys, const char *id,
                      const struct yq_subject *subject, struct yq_explain *ret,
                      struct yq_error *err);
/* Is nothing waiting, and did the last thing that was said of it leave both sides alike? */
bool yq_explain_is_in_step(const struct yq_explain *e);
/* Did the newest reconcile leave it as it is, for a reason, and has nothing happened since? */
bool yq_explain_is_left(const struct yq_explain *e);
void yq_explain_release(struct yq_explain *e);

#endif
