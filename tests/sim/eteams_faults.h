/* What shall go wrong, for how many calls and at which paths. */
#ifndef SIM_ETEAMS_FAULTS_H
#define SIM_ETEAMS_FAULTS_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"
#include "sim_http.h"

/* Where a fault can happen. */
enum et_fault_where {
    ET_AT_ANY,
    ET_AT_BUSINESS,  /* all that wants a token */
    ET_AT_AUTHORIZE, /* step 1 */
    ET_AT_TOKEN,     /* steps 2 and refresh */
    ET_AT_ROWS,      /* calls that write rows */
    ET_AT_QUERY,     /* paged calls */
    ET_AT_ASSUMED,   /* calls that perhaps do not exist */
};

#define ET_FAULTS(X)                                                                               \
    X(ERRCODE_NUMBER, errcode_number, ET_AT_ANY)                                                   \
    X(ONLY_ACESSTOKEN, only_acesstoken, ET_AT_TOKEN)                                               \
    X(JSON_TOKEN_REFUSED, json_token_refused, ET_AT_TOKEN)                                         \
    X(STATE_REQUIRED, state_required, ET_AT_AUTHORIZE)                                             \
    X(ROWS_MISSING, rows_missing, ET_AT_ROWS)                                                      \
    X(EXTKEYMAP_MISSING, extkeymap_missing, ET_AT_ROWS)                                            \
    X(ROWS_SHUFFLED, rows_shuffled, ET_AT_ROWS)                                                    \
    X(ROW_FAILED, row_failed, ET_AT_ROWS)                                                          \
    X(TOTAL_CHANGES, total_changes, ET_AT_QUERY)                                                   \
    X(DUPLICATE_ROW, duplicate_row_across_pages, ET_AT_QUERY)                                      \
    X(HALF_PAGE, half_page, ET_AT_QUERY)                                                           \
    X(EMPTY_PAGE, empty_page, ET_AT_QUERY)                                                         \
    X(REFUSED_PAGE, refused_page, ET_AT_QUERY)                                                     \
    X(TOKEN_DEAD_TOP, token_dead_top, ET_AT_BUSINESS)                                              \
    X(TOKEN_DEAD_MESSAGE, token_dead_message, ET_AT_BUSINESS)                                      \
    X(HTTP_401, http_401, ET_AT_BUSINESS)                                                          \
    X(HTTP_404, http_404, ET_AT_ANY)                                                               \
    X(HTTP_429, http_429, ET_AT_ANY)                                                               \
    X(HTTP_500, http_500, ET_AT_ANY)                                                               \
    X(HTTP_502, http_502, ET_AT_ANY)                                                               \
    X(HTTP_503, http_503, ET_AT_ANY)                                                               \
    X(HTTP_504, http_504, ET_AT_ANY)                                                               \
    X(SLOW, slow, ET_AT_ANY)                                                                       \
    X(CUT, cut, ET_AT_ANY)                                                                         \
    X(LOST_ANSWER, lost_answer, ET_AT_ANY)                                                         \
    X(RATE, rate, ET_AT_BUSINESS)                                                                  \
    X(INTERNAL, internal, ET_AT_BUSINESS)                                                          \
    X(GARBAGE, garbage, ET_AT_ANY)                                                                 \
    X(HTML, html, ET_AT_ANY)                                                                       \
    X(TRUNCATED, truncated, ET_AT_ANY)                                                             \
    X(MISSING_ENDPOINT, missing_endpoint, ET_AT_ASSUMED)                                           \
    X(NUL_ESCAPE, nul_escape, ET_AT_ANY)

#define ET_NUMBER(id, name, where) ET_FAULT_##id,
enum et_fault_kind { ET_FAULT_NONE, ET_FAULTS(ET_NUMBER) ET_FAULT_KINDS };
#undef ET_NUMBER

/* One rule: the next `count` calls of that path after `skip` others. */
struct et_fault_rule {
    char *path; /* "*" = all */
    enum et_fault_kind kind;
    int64_t count; /* negative = for ever */
    int64_t skip;
    int64_t delay_ms;
};

struct et_faults {
    struct et_fault_rule *rules;
    size_t count, capacity;
    unsigned rate_percent; /* besides the rules: so many of all calls */
    bool rate_kind[ET_FAULT_KINDS];
    struct sim_random random;
    uint64_t hits[ET_FAULT_KINDS];
};

/* What one call meets. The call sets hit when the fault really happened; only then is it used up.
 */
struct et_fault {
    enum et_fault_kind kind;
    struct et_fault_rule *rule; /* NULL when it came by rate */
    int64_t delay_ms;
    bool hit;
};

/* Is the call at that place (one of ET_AT_…) one for this fault? */
struct et_fault et_faults_pick(struct et_faults *f, const char *path, const bool *places);
void et_faults_settle(struct et_faults *f, const struct et_fault *fault);

/* {"path","kind","count","skip","delay_ms"}, {"rate_percent","kinds","seed"} or {"clear":true}. */
int et_faults_configure(struct et_faults *f, const cJSON *json, struct yq_error *err);
/* {"hits":{kind:n,…},"rules":[…],"rate_percent":n} */
void et_faults_print(const struct et_faults *f, struct yq_buf *out);
void et_faults_clear(struct et_faults *f);

#endif
