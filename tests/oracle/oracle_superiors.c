/* What rule S2 and decisions 12 to 15 demand of superiors. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "facts.h"

#define LEADERS_MAX 64
#define LEVELS 64

struct wanted {
    const char *ids[LEADERS_MAX]; /* records in eteams, the direct one first */
    size_t count;
    bool doubtful; /* cannot be told from here */
};

static const cJSON *item_of(const cJSON *object, const char *key)
{
    return cJSON_GetObjectItemCaseSensitive(object, key);
}

static bool unreadable(const struct judge *j, const char *kind, const char *name)
{
    char subject[128];
    (void)snprintf(subject, sizeof(subject), "%s:%s", kind, name);
    return option_lists(j, "unreadable", subject);
}

static bool has(const struct wanted *w, const char *id)
{
    for (size_t i = 0; i < w->count; i++) {
        if (same_text(w->ids[i], id))
            return true;
    }
    return false;
}

/* The record of a leader, where it works after the run; others are left out. */
static void take(const struct judge *j, const cJSON *self, const char *userid, struct wanted *w)
{
    const cJSON *link;
    if (same_userid(userid, text_of(self, "userid")))
        return;
    cJSON_ArrayForEach (link, j->c->member_links_after) {
        if (!same_userid(link->string, userid))
            continue;
        const cJSON *record = find_record(j->c->after, "members", text_of(link, "eteams"));
        bool works = record != NULL && in_service(record);
        w->doubtful |= works && cJSON_IsTrue(item_of(link, "left"));
        if (works && !has(w, text_of(link, "eteams")) && w->count < LEADERS_MAX)
            w->ids[w->count++] = text_of(link, "eteams");
    }
}

/* ---- the leaders of a department ---- */

struct seat {
    const char *userid;
    int order;
};

static int compare_seats(const void *left, const void *right)
{
    const struct seat *a = left, *b = right;
    return a->order != b->order ? b->order - a->order : strcasecmp(a->userid, b->userid);
}

static int number_at(const cJSON *member, const char *key, int index)
{
    const cJSON *item = cJSON_GetArrayItem(item_of(member, key), index);
    return cJSON_IsNumber(item) ? item->valueint : 0;
}

static size_t leaders_of(const struct judge *j, uint32_t department, struct seat *ret)
{
    const cJSON *m, *d;
    size_t count = 0;
    cJSON_ArrayForEach (m, item_of(j->c->wecom, "members")) {
        int index = 0;
        cJSON_ArrayForEach (d, item_of(m, "departments")) {
            bool leads = (uint32_t)d->valuedouble == department && number_at(m, "leader_in", index);
            if (leads && member_visible(j, text_of(m, "userid")) && count < LEADERS_MAX)
                ret[count++] = (struct seat){text_of(m, "userid"), number_at(m, "orders", index)};
            index++;
        }
    }
    qsort(ret, count, sizeof(*ret), compare_seats);
    return count;
}

/* Upwards to the first department that he does not lead himself. */
static void take_department(const struct judge *j, const cJSON *self, uint32_t id, struct wanted *w)
{
    for (int level = 0; id != 0 && level < LEVELS; level++) {
        struct seat seats[LEADERS_MAX];
        const cJSON *d = find_wecom_department(j, id);
        char number[16];
        (void)snprintf(number, sizeof(number), "%u", id);
        if (d == NULL || !department_visible(j, id))
            return;
        size_t count = leaders_of(j, id, seats);
        bool himself = false;
        w->doubtful |= unreadable(j, "department", number);
        for (size_t i = 0; i < count; i++) {
            himself |= same_userid(seats[i].userid, text_of(self, "userid"));
            w->doubtful |= count > 1 && unreadable(j, "member", seats[i].userid);
        }
        for (size_t i = 0; !himself && i < count; i++)
            take(j, self, seats[i].userid, w);
        if (count > 0 && !himself)
            return;
        id = id_of(d, "parent");
    }
}

/* Only where the main department is plain: decision 6 is judged elsewhere. */
static bool plain_main(const struct judge *j, const cJSON *m, uint32_t *ret)
{
    const cJSON *d;
    uint32_t main = id_of(m, "main_department");
    size_t visible = 0;
    *ret = 0;
    cJSON_ArrayForEach (d, item_of(m, "departments")) {
        uint32_t id = (uint32_t)d->valuedouble;
        if (!department_visible(j, id))
            continue;
        visible++;
        if (id == main || *ret == 0)
            *ret = id;
    }
    return *ret == main || visible <= 1;
}

static bool names_others(const struct judge *j, const cJSON *m)
{
    const cJSON *l;
    cJSON_ArrayForEach (l, item_of(m, "direct_leaders")) {
        bool other = !same_userid(l->valuestring, text_of(m, "userid"));
        if (other && member_visible(j, l->valuestring))
            return true;
    }
    return false;
}

static void find_wanted(const struct judge *j, const cJSON *m, struct wanted *w)
{
    const cJSON *l;
    bool source = option_is(j, "superior_source", "direct_leader");
    bool readable = option_true(j, "direct_leaders_readable", true);
    uint32_t main;
    *w = (struct wanted){.count = 0};
    if (source && readable && names_others(j, m)) {
        cJSON_ArrayForEach (l, item_of(m, "direct_leaders")) {
            if (member_visible(j, l->valuestring))
                take(j, m, l->valuestring, w);
        }
        return;
    }
    w->doubtful |= !plain_main(j, m, &main);
    w->doubtful |= main != 0 && !option_true(j, "leaders_readable", true);
    take_department(j, m, main, w);
    if (source && !readable && w->count == 0) /* decision 15: that is not none */
        w->doubtful = true;
}

/* ---- rings ---- */

/* Can one come from `from` up to `id`, by what eteams has or what WeCom wants? */
static bool leads_to(const struct judge *j, const char *from, const char *id, int depth)
{
    const cJSON *record = find_record(j->c->after, "members", from);
    const cJSON *was = find_record(j->c->before, "members", from);
    const char *owner = owner_of_record(j->c->member_links_after, from);
    const cJSON *m = owner != NULL ? find_wecom_member(j, owner) : NULL;
    struct wanted w = {.count = 0};
    if (same_text(from, id))
        return true;
    if (depth > 8 || record == NULL)
        return false;
    if (m != NULL)
        find_wanted(j, m, &w);
    const char *above[] = {text_of(record, "superior"), was ? text_of(was, "superior") : "",
                           w.count > 0 ? w.ids[0] : ""};
    for (size_t i = 0; i < 3; i++) {
        if (*above[i] != '\0' && leads_to(j, above[i], id, depth + 1))
            return true;
    }
    return false;
}

/* ---- judging ---- */

static bool same_others(const cJSON *is, const struct wanted *w)
{
    const cJSON *id;
    size_t count = 0;
    cJSON_ArrayForEach (id, item_of(is, "other_superior")) {
        count++;
        if (!has(w, id->valuestring) || same_text(id->valuestring, w->ids[0]))
            return false;
    }
    return count == (w->count > 0 ? w->count - 1 : 0);
}

static bool same_list(const cJSON *a, const cJSON *b)
{
    return cJSON_Compare(item_of(a, "other_superior"), item_of(b, "other_superior"), true);
}

bool judge_own_superiors(struct judge *j, const cJSON *was, const cJSON *is)
{
    bool kept = was == NULL ? *text_of(is, "superior") == '\0'
                            : same_text(text_of(was, "superior"), text_of(is, "superior"));
    return kept && (was == NULL || same_list(was, is)) && j != NULL;
}

void judge_superiors(struct judge *j, const cJSON *m, const cJSON *was, const cJSON *is, bool must)
{
    struct wanted w;
    const char *userid = text_of(m, "userid"), *superior = text_of(is, "superior");
    bool kept = judge_own_superiors(j, was, is);
    if (!option_true(j, "superiors", false)) {
        if (!kept)
            differ(j, userid, "superiors changed although they are not kept in step");
        return;
    }
    find_wanted(j, m, &w);
    if (w.doubtful || (kept && !must))
        return;
    const char *first = w.count > 0 ? w.ids[0] : "";
    bool ring = *first != '\0' && leads_to(j, first, text_of(is, "id"), 0);
    bool left_out = ring && (*superior == '\0' ||
                             (was != NULL && same_text(superior, text_of(was, "superior"))));
    if (!same_text(superior, first) && !left_out)
        differ(j, userid, "the superior is \"%s\", WeCom wants \"%s\"", superior, first);
    if (!same_others(is, &w) && !(left_out && kept))
        differ(j, userid, "the other superiors are not those that WeCom wants");
}
