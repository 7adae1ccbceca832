/* WeCom's answers to rows of a view, and its error codes to what to do about them (wecom.md §4,
 * §6). */
#ifndef YQ_MODEL_WECOM_CODEC_H
#define YQ_MODEL_WECOM_CODEC_H

#include <cjson/cJSON.h>

#include "base/error.h"
#include "model/view.h"

enum yq_wecom_class {
    YQ_WECOM_OK,
    YQ_WECOM_TOKEN,       /* T: refetch the token, retry once */
    YQ_WECOM_RETRY,       /* R */
    YQ_WECOM_LIMIT,       /* L: 45009 */
    YQ_WECOM_CONCURRENCY, /* C: 45033 */
    YQ_WECOM_ITEM,        /* F, D: for this subject only */
    YQ_WECOM_FATAL,       /* G, A: the whole connection */
};
enum yq_wecom_class yq_wecom_classify(int code);
/* errcode of an answer; 0 where it is missing (wecom.md §0.3); -2 where `reply` is no object. */
int yq_wecom_errcode(const cJSON *reply);

/* Fill one row from an object with the fields of user/get or department/get; only what is there
 * becomes known. A row whose id is missing or malformed is an INVALID error. The row of the view is
 * returned. */
struct yq_wecom_member *yq_wecom_read_member(struct yq_view *v, const cJSON *object,
                                             struct yq_error *err);
/* The same without a view, for whoever only looks at the row: its texts are borrowed from object,
 * the rest lives in arena. */
int yq_wecom_borrow_member(struct yq_arena *arena, const cJSON *object, struct yq_wecom_member *ret,
                           struct yq_error *err);
struct yq_wecom_department *yq_wecom_read_department(struct yq_view *v, const cJSON *object,
                                                     struct yq_error *err);

#endif
