/* Superiors put back from a backup, field by field. */
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "clients/store_inspect.h"
#include "reconcile.h"
#include "service/log.h"
#include "superior_writes.h"

#define READINGS 3 /* of everybody, before what could not be put back is left as it is */

struct restore {
    struct yq_reconcile *r;
    char backup[24];
    struct yq_superior_rows kept; /* the backup */
    struct yq_superior_rows now;  /* eteams */
    size_t unsettled;
};

static int refuse(struct yq_reconcile *r, enum yq_reason_code code, const char *arg)
{
    r->refused = (struct yq_reason){.code = code, .args = {arg}};
    return 0;
}

/* ---- the backup ---- */

static int choose(struct restore *s, bool *ret_there, struct yq_error *err)
{
    struct yq_reconcile *r = s->r;
    struct yq_pairs all = {0};
    bool newest = strcmp(r->restore, "newest") == 0;
    *ret_there = false;
    if (yq_store_read_hash(r->c->redis, r->c->keys, r->id, "superiors:backups", &all, err) < 0)
        return -1;
    for (size_t i = 0; i < all.count; i++) {
        const char *name = all.items[i].name;
        bool this = newest ? atoll(name) > atoll(s->backup) : strcmp(name, r->restore) == 0;
        if (this)
            (void)strncpy(s->backup, name, sizeof(s->backup) - 1);
        *ret_there |= this;
    }
    yq_pairs_release(&all);
    return 0;
}

static int compare(const void *left, const void *right)
{
    const struct yq_superior_row *a = left, *b = right;
    return strcmp(a->id, b->id);
}

static const char *copy(struct restore *s, const cJSON *json, const char *name)
{
    const char *text = cJSON_GetStringValue(yq_json_get(json, name));
    return text != NULL && *text != '\0' ? yq_arena_strdup(s->kept.arena, text) : "";
}

static int load(struct restore *s, struct yq_error *err)
{
    struct yq_reconcile *r = s->r;
    struct yq_pairs all = {0};
    char *name = yq_printf("superiors:backup:%s", s->backup);
    int rc = yq_store_read_hash(r->c->redis, r->c->keys, r->id, name, &all, err);
    free(name);
    s->kept.arena = yq_arena_new();
    s->kept.rows = yq_calloc(all.count + 1, sizeof(*s->kept.rows));
    for (size_t i = 0; i < all.count; i++) {
        const char *text = all.items[i].value;
        cJSON *json = yq_json_parse(text, strlen(text), NULL);
        s->kept.rows[s->kept.count++] =
            (struct yq_superior_row){.id = yq_arena_strdup(s->kept.arena, all.items[i].name),
                                     .superior = copy(s, json, "superior"),
                                     .others = copy(s, json, "other_superior")};
        cJSON_Delete(json);
    }
    if (s->kept.count > 1)
        qsort(s->kept.rows, s->kept.count, sizeof(*s->kept.rows), compare);
    yq_pairs_release(&all);
    return rc;
}

/* ---- putting back ---- */

/* Whoever has left meanwhile can be nobody's superior. */
static const char *still_there(const struct restore *s, const char *id)
{
    return *id == '\0' || yq_superior_rows_find(&s->now, id) != NULL ? id : "";
}

static const char *others_still_there(struct restore *s, const char *others)
{
    struct yq_buf ids = YQ_BUF_INIT;
    for (const char *id = others; *id != '\0';) {
        size_t len = strcspn(id, ",");
        const char *one = yq_arena_printf(s->now.arena, "%.*s", (int)len, id);
        if (*still_there(s, one) != '\0')
            yq_buf_addf(&ids, "%s%s", ids.len > 0 ? "," : "", one);
        id += len + (id[len] == ',');
    }
    const char *text = yq_arena_strdup(s->now.arena, yq_buf_text(&ids));
    yq_buf_release(&ids);
    return text;
}

/* First all who have another superior let go of him, so that no ring stands meanwhile; then what
 * was kept is set. Who is not in the backup joined later, and stays as he is. */
static int put_back(struct restore *s, bool clear, struct yq_error *err)
{
    struct yq_superior_writes w = {
        .r = s->r, .reason = {.code = YQ_REASON_SUPERIOR_RESTORED, .args = {s->backup}}};
    for (size_t i = 0; i < s->kept.count; i++) {
        const struct yq_superior_row *kept = &s->kept.rows[i];
        const struct yq_superior_row *now = yq_superior_rows_find(&s->now, kept->id);
        if (now == NULL)
            continue;
        const char *superior = still_there(s, kept->superior);
        const char *others = others_still_there(s, kept->others);
        bool differs = strcmp(superior, now->superior) != 0;
        bool others_differ = strcmp(others, now->others) != 0;
        if (clear)
            yq_superior_writes_add(&w, now, differs && now->superior[0] ? "" : NULL, NULL);
        else
            yq_superior_writes_add(&w, now, differs ? superior : NULL,
                                   others_differ ? others : NULL);
    }
    yq_reconcile_phase(s->r, "superiors", w.count);
    int rc = yq_superior_writes_run(&w, err);
    s->unsettled = w.unsettled;
    yq_superior_writes_release(&w);
    return rc;
}

static int pass(struct restore *s, bool clear, struct yq_error *err)
{
    struct yq_reconcile *r = s->r;
    int rc = -1;
    s->unsettled = 1;
    for (int reading = 0; reading < READINGS && s->unsettled > 0; reading++) {
        if (yq_eteams_list_superiors(r->connection->eteams, r->c->http, &s->now, &r->watch, err) <
            0)
            return -1;
        rc = put_back(s, clear, err);
        yq_superior_rows_release(&s->now);
        if (rc < 0)
            return -1;
    }
    if (s->unsettled > 0)
        return yq_error_set(err, YQ_ERROR_RETRY, "superiors: %zu people could not be put back yet",
                            s->unsettled);
    return 0;
}

int yq_reconcile_restore(struct yq_reconcile *r, struct yq_error *err)
{
    struct restore s = {.r = r};
    char *state = NULL;
    bool there = false;
    if (yq_store_read_text(r->c->redis, r->c->keys, r->id, "superiors", "state", &state, err) < 0 ||
        choose(&s, &there, err) < 0)
        return -1;
    bool on = state != NULL || r->connection->settings->policy.superiors;
    free(state);
    if (on)
        return refuse(r, YQ_REASON_SUPERIORS_ON, NULL);
    if (!there)
        return refuse(r, YQ_REASON_NO_BACKUP, r->restore);
    int rc = load(&s, err);
    if (rc == 0)
        rc = pass(&s, true, err);
    if (rc == 0)
        rc = pass(&s, false, err);
    if (rc == 0)
        yq_log(YQ_LOG_INFO, "superiors.restored", "connection", r->id, "backup", s.backup, "people",
               yq_log_int((long long)r->counts.superiors), NULL);
    yq_superior_rows_release(&s.kept);
    return rc;
}
