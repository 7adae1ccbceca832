/* Who in eteams has this account, mobile, e-mail or job number (eteams.md §2.4), or name (§1.7). */
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "eteams_inner.h"

#define VALUES_MAX 100 /* per call */
#define HITS_EACH 10   /* more than that is an answer to another question */

/* One question: for a few look-ups of one field. */
struct question {
    struct yq_view *v;
    enum yq_lookup_field field;
    struct yq_lookup *const *lookups;
    size_t count;
};

static const char *value_of(const struct yq_eteams_member *m, enum yq_lookup_field field)
{
    switch (field) {
    case YQ_BY_ACCOUNT:
        return m->account;
    case YQ_BY_MOBILE:
        return m->mobile;
    case YQ_BY_EMAIL:
        return m->email;
    case YQ_BY_NAME:
        return m->name;
    case YQ_BY_JOB_NUM:
    case YQ_LOOKUP_COUNT:
        break;
    }
    return m->job_num;
}

/* Reading a row makes the person findable by value. One that came without the very value that was
 * asked for would be lost: for an account we know what it must be, else nobody can be told absent.
 */
static int hit_row(void *context, const cJSON *row, struct yq_error *err)
{
    struct question *q = context;
    struct yq_eteams_member *m = yq_eteams_read_member(q->v, row, err);
    if (m == NULL)
        return -1;
    if (*value_of(m, q->field) != '\0' || !m->in_service || m->secondary)
        return 0;
    if (q->field != YQ_BY_ACCOUNT)
        return yq_error_set(err, YQ_ERROR_RETRY,
                            "queryEmployee: a person was found by a value that is not shown");
    m->account = q->lookups[0]->value;
    yq_view_index_member(q->v, m);
    return 0;
}

/* A Chinese mobile may stand in eteams with its country code (decisions.md 5). */
static bool is_chinese_mobile(const char *value)
{
    return strlen(value) == 11 && value[0] == '1' && strspn(value, "0123456789") == 11;
}

static void write_mobiles(struct yq_buf *out, struct yq_lookup *const *lookups, size_t count)
{
    const char **values = yq_calloc(2 * count, sizeof(*values));
    char **longer = yq_calloc(count, sizeof(*longer));
    size_t used = 0;
    for (size_t i = 0; i < count; i++) {
        values[used++] = lookups[i]->value;
        if (is_chinese_mobile(lookups[i]->value))
            values[used++] = longer[i] = yq_printf("+86%s", lookups[i]->value);
    }
    yq_query_list(out, "mobileList", values, used, false);
    for (size_t i = 0; i < count; i++)
        free(longer[i]);
    free(longer);
    free(values);
}

/* Userids are compared without case (decisions.md 3), job numbers by eteams exactly: asked for in
 * both spellings. */
static void write_job_nums(struct yq_buf *out, struct yq_lookup *const *lookups, size_t count)
{
    const char **values = yq_calloc(2 * count, sizeof(*values));
    size_t used = 0;
    for (size_t i = 0; i < count; i++) {
        values[used++] = lookups[i]->value;
        if (strcmp(lookups[i]->asked, lookups[i]->value) != 0)
            values[used++] = lookups[i]->asked;
    }
    yq_query_list(out, "jobNumList", values, used, false);
    free(values);
}

static void write_values(struct yq_buf *out, const char *name, struct yq_lookup *const *lookups,
                         size_t count)
{
    const char **values = yq_calloc(count, sizeof(*values));
    for (size_t i = 0; i < count; i++)
        values[i] = lookups[i]->value;
    yq_query_list(out, name, values, count, false);
    free(values);
}

static void write_one(struct yq_buf *out, const char *name, const char *value)
{
    yq_buf_add_json_string(out, name);
    yq_buf_addc(out, ':');
    yq_buf_add_json_string(out, value);
}

static void write_question(const struct yq_eteams *e, struct yq_buf *out, const struct question *q,
                           bool email_list)
{
    switch (q->field) {
    case YQ_BY_ACCOUNT:
        write_one(out, ET_F_ACCOUNT, q->lookups[0]->value);
        break;
    case YQ_BY_MOBILE:
        write_mobiles(out, q->lookups, q->count);
        break;
    case YQ_BY_EMAIL:
        if (email_list)
            write_values(out, "accurateEmailList", q->lookups, q->count);
        else
            write_one(out, "accurateEmailList", q->lookups[0]->value);
        break;
    case YQ_BY_NAME: /* brings longer ones, too */
        write_values(out, "nameLikeList", q->lookups, q->count);
        break;
    case YQ_BY_JOB_NUM:
    case YQ_LOOKUP_COUNT:
        write_job_nums(out, q->lookups, q->count);
    }
    yq_query_people(e, out, false);
}

static size_t values_per_call(enum yq_lookup_field field, bool email_list)
{
    switch (field) {
    case YQ_BY_MOBILE:
    case YQ_BY_JOB_NUM:
        return VALUES_MAX / 2; /* each in two forms */
    case YQ_BY_EMAIL:
        return email_list ? VALUES_MAX : 1;
    default:
        return 1;
    }
}

static void settle(struct yq_view *v, struct yq_lookup *l, const struct yq_error *why)
{
    l->fact = why->kind == YQ_ERROR_NONE ? YQ_PRESENT : YQ_UNREADABLE;
    l->error = why->kind == YQ_ERROR_NONE ? NULL : yq_view_error(v, why);
}

/* 0: however many. Of one name there may be hundreds; and whoever else an answer brings is not
 * taken for one of them. */
static int64_t most_rows(const struct question *q)
{
    return q->field == YQ_BY_NAME ? 0 : (int64_t)q->count * HITS_EACH + HITS_EACH;
}

struct questions {
    struct yq_query *queries;
    struct question *of;
    size_t count;
};

/* Adds the questions for the look-ups of one field that `wanted` names. */
static void add_field(const struct yq_eteams *e, struct yq_view *v, struct questions *to,
                      struct yq_lookup *const *lookups, size_t count, bool email_list)
{
    for (size_t at = 0; at < count;) {
        size_t size = values_per_call(lookups[0]->field, email_list);
        size = size < count - at ? size : count - at;
        struct question *q = &to->of[to->count];
        *q = (struct question){v, lookups[0]->field, lookups + at, size};
        to->queries[to->count] = (struct yq_query){.api = ET_P_EMP_QUERY,
                                                   .key = ET_ROW_ID,
                                                   .most = most_rows(q),
                                                   .row = hit_row,
                                                   .context = q};
        write_question(e, &to->queries[to->count++].head, q, email_list);
        at += size;
    }
}

/* Runs the questions and settles their look-ups. *ret_email_refused: the array of e-mails was. */
static int ask(struct yq_eteams *e, struct yq_http *h, struct questions *qs,
               bool *ret_email_refused, const struct yq_watch *watch, struct yq_error *err)
{
    int rc = yq_query_run(e, h, qs->queries, qs->count, watch, err);
    *ret_email_refused = false;
    for (size_t i = 0; i < qs->count; i++) {
        const struct question *q = &qs->of[i];
        for (size_t n = 0; n < q->count; n++)
            settle(q->v, q->lookups[n], &qs->queries[i].error);
        if (q->field == YQ_BY_EMAIL && yq_eteams_call_refused(&qs->queries[i].error))
            *ret_email_refused = true;
    }
    if (rc == 0)
        rc = yq_query_fatal(qs->queries, qs->count, err);
    for (size_t i = 0; i < qs->count; i++)
        yq_buf_release(&qs->queries[i].head);
    qs->count = 0;
    return rc;
}

int yq_eteams_look_up(struct yq_eteams *e, struct yq_http *h, struct yq_view *v,
                      struct yq_lookup *const *lookups, size_t count, const struct yq_watch *watch,
                      struct yq_error *err)
{
    struct yq_lookup **sorted = yq_calloc(count + 1, sizeof(*sorted));
    struct questions qs = {yq_calloc(count + 1, sizeof(*qs.queries)),
                           yq_calloc(count + 1, sizeof(*qs.of)), 0};
    size_t used = 0, email_from = 0, email_count = 0;
    bool email_list = yq_eteams_has(e, YQ_CAP_EMAIL_LIST), refused = false;
    for (int f = 0; f < YQ_LOOKUP_COUNT; f++) {
        size_t from = used;
        for (size_t i = 0; i < count; i++) {
            if (lookups[i]->field == (enum yq_lookup_field)f)
                sorted[used++] = lookups[i];
        }
        if (f == YQ_BY_EMAIL) {
            email_from = from;
            email_count = used - from;
        }
        if (used > from)
            add_field(e, v, &qs, sorted + from, used - from, email_list);
    }
    int rc = ask(e, h, &qs, &refused, watch, err);
    if (rc == 0 && refused && email_list) {
        add_field(e, v, &qs, sorted + email_from, email_count, false);
        rc = ask(e, h, &qs, &refused, watch, err);
        if (rc == 0 && !refused)
            yq_eteams_lacks(e, YQ_CAP_EMAIL_LIST);
    }
    free(qs.queries);
    free(qs.of);
    free(sorted);
    return rc;
}
