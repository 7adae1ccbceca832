/* Rows written to eteams, up to a hundred a call, and what became of each (eteams.md §2.3, §2.11).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "eteams_inner.h"
#include "peer_text.h"

static const struct {
    const char *api;
    const char *rule; /* inside of dataRule; NULL: the call takes ids alone, as `datas` */
} kinds[] = {
    [YQ_WRITE_DEPARTMENT] = {ET_P_ORG_SYNC,
                             "\"" ET_RULE_ORG "\":\"id\",\"" ET_RULE_EMP "\":\"id\""},
    [YQ_WRITE_MEMBER] = {ET_P_EMP_SYNC, "\"" ET_RULE_EMP "\":\"id\",\"" ET_RULE_ORG
                                        "\":\"id\",\"" ET_RULE_POS "\":\"id\""},
    [YQ_WRITE_POST] = {ET_P_EXTRA_SYNC, "\"" ET_RULE_EMP "\":\"id\",\"" ET_RULE_ORG "\":\"id\""},
    [YQ_WRITE_REHIRE] = {ET_P_EMP_REHIRE, NULL},
    [YQ_WRITE_ENABLE] = {ET_P_ORG_ENABLE, NULL},
    [YQ_WRITE_DISABLE] = {ET_P_ORG_DISABLE, NULL},
};

int yq_eteams_write_of(enum yq_operation_kind kind)
{
    switch (kind) {
    case YQ_OP_DEPARTMENT_CREATE:
    case YQ_OP_DEPARTMENT_UPDATE:
        return YQ_WRITE_DEPARTMENT;
    case YQ_OP_DEPARTMENT_ENABLE:
        return YQ_WRITE_ENABLE;
    case YQ_OP_DEPARTMENT_DISABLE:
        return YQ_WRITE_DISABLE;
    case YQ_OP_MEMBER_CREATE:
    case YQ_OP_MEMBER_UPDATE:
    case YQ_OP_MEMBER_SUPERIORS:
    case YQ_OP_MEMBER_RESIGN:
        return YQ_WRITE_MEMBER;
    case YQ_OP_MEMBER_REHIRE:
        return YQ_WRITE_REHIRE;
    case YQ_OP_POST_ADD:
    case YQ_OP_POST_REMOVE:
        return YQ_WRITE_POST;
    default:
        return -1;
    }
}

const char *yq_eteams_write_name(enum yq_eteams_write kind)
{
    return strrchr(kinds[kind].api, '/') + 1;
}

struct write {
    struct yq_eteams *e;
    struct yq_http *h;
    enum yq_eteams_write kind;
    struct yq_eteams_row *rows; /* of this call */
    size_t count;
    const char *run;
    const struct yq_watch *watch;
};

/* ---- requests ---- */

static void write_rows(const struct write *w, struct yq_buf *out)
{
    yq_buf_adds(out, "{\"data\":[");
    for (size_t i = 0; i < w->count; i++)
        yq_buf_addf(out, "%s{%s,\"%s\":\"k%zu\"}", i ? "," : "", w->rows[i].json, ET_EXTKEY_NAME,
                    i);
    yq_buf_addf(out, "],\"dataRule\":{%s},\"extKey\":\"%s\"", kinds[w->kind].rule, ET_EXTKEY_NAME);
    if (w->run != NULL) {
        yq_buf_adds(out, ",\"apiTaskId\":");
        yq_buf_add_json_string(out, w->run);
    }
    yq_buf_addc(out, '}');
}

static void write_ids(const struct write *w, struct yq_buf *out)
{
    yq_buf_adds(out, "{\"datas\":[");
    for (size_t i = 0; i < w->count; i++)
        yq_buf_addf(out, "%s{\"id\":%s}", i ? "," : "", w->rows[i].id);
    yq_buf_adds(out, "]}");
}

/* ---- answers ---- */

static const cJSON *key_of(const cJSON *item)
{
    return yq_json_get(yq_json_get(item, ET_EXTKEY_MAP), ET_EXTKEY_NAME);
}

/* The row that our key in a result names; -1 if there is none, or not of this call. */
static int row_index(const struct write *w, const cJSON *item)
{
    const cJSON *key = key_of(item);
    int64_t n;
    if (!cJSON_IsString(key) || key->valuestring[0] != 'k')
        return -1;
    const char *digits = key->valuestring + 1;
    size_t len = strspn(digits, "0123456789");
    if (len == 0 || len > 6 || digits[len] != '\0')
        return -1;
    n = strtoll(digits, NULL, 10);
    return n < (int64_t)w->count ? (int)n : -1;
}

/* The id of a result; "" if there is none to be had. */
static const char *result_id(const cJSON *item, char buffer[32])
{
    const cJSON *id = yq_json_get(item, ET_ROW_ID);
    int64_t n;
    buffer[0] = '\0';
    if (cJSON_IsNumber(id) && yq_json_item_int(id, &n))
        (void)snprintf(buffer, 32, "%lld", (long long)n);
    else if (cJSON_IsString(id) && strlen(id->valuestring) < 24)
        (void)snprintf(buffer, 32, "%s", id->valuestring);
    return yq_eteams_is_id(buffer) ? buffer : "";
}

/* Pairs results with rows: by our key, then by id. */
static void pair_named(const struct write *w, const cJSON *list, const cJSON **results)
{
    const cJSON *item;
    cJSON_ArrayForEach (item, list) {
        int i = row_index(w, item);
        if (i >= 0 && results[i] == NULL)
            results[i] = item;
    }
    cJSON_ArrayForEach (item, list) {
        char buffer[32];
        const char *id = result_id(item, buffer);
        if (key_of(item) != NULL || *id == '\0')
            continue;
        for (size_t i = 0; i < w->count; i++) {
            if (results[i] == NULL && w->rows[i].id != NULL && strcmp(w->rows[i].id, id) == 0) {
                results[i] = item;
                break;
            }
        }
    }
}

/* By position, for the one row that is left over: with several, an order that is only assumed would
 * decide which new record belongs to whom. */
static void pair_last(const struct write *w, const cJSON *list, const cJSON **results)
{
    size_t left = 0, at = 0;
    for (size_t i = 0; i < w->count; i++) {
        if (results[i] == NULL) {
            left++;
            at = i;
        }
    }
    if (left != 1 || cJSON_GetArraySize(list) != (int)w->count)
        return;
    const cJSON *item = cJSON_GetArrayItem(list, (int)at);
    char buffer[32];
    const char *id = result_id(item, buffer);
    bool other = w->rows[at].id != NULL && *id != '\0' && strcmp(id, w->rows[at].id) != 0;
    if (!other && key_of(item) == NULL && cJSON_IsObject(item))
        results[at] = item;
}

/* A row that was refused, by its code. */
static void row_refused(const struct write *w, struct yq_eteams_row *row, int code,
                        const cJSON *item)
{
    const cJSON *message = yq_json_get(item, ET_ROW_ERRMSG);
    char words[YQ_WORDS_MAX];
    enum yq_error_kind kind = YQ_ERROR_REFUSED;
    yq_peer_words(cJSON_IsString(message) ? message->valuestring : "", words);
    switch (yq_eteams_classify(code)) {
    case YQ_ETEAMS_RETRY: /* an add may have happened all the same (eteams.md §3) */
        kind = row->id == NULL ? YQ_ERROR_UNKNOWN : YQ_ERROR_RETRY;
        break;
    case YQ_ETEAMS_SLOW:
    case YQ_ETEAMS_TOKEN:
        kind = YQ_ERROR_RETRY;
        break;
    default:
        break;
    }
    (void)yq_error_set(&row->error, kind, "%s: %d%s", yq_eteams_write_name(w->kind), code, words);
    row->error.code = code;
}

static void take_result(const struct write *w, struct yq_eteams_row *row, const cJSON *item)
{
    int64_t code = 0;
    const cJSON *said = yq_json_get(item, ET_ROW_ERRCODE);
    const cJSON *operate = yq_json_get(item, ET_ROW_OPERATE);
    bool failed = cJSON_IsString(operate) && strcmp(operate->valuestring, "fail") == 0;
    if (item == NULL || (said != NULL && !cJSON_IsNull(said) && !yq_json_item_int(said, &code) &&
                         !(cJSON_IsString(said) && *said->valuestring == '\0'))) {
        (void)yq_error_set(&row->error, YQ_ERROR_UNKNOWN, "%s: no result for this row",
                           yq_eteams_write_name(w->kind));
        return;
    }
    code = code < INT32_MIN || code > INT32_MAX ? INT32_MAX : code;
    if (yq_eteams_classify((int)code) == YQ_ETEAMS_DONE) {
        row->already = true;
    } else if (code != 0 || failed) {
        row_refused(w, row, (int)code, item);
    } else if (row->id == NULL) {
        char buffer[32];
        const char *id = result_id(item, buffer);
        if (*id != '\0')
            (void)snprintf(row->new_id, sizeof(row->new_id), "%.20s", id);
        else
            (void)yq_error_set(&row->error, YQ_ERROR_UNKNOWN, "%s: no id of what was added",
                               yq_eteams_write_name(w->kind));
    }
}

static void take_results(const struct write *w, const cJSON *reply)
{
    const cJSON *list = yq_json_get(reply, "data");
    const cJSON **results = yq_calloc(w->count, sizeof(const cJSON *));
    if (cJSON_IsArray(list)) {
        pair_named(w, list, results);
        pair_last(w, list, results);
    }
    for (size_t i = 0; i < w->count; i++)
        take_result(w, &w->rows[i], results[i]);
    free(results);
}

static void all_rows(struct yq_eteams_row *rows, size_t count, const struct yq_error *err)
{
    for (size_t i = 0; i < count; i++)
        rows[i].error = *err;
}

/* ---- one call ---- */

/* A departments' state as rows of syncDepartment, where there is no call of its own. */
static int disable_by_status(struct write *w, struct yq_error *err)
{
    struct yq_eteams_row *rows = yq_calloc(w->count, sizeof(*rows));
    char **texts = yq_calloc(w->count, sizeof(*texts));
    for (size_t i = 0; i < w->count; i++) {
        texts[i] = yq_printf("\"id\":\"%s\",\"status\":\"0\"", w->rows[i].id);
        rows[i] = (struct yq_eteams_row){.id = w->rows[i].id, .json = texts[i]};
    }
    int rc =
        yq_eteams_write(w->e, w->h, YQ_WRITE_DEPARTMENT, rows, w->count, w->run, w->watch, err);
    for (size_t i = 0; i < w->count; i++) {
        w->rows[i].error = rows[i].error;
        w->rows[i].already = rows[i].already;
        free(texts[i]);
    }
    free(texts);
    free(rows);
    return rc;
}

/* The request as a whole was refused and nothing was done: with fewer rows it may pass, and only
 * the bad one is refused in the end. */
static bool wants_split(const struct write *w, const struct yq_call *call)
{
    return w->count > 1 && call->error.kind == YQ_ERROR_REFUSED &&
           !yq_eteams_call_missing(&call->error) &&
           !cJSON_IsArray(yq_json_get(call->reply, "data"));
}

/* Sends the rows of w in one call. Returns how many rows were dealt with: 0 asks for a smaller
 * call; -1 for what ends the run. *ret_stop: leave the rest for later. */
static int send_call(struct write *w, bool *ret_stop, struct yq_error *err)
{
    if (w->kind == YQ_WRITE_DISABLE && !yq_eteams_has(w->e, YQ_CAP_DISABLE))
        return disable_by_status(w, err) < 0 ? -1 : (int)w->count;
    struct yq_buf body = YQ_BUF_INIT;
    (kinds[w->kind].rule ? write_rows : write_ids)(w, &body);
    struct yq_call call = {.api = kinds[w->kind].api, .body = yq_buf_text(&body), .write = true};
    int rc = yq_peer_run(w->e->peer, w->h, &call, 1, w->watch, err), dealt = (int)w->count;
    bool refused_rows = call.error.kind == YQ_ERROR_REFUSED &&
                        cJSON_IsArray(yq_json_get(call.reply, "data")) &&
                        cJSON_GetArraySize(yq_json_get(call.reply, "data")) > 0;
    if (rc < 0) {
        all_rows(w->rows, w->count, &call.error);
        dealt = -1;
    } else if (call.error.kind == YQ_ERROR_NONE || refused_rows) {
        take_results(w, call.reply);
    } else if (w->kind == YQ_WRITE_DISABLE && yq_eteams_call_missing(&call.error)) {
        yq_eteams_lacks(w->e, YQ_CAP_DISABLE);
        dealt = disable_by_status(w, err) < 0 ? -1 : dealt;
    } else if (wants_split(w, &call)) {
        dealt = 0;
    } else {
        bool done = yq_eteams_classify(call.error.code) == YQ_ETEAMS_DONE;
        w->rows[0].already = done && w->count == 1;
        if (!w->rows[0].already)
            all_rows(w->rows, w->count, &call.error);
        *ret_stop = call.error.kind != YQ_ERROR_REFUSED;
        if (call.error.kind == YQ_ERROR_FATAL) {
            dealt = -1;
            if (err != NULL)
                *err = call.error;
        }
    }
    yq_calls_release(&call, 1);
    yq_buf_release(&body);
    return dealt;
}

/* Rows whose id is none are not sent: they would break the whole call. */
static bool refuse_bad_ids(struct yq_eteams_row *rows, size_t count, enum yq_eteams_write kind)
{
    bool any = false;
    for (size_t i = 0; i < count; i++) {
        bool needed = kinds[kind].rule == NULL;
        rows[i].new_id[0] = '\0';
        rows[i].already = rows[i].settled = false;
        rows[i].error = (struct yq_error){0};
        if (rows[i].id == NULL ? needed : !yq_eteams_is_id(rows[i].id)) {
            (void)yq_error_set(&rows[i].error, YQ_ERROR_REFUSED, "not an id of eteams");
            any = true;
        }
    }
    return any;
}

/* The rest was not sent: nothing happened to it. */
static void leave_rest(struct yq_eteams_row *rows, size_t from, size_t count,
                       const struct yq_error *why)
{
    struct yq_error later = {0};
    (void)yq_error_set(&later, why->kind == YQ_ERROR_LIMIT ? YQ_ERROR_LIMIT : YQ_ERROR_RETRY,
                       "not sent: %.200s", why->text);
    later.wait_ms = why->wait_ms;
    all_rows(rows + from, count - from, &later);
}

/* As yq_eteams_write, for rows that may all be sent. */
static int write_all(struct write *w, struct yq_eteams_row *rows, size_t count,
                     struct yq_error *err)
{
    size_t size = ET_BATCH_ROWS;
    for (size_t at = 0; at < count;) {
        bool stop = false;
        w->rows = rows + at;
        w->count = count - at < size ? count - at : size;
        int dealt = send_call(w, &stop, err);
        if (dealt == 0) {
            size = (w->count + 1) / 2;
            continue;
        }
        for (size_t i = 0; i < w->count; i++)
            w->rows[i].settled = true;
        at += w->count;
        if (dealt < 0 || stop) {
            leave_rest(rows, at, count, &rows[at - 1].error);
            return dealt < 0 ? -1 : 0;
        }
    }
    return 0;
}

int yq_eteams_write(struct yq_eteams *e, struct yq_http *h, enum yq_eteams_write kind,
                    struct yq_eteams_row *rows, size_t count, const char *run,
                    const struct yq_watch *watch, struct yq_error *err)
{
    struct write w = {.e = e, .h = h, .kind = kind, .run = run, .watch = watch};
    if (!refuse_bad_ids(rows, count, kind))
        return write_all(&w, rows, count, err);
    struct yq_eteams_row *good = yq_calloc(count + 1, sizeof(*good));
    size_t used = 0;
    for (size_t i = 0; i < count; i++) {
        if (rows[i].error.kind == YQ_ERROR_NONE)
            good[used++] = rows[i];
    }
    int rc = write_all(&w, good, used, err);
    used = 0;
    for (size_t i = 0; i < count; i++) {
        if (rows[i].error.kind == YQ_ERROR_NONE)
            rows[i] = good[used++];
    }
    free(good);
    return rc;
}
