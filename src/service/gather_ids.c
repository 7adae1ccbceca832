/* Nobody can be asked about singly where ids alone can be read, so that a listing which lacks rows
 * would take people out of their departments: nothing is taken away by one listing. */
#include "gather_ids.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "clients/store.h"
#include "clients/store_inspect.h"
#include "clients/store_reconcile.h"
#include "plan/guard.h"
#include "service/log.h"

/* ---- does it show less than before? ---- */

static int64_t number_of(const struct yq_pairs *hash, const char *name)
{
    const char *text = yq_pairs_get(hash, name);
    return text != NULL ? strtoll(text, NULL, 10) : 0;
}

/* Compared with the last complete snapshot, and those who were removed since, as many lack as may
 * not be removed at once. The next complete run makes that the snapshot. */
static int shows_less(const struct yq_sync *s, size_t listed, bool *ret, struct yq_error *err)
{
    const struct yq_connection_settings *c = s->connection->settings;
    struct yq_pairs snapshot = {0};
    int64_t removed = 0;
    if (yq_store_read_hash(s->redis, s->keys, c->id, "snapshot", &snapshot, err) < 0)
        return -1;
    int64_t company = number_of(&snapshot, "company"), at = number_of(&snapshot, "at");
    yq_pairs_release(&snapshot);
    if (company > 0 && yq_store_count_removals(s->redis, s->keys, c->id, at, &removed, err) < 0)
        return -1;
    *ret = (int64_t)listed + removed + yq_guard_limits(&c->policy, company).run < company;
    if (*ret)
        yq_log_calm(YQ_LOG_WARN, "ids.shows_less", c->id,
                    "the listing of the company shows less than before: nobody changes department");
    return 0;
}

/* ---- who says the same? ---- */

static bool has(const struct yq_wecom_member *m, uint32_t department)
{
    for (size_t i = 0; i < m->department_count; i++) {
        if (m->departments[i] == department)
            return true;
    }
    return false;
}

static bool has_all(const struct yq_wecom_member *m, const struct yq_wecom_member *of)
{
    for (size_t i = 0; i < of->department_count; i++) {
        if (!has(m, of->departments[i]))
            return false;
    }
    return true;
}

static bool same_departments(const struct yq_wecom_member *a, const struct yq_wecom_member *b)
{
    return has_all(a, b) && has_all(b, a);
}

static const struct yq_evidence *evidence_of(const struct yq_view *v, const char *userid)
{
    struct yq_subject subject = yq_subject_member(userid);
    return yq_view_evidence(v, &subject);
}

/* Would something be taken away by what this listing, and nobody else, says? */
static bool is_doubtful(const struct yq_view *v, const struct yq_wecom_member *m)
{
    const struct yq_evidence *e = evidence_of(v, m->userid);
    if (m->fact == YQ_ABSENT)
        return e != NULL && e->deleted_at > 0 && !e->gone_confirmed;
    if (m->fact != YQ_PRESENT || m->known != YQ_FIELD_BIT(YQ_FIELD_DEPARTMENTS))
        return false;
    return e == NULL || e->reported_member == NULL || !same_departments(m, e->reported_member);
}

static bool agrees(const struct yq_wecom_member *m, const struct yq_wecom_member *again)
{
    return again != NULL && again->fact == m->fact && same_departments(m, again);
}

static void doubt(struct yq_view *v, const char *userid, const struct yq_wecom_member *again)
{
    struct yq_error why;
    struct yq_wecom_member *m = yq_view_wecom_member(v, userid);
    (void)yq_error_set(&why, YQ_ERROR_RETRY, "user/list_id: two listings do not agree");
    if (again != NULL && again->error != NULL)
        why = *again->error;
    m->fact = YQ_UNREADABLE;
    m->known = 0;
    m->error = yq_view_error(v, &why);
}

static int list_again(const struct yq_sync *s, struct yq_view *v, const char *const *userids,
                      size_t count, struct yq_error *err)
{
    struct yq_view *second = yq_view_new();
    int rc =
        yq_wecom_read_members(s->connection->wecom, s->http, second, userids, count, s->watch, err);
    for (size_t i = 0; i < count && rc == 0; i++) {
        const struct yq_wecom_member *again = yq_view_find_wecom_member(second, userids[i]);
        if (!agrees(yq_view_find_wecom_member(v, userids[i]), again))
            doubt(v, userids[i], again);
    }
    yq_view_free(second);
    return rc;
}

/* An event may yet say the departments; else they stay as they are. */
static void forget_departments(struct yq_view *v, const char *const *userids, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct yq_wecom_member *m = yq_view_wecom_member(v, userids[i]);
        if (m->fact == YQ_PRESENT && m->known == YQ_FIELD_BIT(YQ_FIELD_DEPARTMENTS))
            m->known = 0;
    }
}

int yq_gather_confirm(const struct yq_sync *s, struct yq_view *v, const char *const *userids,
                      size_t count, struct yq_error *err)
{
    bool less = false;
    if (v->listed_people == 0)
        return 0;
    if (shows_less(s, v->listed_people, &less, err) < 0)
        return -1;
    if (less)
        forget_departments(v, userids, count);
    const char **doubtful = yq_calloc(count + 1, sizeof(*doubtful));
    size_t found = 0;
    for (size_t i = 0; i < count; i++) {
        if (is_doubtful(v, yq_view_wecom_member(v, userids[i])))
            doubtful[found++] = userids[i];
    }
    int rc = found > 0 ? list_again(s, v, doubtful, found, err) : 0;
    free(doubtful);
    return rc;
}
