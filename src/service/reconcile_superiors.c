/* The superior switch (S2; eteams.md §2.7): kept first, cleared, then written by the engine, then
 * locked; and back. Each step is written down before the next begins, and may be repeated. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "clients/store.h"
#include "clients/store_inspect.h"
#include "reconcile.h"
#include "service/log.h"
#include "superior_writes.h"

#define KEEP_BACKUPS 3
#define READINGS 3 /* of everybody, before what is still not cleared is left to the next run */
#define BACKUP_ROWS 2000 /* of one commit */

enum state { OFF, KEEPING, CLEARING, ON };

struct superiors {
    struct yq_reconcile *r;
    enum state state;
    char backup[24]; /* milliseconds: the name of the one that this taking over made */
    bool locked;     /* or there is no such lock */
};

/* ---- what is written down ---- */

static const char *key_of(const struct yq_reconcile *r, const char *name, char out[YQ_KEY_MAX])
{
    return yq_key(r->c->keys, r->id, name, out);
}

static const char *backup_key(const struct yq_reconcile *r, const char *backup,
                              char out[YQ_KEY_MAX])
{
    char name[64];
    (void)snprintf(name, sizeof(name), "superiors:backup:%s", backup);
    return key_of(r, name, out);
}

static int commit(struct yq_reconcile *r, struct yq_commit *c, struct yq_error *err)
{
    int rc = yq_lease_commit(r->c->redis, r->c->keys, &r->own, c, err);
    yq_commit_free(c);
    return rc;
}

static int load(struct superiors *s, struct yq_error *err)
{
    static const char *const names[] = {"", "keeping", "clearing", "on"};
    struct yq_pairs hash = {0};
    if (yq_store_read_hash(s->r->c->redis, s->r->c->keys, s->r->id, "superiors", &hash, err) < 0)
        return -1;
    const char *state = yq_pairs_get(&hash, "state"), *backup = yq_pairs_get(&hash, "backup");
    for (int i = KEEPING; state != NULL && i <= ON; i++) {
        if (strcmp(names[i], state) == 0)
            s->state = (enum state)i;
    }
    (void)snprintf(s->backup, sizeof(s->backup), "%s", backup != NULL ? backup : "");
    s->locked = yq_pairs_get(&hash, "locked") != NULL;
    yq_pairs_release(&hash);
    return 0;
}

static void put(struct superiors *s, struct yq_commit *c, const char *field, const char *value)
{
    char key[YQ_KEY_MAX];
    yq_commit_add(c, "HSET", key_of(s->r, "superiors", key), field, value, NULL);
}

static const char *now_text(const struct yq_reconcile *r, char out[24])
{
    (void)snprintf(out, 24, "%" PRId64, yq_wall_ms(r->c->clock));
    return out;
}

static void note_attempt(struct superiors *s)
{
    char now[24];
    struct yq_commit *c = yq_commit_new();
    put(s, c, "tried", now_text(s->r, now));
    (void)commit(s->r, c, NULL); /* a hint: when it is due again */
}

static void forget_attempt(const struct superiors *s, struct yq_commit *c)
{
    char key[YQ_KEY_MAX];
    yq_commit_add(c, "HDEL", key_of(s->r, "superiors", key), "tried", NULL);
}

static int list(struct yq_reconcile *r, struct yq_superior_rows *ret, struct yq_error *err)
{
    return yq_eteams_list_superiors(r->connection->eteams, r->c->http, ret, &r->watch, err);
}

static bool has_any(const struct yq_superior_row *row)
{
    return row->superior[0] != '\0' || row->others[0] != '\0';
}

/* ---- keeping ---- */

static int begin_keeping(struct superiors *s, struct yq_error *err)
{
    char key[YQ_KEY_MAX], now[24];
    struct yq_commit *c = yq_commit_new();
    if (s->backup[0] == '\0')
        (void)now_text(s->r, s->backup);
    put(s, c, "state", "keeping");
    put(s, c, "backup", s->backup);
    put(s, c, "since", now_text(s->r, now));
    yq_commit_add(c, "DEL", backup_key(s->r, s->backup, key), NULL);
    return commit(s->r, c, err);
}

static int keep_rows(struct superiors *s, const struct yq_superior_rows *rows, struct yq_error *err)
{
    char key[YQ_KEY_MAX];
    (void)backup_key(s->r, s->backup, key);
    for (size_t i = 0; i < rows->count;) {
        struct yq_commit *c = yq_commit_new();
        for (size_t n = 0; n < BACKUP_ROWS && i < rows->count; n++, i++) {
            struct yq_buf json = YQ_BUF_INIT;
            yq_buf_addf(&json, "{\"superior\":\"%s\",\"other_superior\":\"%s\"}",
                        rows->rows[i].superior, rows->rows[i].others);
            yq_commit_add(c, "HSET", key, rows->rows[i].id, yq_buf_text(&json), NULL);
            yq_buf_release(&json);
        }
        if (commit(s->r, c, err) < 0)
            return -1;
    }
    return 0;
}

/* The oldest beyond what is kept go. */
static int drop_old_backups(struct superiors *s, struct yq_commit *c, struct yq_error *err)
{
    char index[YQ_KEY_MAX], key[YQ_KEY_MAX];
    struct yq_pairs all = {0};
    if (yq_store_read_hash(s->r->c->redis, s->r->c->keys, s->r->id, "superiors:backups", &all,
                           err) < 0)
        return -1;
    for (size_t i = 0; i < all.count; i++) {
        size_t newer = 0;
        for (size_t k = 0; k < all.count; k++)
            newer += atoll(all.items[k].name) > atoll(all.items[i].name);
        if (newer + 1 < KEEP_BACKUPS || strcmp(all.items[i].name, s->backup) == 0)
            continue;
        yq_commit_add(c, "DEL", backup_key(s->r, all.items[i].name, key), NULL);
        yq_commit_add(c, "HDEL", key_of(s->r, "superiors:backups", index), all.items[i].name, NULL);
    }
    yq_pairs_release(&all);
    return 0;
}

static int end_keeping(struct superiors *s, const struct yq_superior_rows *rows,
                       struct yq_error *err)
{
    char index[YQ_KEY_MAX];
    size_t some = 0;
    struct yq_buf json = YQ_BUF_INIT;
    struct yq_commit *c = yq_commit_new();
    for (size_t i = 0; i < rows->count; i++)
        some += has_any(&rows->rows[i]);
    yq_buf_addf(&json, "{\"people\":%zu,\"with\":%zu,\"run\":\"%s\"}", rows->count, some,
                s->r->run);
    yq_commit_add(c, "HSET", key_of(s->r, "superiors:backups", index), s->backup,
                  yq_buf_text(&json), NULL);
    yq_buf_release(&json);
    put(s, c, "state", "clearing");
    if (drop_old_backups(s, c, err) < 0) {
        yq_commit_free(c);
        return -1;
    }
    s->state = CLEARING;
    yq_log(YQ_LOG_INFO, "superiors.kept", "connection", s->r->id, "backup", s->backup, "people",
           yq_log_int((long long)rows->count), "with", yq_log_int((long long)some), NULL);
    return commit(s->r, c, err);
}

static int keep(struct superiors *s, struct yq_error *err)
{
    struct yq_superior_rows rows = {0};
    yq_reconcile_phase(s->r, "superiors", 0);
    if (begin_keeping(s, err) < 0 || list(s->r, &rows, err) < 0)
        return -1;
    int rc = keep_rows(s, &rows, err);
    if (rc == 0)
        rc = end_keeping(s, &rows, err);
    yq_superior_rows_release(&rows);
    return rc;
}

/* ---- clearing ---- */

static int clear_once(struct superiors *s, const struct yq_superior_rows *rows, size_t *ret_left,
                      struct yq_error *err)
{
    struct yq_superior_writes w = {
        .r = s->r, .reason = {.code = YQ_REASON_SUPERIOR_CLEARED, .args = {s->backup}}};
    for (size_t i = 0; i < rows->count; i++) {
        const struct yq_superior_row *row = &rows->rows[i];
        if (has_any(row))
            yq_superior_writes_add(&w, row, row->superior[0] ? "" : NULL,
                                   row->others[0] ? "" : NULL);
    }
    yq_reconcile_phase(s->r, "superiors", w.count);
    int rc = yq_superior_writes_run(&w, err);
    *ret_left = w.unsettled;
    yq_superior_writes_release(&w);
    return rc;
}

static int clear(struct superiors *s, struct yq_error *err)
{
    size_t left = 1;
    for (int reading = 0; reading < READINGS && left > 0; reading++) {
        struct yq_superior_rows rows = {0};
        if (list(s->r, &rows, err) < 0)
            return -1;
        int rc = clear_once(s, &rows, &left, err);
        yq_superior_rows_release(&rows);
        if (rc < 0)
            return -1;
    }
    if (left > 0)
        return yq_error_set(err, YQ_ERROR_RETRY, "superiors: %zu people could not be cleared yet",
                            left);
    struct yq_commit *c = yq_commit_new();
    forget_attempt(s, c);
    put(s, c, "state", "on");
    s->state = ON;
    yq_log(YQ_LOG_INFO, "superiors.on", "connection", s->r->id, "backup", s->backup, NULL);
    return commit(s->r, c, err);
}

/* ---- on and off ---- */

/* What this eteams does not tell cannot be kept, and what is not kept is not cleared; all else goes
 * on. */
static int not_to_be_kept(struct superiors *s, const struct yq_error *why, struct yq_error *err)
{
    if (why->kind != YQ_ERROR_REFUSED) {
        *err = *why;
        return -1;
    }
    yq_log(YQ_LOG_ERROR, "superiors.refused", "connection", s->r->id, "error", why->text, NULL);
    s->r->counts.failed++;
    return 0;
}

static int switch_on(struct superiors *s, struct yq_error *err)
{
    struct yq_error why = {0};
    if (s->state == ON)
        return 0;
    if (s->r->kind != YQ_RECONCILE_FULL)
        return 0;
    note_attempt(s);
    if (s->state < CLEARING && keep(s, &why) < 0)
        return not_to_be_kept(s, &why, err);
    return clear(s, err);
}

static int set_lock(struct superiors *s, bool lock, bool *ret_missing, struct yq_error *err)
{
    struct yq_reconcile *r = s->r;
    struct yq_error why = {0};
    if (yq_eteams_lock_superiors(r->connection->eteams, r->c->http, lock, ret_missing, &r->watch,
                                 &why) == 0) {
        if (*ret_missing)
            yq_log(YQ_LOG_WARN, "superiors.no_lock", "connection", r->id, NULL);
        return 1;
    }
    if (why.kind == YQ_ERROR_LOST) {
        *err = why;
        return -1;
    }
    yq_log_calm(YQ_LOG_WARN, "superiors.lock_failed", r->id, why.text);
    return why.kind == YQ_ERROR_REFUSED;
}

static int switch_off(struct superiors *s, struct yq_error *err)
{
    char keys[3][YQ_KEY_MAX];
    bool missing = false;
    note_attempt(s);
    int rc = s->locked ? set_lock(s, false, &missing, err) : 1;
    if (rc <= 0)
        return rc; /* again later */
    struct yq_commit *c = yq_commit_new();
    yq_commit_add(c, "DEL", key_of(s->r, "superiors", keys[0]),
                  key_of(s->r, "superiors:led", keys[1]),
                  key_of(s->r, "superiors:awaited", keys[2]), NULL);
    if (s->state == KEEPING) /* half a backup is none */
        yq_commit_add(c, "DEL", backup_key(s->r, s->backup, keys[0]), NULL);
    yq_log(YQ_LOG_INFO, "superiors.off", "connection", s->r->id, NULL);
    return commit(s->r, c, err);
}

/* ---- the dry run ---- */

static void tell_row(struct yq_reconcile *r, const struct yq_superior_row *row)
{
    char *line = yq_printf("member.superiors %s superior: %s -> \"\", other_superior: %s -> "
                           "\"\" (S2, cleared first)",
                           row->id, row->superior[0] ? row->superior : "\"\"",
                           row->others[0] ? row->others : "\"\"");
    char *json =
        yq_printf("{\"op\":\"%s\",\"rule\":\"S2\",\"target\":\"%s\","
                  "\"reason\":\"%s\",\"args\":[],\"changes\":["
                  "{\"field\":\"superior\",\"before\":\"%s\",\"after\":\"\"},"
                  "{\"field\":\"other_superior\",\"before\":\"%s\",\"after\":\"\"}]}",
                  yq_operation_kind_name(YQ_OP_MEMBER_SUPERIORS), row->id,
                  yq_reason_name(YQ_REASON_SUPERIOR_CLEARED_FIRST), row->superior, row->others);
    yq_reconcile_tell_item(r, &(struct yq_plan_item){true, line, json});
    free(line);
    free(json);
}

static int tell_taking_over(struct superiors *s, struct yq_error *err)
{
    struct yq_superior_rows rows = {0};
    size_t some = 0;
    if (list(s->r, &rows, err) < 0)
        return -1;
    for (size_t i = 0; i < rows.count; i++) {
        if (!has_any(&rows.rows[i]))
            continue;
        some++;
        tell_row(s->r, &rows.rows[i]);
    }
    s->r->counts.superiors = some;
    yq_superior_rows_release(&rows);
    return 0;
}

/* ---- the steps of a run ---- */

int yq_reconcile_switch_superiors(struct yq_reconcile *r, struct yq_error *err)
{
    struct superiors s = {.r = r};
    bool wanted = r->connection->settings->policy.superiors;
    r->superiors = false;
    if (load(&s, err) < 0)
        return -1;
    if (r->dry_run) {
        r->superiors = wanted;
        return wanted && s.state != ON ? tell_taking_over(&s, err) : 0;
    }
    if (!wanted)
        return s.state != OFF ? switch_off(&s, err) : 0;
    if (switch_on(&s, err) < 0)
        return -1;
    r->superiors = s.state == ON;
    return 0;
}

int yq_reconcile_lock_superiors(struct yq_reconcile *r, struct yq_error *err)
{
    struct superiors s = {.r = r};
    bool missing = false;
    if (!r->superiors || r->dry_run)
        return 0;
    if (load(&s, err) < 0)
        return -1;
    if (s.locked || s.state != ON)
        return 0;
    note_attempt(&s);
    int rc = set_lock(&s, true, &missing, err);
    if (rc <= 0)
        return rc;
    struct yq_commit *c = yq_commit_new();
    forget_attempt(&s, c);
    put(&s, c, "locked", missing ? "missing" : "1");
    return commit(r, c, err);
}
