/* How much WeCom shows us, compared with before. What cannot be seen any more is still employed
 * (decisions.md 26): when the range shrinks, nobody is removed in that run, and a person is told.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "clients/store_inspect.h"
#include "plan/guard.h"
#include "reconcile.h"
#include "service/log.h"

#define ALARM "range_shrank"
#define NO_SCOPE "no_scope"
#define NAMES_BYTES 1000 /* of the branches that an alarm names */

static int64_t number_of(const struct yq_pairs *hash, const char *name)
{
    const char *text = yq_pairs_get(hash, name);
    return text != NULL ? strtoll(text, NULL, 10) : 0;
}

int yq_range_load(struct yq_reconcile *r, struct yq_error *err)
{
    struct yq_pairs hash = {0};
    if (yq_store_read_hash(r->c->redis, r->c->keys, r->id, "snapshot", &hash, err) < 0)
        return -1;
    const char *missing = yq_pairs_get(&hash, "missing");
    yq_buf_adds(&r->range.before, missing != NULL ? missing : "");
    r->range.members_before = number_of(&hash, "members");
    r->range.company_before = number_of(&hash, "company");
    yq_pairs_release(&hash);
    return 0;
}

static bool has(const struct yq_buf *list, uint32_t department)
{
    char number[16];
    (void)snprintf(number, sizeof(number), ",%" PRIu32 ",", department);
    return strstr(yq_buf_text(list), number) != NULL;
}

bool yq_range_was_missing(const struct yq_reconcile *r, uint32_t department)
{
    return has(&r->range.before, department);
}

bool yq_range_lacks(const struct yq_reconcile *r, uint32_t department)
{
    return has(&r->range.missing, department) || has(&r->range.unread, department);
}

static void put(struct yq_buf *list, uint32_t department)
{
    yq_buf_addf(list, list->len > 0 ? "%" PRIu32 "," : ",%" PRIu32 ",", department);
}

void yq_range_add_unread(struct yq_reconcile *r, uint32_t department)
{
    put(&r->range.unread, department);
}

void yq_range_add_missing(struct yq_reconcile *r, uint32_t department, const char *name)
{
    struct yq_reconcile_range *g = &r->range;
    put(&g->missing, department);
    if (yq_range_was_missing(r, department))
        return;
    g->shrank = true;
    if (name != NULL && g->names.len < NAMES_BYTES)
        yq_buf_addf(&g->names, g->names.len > 0 ? ", %s" : "%s", name);
}

/* For whoever posts alarms: the text, its arguments, since when. */
static void add_alarm(struct yq_reconcile *r, struct yq_commit *c)
{
    const struct yq_reconcile_range *g = &r->range;
    char alarms[YQ_KEY_MAX];
    struct yq_buf json = YQ_BUF_INIT;
    yq_buf_adds(&json, "{\"text\":\"the visible range shrank: %1; %2 members can be seen, %3 "
                       "before\",\"args\":[");
    yq_buf_add_json_string(&json, g->names.len > 0 ? yq_buf_text(&g->names) : "-");
    yq_buf_addf(&json, ",\"%zu\",\"%" PRId64 "\"],\"at\":%" PRId64 ",\"run\":\"%s\"}", g->members,
                g->members_before, yq_wall_ms(r->c->clock), r->run);
    yq_commit_add(c, "HSET", yq_key(r->c->keys, r->id, "alarms", alarms), ALARM, yq_buf_text(&json),
                  NULL);
    yq_log(YQ_LOG_WARN, "reconcile.range_shrank", "connection", r->id, "members",
           yq_log_int((long long)g->members), "before", yq_log_int(g->members_before), NULL);
    yq_buf_release(&json);
}

/* R9 */
static void add_no_scope(struct yq_reconcile *r, struct yq_commit *c)
{
    char alarms[YQ_KEY_MAX];
    struct yq_buf json = YQ_BUF_INIT;
    yq_buf_adds(&json, "{\"text\":");
    yq_buf_add_json_string(&json, yq_reason_template(YQ_REASON_NO_SCOPE));
    yq_buf_addf(&json, ",\"args\":[],\"at\":%" PRId64 ",\"run\":\"%s\"}", yq_wall_ms(r->c->clock),
                r->run);
    yq_commit_add(c, "HSETNX", yq_key(r->c->keys, r->id, "alarms", alarms), NO_SCOPE,
                  yq_buf_text(&json), NULL);
    yq_buf_release(&json);
}

/* All can be seen again; or a person, who knows of the alarm, compared once more, and there was no
 * less to be seen: then this is the range. */
static bool is_settled(const struct yq_reconcile *r)
{
    return r->range.missing.len == 0 || strcmp(r->cause, "command") == 0;
}

void yq_range_commit(struct yq_reconcile *r, int64_t size, struct yq_commit *c)
{
    struct yq_reconcile_range *g = &r->range;
    char key[YQ_KEY_MAX], alarms[YQ_KEY_MAX], numbers[5][24];
    const int64_t values[] = {size, (int64_t)g->members, (int64_t)g->departments,
                              g->company > 0 ? (int64_t)g->company : g->company_before,
                              yq_wall_ms(r->c->clock)};
    if (g->only_persons)
        add_no_scope(r, c);
    else
        yq_commit_add(c, "HDEL", yq_key(r->c->keys, r->id, "alarms", alarms), NO_SCOPE, NULL);
    if (g->shrank)
        add_alarm(r, c);
    else if (is_settled(r))
        yq_commit_add(c, "HDEL", yq_key(r->c->keys, r->id, "alarms", alarms), ALARM, NULL);
    for (size_t i = 0; i < 5; i++)
        (void)snprintf(numbers[i], sizeof(numbers[i]), "%" PRId64, values[i]);
    yq_commit_add(c, "HSET", yq_key(r->c->keys, r->id, "snapshot", key), "size", numbers[0],
                  "members", numbers[1], "departments", numbers[2], "company", numbers[3], "at",
                  numbers[4], "run", r->run, "missing", yq_buf_text(&g->missing), NULL);
}

void yq_range_release(struct yq_reconcile *r)
{
    yq_buf_release(&r->range.missing);
    yq_buf_release(&r->range.unread);
    yq_buf_release(&r->range.before);
    yq_buf_release(&r->range.names);
}
