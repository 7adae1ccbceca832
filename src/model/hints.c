/* Evidence that is kept: a member's, as JSON, while a person is asked about it.
 *
 *   {"waited_ms":60000,"gone_confirmed":true,"hints":[{"kind":"member.deleted","at":1767225600,"data":{}},…]}
 *
 * Reported fields are hints of the kind "unknown", which says nothing but its data: one each, since
 * each remembers when it was said. */
#include <inttypes.h>
#include <string.h>

#include "base/json.h"
#include "model/view.h"

struct writing {
    const struct yq_evidence *e;
    struct yq_buf *out;
    size_t count;
};

static void begin_hint(struct writing *w, enum yq_event_kind kind, int64_t at)
{
    yq_buf_addf(w->out, "%s{\"kind\":\"%s\",\"at\":%" PRId64 ",\"data\":{", w->count++ ? "," : "",
                yq_event_kind_name(kind), at);
}

static void write_time(struct writing *w, enum yq_event_kind kind, int64_t at)
{
    if (at == 0)
        return;
    begin_hint(w, kind, at);
    yq_buf_adds(w->out, "}}");
}

/* ---- what was said ---- */

static void write_departments(const struct yq_wecom_member *m, struct yq_buf *out)
{
    yq_buf_addc(out, '[');
    for (size_t i = 0; i < m->department_count; i++)
        yq_buf_addf(out, "%s%" PRIu32, i ? "," : "", m->departments[i]);
    yq_buf_addc(out, ']');
}

static void write_leaders(const struct yq_wecom_member *m, struct yq_buf *out)
{
    yq_buf_addc(out, '[');
    for (size_t i = 0; i < m->direct_leader_count; i++) {
        yq_buf_adds(out, i ? "," : "");
        yq_buf_add_json_string(out, m->direct_leaders[i]);
    }
    yq_buf_addc(out, ']');
}

static void write_value(const struct yq_wecom_member *m, enum yq_member_field field,
                        struct yq_buf *out)
{
    switch (field) {
    case YQ_FIELD_NAME:
        yq_buf_add_json_string(out, m->name);
        break;
    case YQ_FIELD_MOBILE:
        yq_buf_add_json_string(out, m->mobile);
        break;
    case YQ_FIELD_EMAIL:
        yq_buf_add_json_string(out, m->email);
        break;
    case YQ_FIELD_GENDER:
        yq_buf_add_json_string(out, m->gender);
        break;
    case YQ_FIELD_DEPARTMENTS:
        write_departments(m, out);
        break;
    case YQ_FIELD_MAIN_DEPARTMENT:
        yq_buf_addf(out, "%" PRIu32, m->main_department);
        break;
    case YQ_FIELD_STATUS:
        yq_buf_addf(out, "%d", m->status);
        break;
    case YQ_FIELD_DIRECT_LEADERS:
        write_leaders(m, out);
        break;
    case YQ_FIELD_LEADS: /* never reported */
    case YQ_MEMBER_FIELD_COUNT:
        break;
    }
}

static void write_reported(struct writing *w)
{
    const struct yq_wecom_member *m = w->e->reported_member;
    for (unsigned f = 0; m != NULL && f < YQ_MEMBER_FIELD_COUNT; f++) {
        if ((m->known & YQ_FIELD_BIT(f)) == 0)
            continue;
        begin_hint(w, YQ_EVENT_UNKNOWN, w->e->reported_at[f]);
        yq_buf_addf(w->out, "\"%s\":", yq_member_field_name((enum yq_member_field)f));
        write_value(m, (enum yq_member_field)f, w->out);
        yq_buf_adds(w->out, "}}");
    }
}

void yq_evidence_write(const struct yq_evidence *e, struct yq_buf *out)
{
    struct writing w = {e, out, 0};
    yq_buf_addf(out, "{\"waited_ms\":%" PRId64, e->waited_ms);
    if (e->reconciled)
        yq_buf_adds(out, ",\"reconciled\":true");
    if (e->gone_confirmed)
        yq_buf_adds(out, ",\"gone_confirmed\":true");
    yq_buf_adds(out, ",\"hints\":[");
    write_time(&w, YQ_EVENT_MEMBER_CREATED, e->created_at);
    write_time(&w, YQ_EVENT_MEMBER_UPDATED, e->updated_at);
    write_time(&w, YQ_EVENT_MEMBER_DELETED, e->deleted_at);
    write_time(&w, YQ_EVENT_MEMBER_ENTERED, e->entered_at);
    write_time(&w, YQ_EVENT_MEMBER_LEFT, e->left_at);
    if (e->commanded)
        write_time(&w, YQ_EVENT_COMMAND_SYNC, 1);
    write_reported(&w);
    yq_buf_adds(out, "]}");
}

/* ---- reading ---- */

static struct yq_evidence *add_hint(struct yq_view *v, const struct yq_subject *subject,
                                    const cJSON *hint, struct yq_error *err)
{
    enum yq_event_kind kind;
    int64_t at = 0;
    const cJSON *name = yq_json_get(hint, "kind");
    if (!cJSON_IsString(name) || yq_event_kind_parse(name->valuestring, &kind) < 0 ||
        !yq_json_int(hint, "at", &at)) {
        yq_error_set(err, YQ_ERROR_INVALID, "kept evidence: a hint is unusable");
        return NULL;
    }
    char *data = cJSON_PrintUnformatted(yq_json_get(hint, "data"));
    struct yq_evidence *e = yq_view_add_event(v, kind, subject, at, data, err);
    cJSON_free(data);
    return e;
}

struct yq_evidence *yq_view_recall(struct yq_view *v, struct yq_evidence *e, const cJSON *json,
                                   struct yq_error *err)
{
    const cJSON *hint;
    int64_t waited = 0;
    cJSON_ArrayForEach (hint, yq_json_get(json, "hints")) {
        if (e != NULL)
            e = add_hint(v, &e->subject, hint, err);
    }
    if (e == NULL)
        return NULL;
    if (yq_json_int(json, "waited_ms", &waited) && waited > e->waited_ms)
        e->waited_ms = waited;
    e->reconciled |= yq_json_bool(json, "reconciled", false);
    e->gone_confirmed |= yq_json_bool(json, "gone_confirmed", false);
    return e;
}

struct yq_evidence *yq_view_add_evidence(struct yq_view *v, const struct yq_subject *subject,
                                         const char *json, struct yq_error *err)
{
    cJSON *tree = yq_json_parse(json, strlen(json), err);
    if (tree == NULL)
        return NULL;
    /* said by nobody, so that there is evidence even without any hint */
    struct yq_evidence *e = yq_view_add_event(v, YQ_EVENT_UNKNOWN, subject, 0, NULL, err);
    e = e != NULL ? yq_view_recall(v, e, tree, err) : NULL;
    cJSON_Delete(tree);
    return e;
}
