/* eteams' answers to rows of a view, operations to rows of a request, and error codes to what to do
 * about them (eteams.md §1.4, §2, §3). */
#ifndef YQ_CLIENTS_ETEAMS_CODEC_H
#define YQ_CLIENTS_ETEAMS_CODEC_H

#include <cjson/cJSON.h>
#include <stdbool.h>

#include "base/buf.h"
#include "base/error.h"
#include "model/operation.h"
#include "model/view.h"

enum yq_eteams_class {
    YQ_ETEAMS_OK,
    YQ_ETEAMS_DONE, /* the goal is already reached */
    YQ_ETEAMS_TOKEN,
    YQ_ETEAMS_RETRY,
    YQ_ETEAMS_ROW,
    YQ_ETEAMS_SLOW,
    YQ_ETEAMS_SPLIT,   /* 410002 */
    YQ_ETEAMS_MISSING, /* no such interface */
    YQ_ETEAMS_FATAL,
};
enum yq_eteams_class yq_eteams_classify(int code);
/* message.errcode, else errcode, else code, as string or number; -2 where there is none. *ret_text
 * (may be NULL) borrows the message. */
int yq_eteams_errcode(const cJSON *reply, const char **ret_text);

struct yq_eteams_member *yq_eteams_read_member(struct yq_view *v, const cJSON *object,
                                               struct yq_error *err);
/* The same without a view, for whoever only looks at the row: its texts are borrowed from object,
 * the rest lives in arena. */
int yq_eteams_borrow_member(struct yq_arena *arena, const cJSON *object,
                            struct yq_eteams_member *ret, struct yq_error *err);
struct yq_eteams_department *yq_eteams_read_department(struct yq_view *v, const cJSON *object,
                                                       struct yq_error *err);

/* The inside of a request row for an operation: "\"id\":…,\"username\":…". department: eteams id
 * that the operation's ref resolved to (NULL where it has none). Not for REHIRE, ENABLE, DISABLE,
 * LINK, UNLINK. MEMBER_RESIGN gives the row of eteams.md §2.4; POST_* rows need `connection` for
 * externalSyncId. */
void yq_eteams_write_row(const struct yq_operation *op, const char *target, const char *department,
                         const char *connection, struct yq_buf *out);
/* "yq-CONNECTION-EMPLOYEE-DEPARTMENT" (eteams.md §2.5). */
void yq_eteams_external_id(const char *connection, const char *employee, const char *department,
                           struct yq_buf *out);

#endif
