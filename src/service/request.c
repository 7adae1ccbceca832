/* Handing events over to the reconciler. */
#include "request.h"

#include <string.h>

#include "base/json.h"
#include "clients/store_reconcile.h"

#define OWED_RANGE "the authorisation changed"
#define OWED_TAG "a tag changed"

static bool is_dry_run(const struct yq_delivery *d)
{
    cJSON *data = yq_json_parse(d->data, strlen(d->data), NULL);
    bool dry = yq_json_bool(data, "dry_run", false);
    cJSON_Delete(data);
    return dry;
}

static void add_restore(const struct yq_delivery *d, struct yq_buf *json)
{
    cJSON *data = yq_json_parse(d->data, strlen(d->data), NULL);
    const char *backup = cJSON_GetStringValue(yq_json_get(data, "restore"));
    yq_buf_adds(json, ",\"restore\":");
    yq_buf_add_json_string(json, backup != NULL && strlen(backup) < 24 ? backup : "?");
    cJSON_Delete(data);
}

static void want(const struct yq_settle *s, const struct yq_delivery *d, bool dry_run)
{
    char subject[YQ_SUBJECT_MAX];
    struct yq_buf json = YQ_BUF_INIT;
    yq_subject_format(&d->subject, subject);
    yq_buf_addf(&json, "{\"subject\":\"%s\",\"dry_run\":%s", subject, dry_run ? "true" : "false");
    if (d->kind == YQ_EVENT_COMMAND_SUPERIORS)
        add_restore(d, &json);
    if (d->kind == YQ_EVENT_COMMAND_REPLAY)
        yq_buf_adds(&json, ",\"replay\":true");
    yq_buf_addc(&json, '}');
    yq_store_want_reconcile(s->commit, s->keys, s->connection, d->entry, yq_buf_text(&json));
    yq_buf_release(&json);
}

/* Hands it over; false: it is for the engine. */
static bool hand_over(const struct yq_settle *s, const struct yq_delivery *d)
{
    if (d->broken)
        return false;
    int64_t now = yq_wall_ms(s->clock);
    switch (d->kind) {
    case YQ_EVENT_COMMAND_SYNC: {
        bool dry = is_dry_run(d);
        if (!dry && d->subject.kind != YQ_SUBJECT_ALL)
            return false;
        want(s, d, dry);
        return true;
    }
    case YQ_EVENT_COMMAND_SUPERIORS:
        want(s, d, false);
        return true;
    case YQ_EVENT_COMMAND_REPLAY:
        want(s, d, true);
        return true;
    case YQ_EVENT_AUTH_CHANGED:
    case YQ_EVENT_AUTH_CREATED:
        yq_store_add_owed(s->commit, s->keys, s->connection, OWED_RANGE, now);
        return true;
    case YQ_EVENT_TAG_UPDATED:
        yq_store_add_owed(s->commit, s->keys, s->connection, OWED_TAG, now);
        return true;
    default:
        return false;
    }
}

bool yq_request_reconcile(const struct yq_settle *s, struct yq_group *g)
{
    for (size_t i = 0; i < g->count;) {
        if (!hand_over(s, g->deliveries[i]))
            i++;
        else if (yq_settle_delivery(s, g, i))
            return true;
    }
    return false;
}
