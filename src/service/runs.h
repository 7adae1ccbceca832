/* What is written about a run once it has ended: an entry of the stream `runs`, which whoever asked
 * for it waits for. */
#ifndef YQ_SERVICE_RUNS_H
#define YQ_SERVICE_RUNS_H

#include "settle.h"

struct yq_run_note {
    const char *run, *cause; /* cause: "event", "command" */
    size_t subjects;
    const struct yq_sync_result *result; /* NULL: refused, for this reason */
    struct yq_reason reason;
};

/* "done", "held", "waiting", "failed". */
const char *yq_run_outcome(const struct yq_sync_result *r);
void yq_run_add(const struct yq_settle *s, const struct yq_run_note *note);
/* For whoever carried out a command without the engine. */
void yq_run_add_done(const struct yq_settle *s, const char *run);

#endif
