/* Reading eteams' directory into a view, and writing rows to it (eteams.md §1, §2). */
#ifndef YQ_CLIENTS_ETEAMS_CLIENT_H
#define YQ_CLIENTS_ETEAMS_CLIENT_H

#include <stdbool.h>
#include <stddef.h>

#include "clients/peer.h"
#include "model/operation.h"
#include "model/view.h"

struct yq_eteams;

struct yq_eteams_options {
    const char *connection;                                 /* our id: goes into externalSyncId */
    const char *open_base, *corp_id, *app_key, *app_secret; /* copied; the secret wiped on free */
    bool superiors;               /* people are read with their superiors (eteams.md §2.7) */
    bool job_nums;                /* the listing of all people tells their job numbers */
    const char *static_token;     /* NULL or "": by code and token (eteams.md §1.3) */
    struct yq_http_options http;  /* borrowed; its headers carry extra_headers */
    struct yq_pace_budget budget; /* 10/s, 4 in flight; writes go one at a time (§2.1) */
    const struct yq_clock *clock;
    struct yq_peer_trace trace;
};

struct yq_eteams *yq_eteams_new(const struct yq_eteams_options *options);
void yq_eteams_free(struct yq_eteams *e);

/* As in wecom_client.h: rows get their fact, -1 only for what ends the run. Members are always
 * asked for with leavers (decisions.md 29). */
int yq_eteams_read_departments(struct yq_eteams *e, struct yq_http *h, struct yq_view *v,
                               const char *const *ids, size_t count, const struct yq_watch *watch,
                               struct yq_error *err);
/* Children of these departments, disabled ones too; sets their `children`. */
int yq_eteams_read_children(struct yq_eteams *e, struct yq_http *h, struct yq_view *v,
                            const char *const *ids, size_t count, const struct yq_watch *watch,
                            struct yq_error *err);
int yq_eteams_read_members(struct yq_eteams *e, struct yq_http *h, struct yq_view *v,
                           const char *const *ids, size_t count, const struct yq_watch *watch,
                           struct yq_error *err);
/* Answers these look-ups; the people found are added to the view. */
int yq_eteams_look_up(struct yq_eteams *e, struct yq_http *h, struct yq_view *v,
                      struct yq_lookup *const *lookups, size_t count, const struct yq_watch *watch,
                      struct yq_error *err);
int yq_eteams_read_posts(struct yq_eteams *e, struct yq_http *h, struct yq_view *v,
                         const char *const *ids, size_t count, const struct yq_watch *watch,
                         struct yq_error *err);
int yq_eteams_read_administrators(struct yq_eteams *e, struct yq_http *h, struct yq_view *v,
                                  const struct yq_watch *watch, struct yq_error *err);
/* All pages (eteams.md §2.6): sets eteams_members_complete / eteams_departments_complete only when
 * the count is right; refused snapshots are RETRY errors. The second also finds the root. */
int yq_eteams_list_members(struct yq_eteams *e, struct yq_http *h, struct yq_view *v,
                           const struct yq_watch *watch, struct yq_error *err);
int yq_eteams_list_departments(struct yq_eteams *e, struct yq_http *h, struct yq_view *v,
                               const struct yq_watch *watch, struct yq_error *err);
/* The one root that queryOrg shows; kept for the life of e. *ret lives in e. */
int yq_eteams_find_root(struct yq_eteams *e, struct yq_http *h, const struct yq_watch *watch,
                        const char **ret, struct yq_error *err);

enum yq_eteams_write {
    YQ_WRITE_DEPARTMENT, /* syncDepartment */
    YQ_WRITE_MEMBER,     /* syncEmployee */
    YQ_WRITE_POST,       /* syncExtra */
    YQ_WRITE_REHIRE,     /* rehireEmployee: only `id` of the row is used */
    YQ_WRITE_ENABLE,     /* enableDepartment: likewise */
    YQ_WRITE_DISABLE,    /* disableDepartment, or status 0 where that is missing: likewise */
};

/* The call that carries out operations of this kind; -1: none, it is about links alone. */
int yq_eteams_write_of(enum yq_operation_kind kind);
/* Its name, as eteams' documentation has it: "syncEmployee". */
const char *yq_eteams_write_name(enum yq_eteams_write kind);

/* One row: `json` is the object's inside, "\"id\":\"…\",\"name\":\"…\"", without our key. */
struct yq_eteams_row {
    const char *id; /* record id; NULL for an add */
    const char *json;
    /* after the call: */
    char new_id[24];       /* of what was added; "" otherwise */
    struct yq_error error; /* NONE = done. DONE codes count as done (with `already`); UNKNOWN: the
                              answer was lost, read back first; RETRY, REFUSED, LIMIT as they say;
                              code: the peer's row code */
    bool already;
    bool settled; /* all of this is final, though other rows may still be under way */
};

/* Writes the rows in calls of up to 100, one call after the other, in order. Row results are
 * matched by extKeyMap, then id, then position (eteams.md §2.3), the last only where a single row
 * is left over: an order that is only assumed must not decide which new id is whose. A row for
 * which none is found is UNKNOWN. 410002, and any refusal of a call as a whole, splits the call in
 * half, so that one bad row does not stop the others. After a call that failed in passing the rest
 * is not sent: RETRY. Returns -1 for LOST and FATAL, the rows then saying what became of each. */
int yq_eteams_write(struct yq_eteams *e, struct yq_http *h, enum yq_eteams_write kind,
                    struct yq_eteams_row *rows, size_t count, const char *run,
                    const struct yq_watch *watch, struct yq_error *err);

#endif
