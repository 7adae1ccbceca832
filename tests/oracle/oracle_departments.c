/* What the rules demand of departments. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "facts.h"

/* Where a W department belongs in eteams: below its parent's counterpart; below the root where the
 * parent is the root, or is not visible (decision 7) and was never linked. A parent that went out
 * of sight keeps its place (decision 26), and what is below it stays there. NULL: the parent has
 * none. */
static const char *wanted_parent(const struct judge *j, const cJSON *w)
{
    uint32_t parent = id_of(w, "parent");
    const char *linked = linked_department(j->c->department_links_after, parent);
    if (parent > 1 && (linked != NULL || department_visible(j, parent)))
        return linked;
    return root_of(j->c->before);
}

static bool unreadable(const struct judge *j, uint32_t id)
{
    char subject[32];
    (void)snprintf(subject, sizeof(subject), "department:%u", id);
    return option_lists(j, "unreadable", subject) || option_lists(j, "never_touch", subject);
}

static bool visible_and_readable(const struct judge *j, uint32_t id)
{
    return find_wecom_department(j, id) != NULL && department_visible(j, id) && !unreadable(j, id);
}

/* It, or something above it as far as can be seen, cannot be read: it may wait. */
bool department_unreadable(const struct judge *j, uint32_t id)
{
    for (int depth = 0; id > 1 && depth < 100 && department_visible(j, id); depth++) {
        if (unreadable(j, id))
            return true;
        id = id_of(find_wecom_department(j, id), "parent");
    }
    return id > 1 && unreadable(j, id);
}

/* Enabled; also when it was disabled in this run only, at its very end (decision 24). */
static bool stood(const struct judge *j, const cJSON *department)
{
    const cJSON *was = find_record(j->c->before, "departments", text_of(department, "id"));
    return same_text(text_of(department, "status"), "1") ||
           (was != NULL && same_text(text_of(was, "status"), "1"));
}

/* Its parent is disabled in eteams, which is judged there, or cannot be seen in W: a person
 * decides. */
static bool below_closed(const struct judge *j, const cJSON *w)
{
    uint32_t above = id_of(w, "parent");
    const char *eteams = linked_department(j->c->department_links_after, above);
    const cJSON *is = eteams ? find_record(j->c->after, "departments", eteams) : NULL;
    return above > 1 && is != NULL && !same_text(text_of(is, "status"), "1");
}

/* Its parent is not where it belongs itself, which is judged there: until then the parent may even
 * stand below it, so that it may wait. */
static bool parent_is_unsettled(const struct judge *j, const cJSON *w)
{
    const cJSON *above = find_wecom_department(j, id_of(w, "parent"));
    const char *eteams = linked_department(j->c->department_links_after, id_of(w, "parent"));
    const cJSON *is = eteams ? find_record(j->c->after, "departments", eteams) : NULL;
    const char *place = above && is ? wanted_parent(j, above) : NULL;
    return above != NULL && is != NULL && id_of(above, "id") > 1 &&
           (place == NULL || !same_text(text_of(is, "parent"), place) ||
            !same_name(text_of(is, "name"), text_of(above, "name")));
}

/* Its own record stands above the wanted place, and one between them stays: its department cannot
 * be seen (decision 26), or its place is taken. Nobody can move below himself. */
static bool kept_by_a_circle(const struct judge *j, const char *self, const char *parent)
{
    bool frozen = false;
    const cJSON *at = parent ? find_record(j->c->after, "departments", parent) : NULL;
    for (int depth = 0; at != NULL && depth < 100; depth++) {
        const char *id = text_of(at, "id");
        const char *owner = owner_of_record(j->c->department_links_after, id);
        if (same_text(id, self))
            return frozen;
        uint32_t other = owner ? (uint32_t)strtoul(owner, NULL, 10) : 0;
        if (owner != NULL && !visible_and_readable(j, other))
            frozen = true;
        else if (owner != NULL) /* or one that is a case itself, which is judged there */
            frozen = frozen || !same_text(text_of(at, "parent"),
                                          wanted_parent(j, find_wecom_department(j, other)));
        at = find_record(j->c->after, "departments", text_of(at, "parent"));
    }
    return false;
}

/* A department that belongs below that parent has this name in eteams, and keeps it because WeCom's
 * cannot be read. */
static bool kept_by_nameless(const struct judge *j, uint32_t parent, const char *name)
{
    const cJSON *d;
    cJSON_ArrayForEach (d, cJSON_GetObjectItemCaseSensitive(j->c->wecom, "departments")) {
        const char *eteams = linked_department(j->c->department_links_before, id_of(d, "id"));
        const cJSON *was = eteams ? find_record(j->c->before, "departments", eteams) : NULL;
        if (id_of(d, "parent") == parent && *text_of(d, "name") == '\0' && was != NULL &&
            same_name(text_of(was, "name"), name))
            return true;
    }
    return false;
}

/* Another enabled department of that name below `parent`: the name cannot be given there. It counts
 * as an excuse when it is eteams' own (decision 11), or stands for a W department that belongs in
 * that very place under that very name (decision 7), or for one that cannot give the name up: out
 * of sight, or in the same trouble itself. Those who wait for each other are no excuse (decision
 * 10). */
static bool blocked(const struct judge *j, const cJSON *w, const char *self, const char *parent,
                    const char *name, int depth)
{
    const cJSON *d;
    cJSON_ArrayForEach (d, cJSON_GetObjectItemCaseSensitive(j->c->after, "departments")) {
        const char *id = text_of(d, "id");
        if (same_text(id, self) || !same_text(text_of(d, "parent"), parent) || !stood(j, d) ||
            !same_name(text_of(d, "name"), name))
            continue;
        const char *owner = owner_of_record(j->c->department_links_after, id);
        uint32_t other = owner ? (uint32_t)strtoul(owner, NULL, 10) : 0;
        const cJSON *twin = find_wecom_department(j, other);
        if (owner == NULL || !visible_and_readable(j, other) || department_unreadable(j, other) ||
            *text_of(twin, "name") == '\0' || parent_is_unsettled(j, twin) ||
            below_closed(j, twin) || kept_by_a_circle(j, id, wanted_parent(j, twin)))
            return true; /* what cannot be seen stays where it is (decision 26) */
        const char *place = wanted_parent(j, twin);
        bool stuck = place != NULL && depth > 0 &&
                     blocked(j, twin, id, place, text_of(twin, "name"), depth - 1);
        stuck = stuck || kept_by_nameless(j, id_of(twin, "parent"), text_of(twin, "name"));
        if (id_of(twin, "parent") == id_of(w, "id") && !stuck)
            continue; /* it moves below w: no excuse */
        bool rightly_there = twin != w && place != NULL && same_text(place, parent) &&
                             same_name(text_of(twin, "name"), name);
        if (rightly_there || place == NULL || stuck)
            return true;
    }
    return false;
}

static bool name_is_blocked(const struct judge *j, const cJSON *w, const char *self,
                            const char *parent, const char *name)
{
    return blocked(j, w, self, parent, name, 4);
}

bool department_excused(const struct judge *j, uint32_t id)
{
    if (id <= 1)
        return false;
    const cJSON *w = find_wecom_department(j, id);
    if (!department_visible(j, id) || department_unreadable(j, id) || *text_of(w, "name") == '\0')
        return true;
    uint32_t above = id_of(w, "parent");
    if (below_closed(j, w))
        return true;
    if (above > 1 && department_visible(j, above) && department_excused(j, above) &&
        linked_department(j->c->department_links_after, above) == NULL)
        return true;
    const char *parent = wanted_parent(j, w);
    return parent != NULL && name_is_blocked(j, w, "", parent, text_of(w, "name"));
}

static bool needed(const struct judge *j, uint32_t id);
static bool touched_below(const struct judge *j, uint32_t id);

/* Name and position of a linked department. must: an event touched it or a member needs it; the
 * others may be as they were. */
static void judge_linked(struct judge *j, const cJSON *w, const char *eteams, bool must)
{
    const char *name = text_of(w, "name"), *parent = wanted_parent(j, w);
    const cJSON *is = find_record(j->c->after, "departments", eteams);
    const cJSON *was = find_record(j->c->before, "departments", eteams);
    if (is == NULL) {
        if (must)
            differ(j, name, "its counterpart %s does not exist", eteams);
        return;
    }
    bool named = same_name(text_of(is, "name"), name);
    bool placed = parent != NULL && same_text(text_of(is, "parent"), parent);
    bool kept_name = was != NULL && same_text(text_of(is, "name"), text_of(was, "name"));
    bool kept_place = was != NULL && same_text(text_of(is, "parent"), text_of(was, "parent"));
    /* Rule 8, rule 2: name and position follow, unless the place is taken (decisions 7, 11). */
    bool in_the_way = parent == NULL || name_is_blocked(j, w, eteams, parent, name) ||
                      name_is_blocked(j, w, eteams, parent, text_of(is, "name")) ||
                      name_is_blocked(j, w, eteams, text_of(is, "parent"), name);
    bool excused =
        !must || in_the_way || below_closed(j, w) || department_unreadable(j, id_of(w, "id"));
    bool may_wait =
        excused || (!placed && (parent_is_unsettled(j, w) || kept_by_a_circle(j, eteams, parent)));
    if (in_the_way && option_true(j, "history", false))
        kept_name = kept_place = true; /* or what they were in between */
    if (*name != '\0' && !named && !(kept_name && may_wait))
        differ(j, name, "is called %s in eteams", text_of(is, "name"));
    if (*name == '\0' && !kept_name)
        differ(j, eteams, "was renamed although WeCom's name cannot be read");
    if (!placed && !(kept_place && may_wait))
        differ(j, name, "stands under %s in eteams, not under %s", text_of(is, "parent"),
               parent ? parent : "(no counterpart)");
    /* Decision 8: whatever is linked is enabled, where nothing is in the way. */
    bool anew = owner_of_record(j->c->department_links_before, eteams) == NULL;
    uint32_t own = id_of(w, "id");
    bool wanted = must || needed(j, own) || touched_below(j, own);
    if (wanted && !same_text(text_of(is, "status"), "1") && (was == NULL || anew || !may_wait))
        differ(j, name, "is linked with a disabled department");
}

/* Rule 2: a department of that name in that place is linked, never made a second time. */
static void judge_new(struct judge *j, const cJSON *w, const char *eteams)
{
    const char *parent = wanted_parent(j, w), *name = text_of(w, "name");
    const cJSON *d;
    cJSON_ArrayForEach (d, cJSON_GetObjectItemCaseSensitive(j->c->before, "departments")) {
        const char *id = text_of(d, "id");
        if (parent != NULL && same_text(text_of(d, "parent"), parent) &&
            same_name(text_of(d, "name"), name) &&
            owner_of_record(j->c->department_links_before, id) == NULL &&
            owner_of_record(j->c->department_links_after, id) == NULL)
            differ(j, name, "was made anew as %s although %s stood there", eteams, id);
    }
}

/* Is `id` this department, or a parent that must be made for it? Above one that has a counterpart,
 * nothing must. */
static bool needs(const struct judge *j, uint32_t from, uint32_t id, bool its_place)
{
    uint32_t at = from;
    for (int depth = 0; depth < 100 && department_visible(j, at); depth++) {
        if (at == id)
            return true;
        if (unreadable(j, at))
            return false; /* what is above it is not known */
        bool linked = linked_department(j->c->department_links_before, at) != NULL;
        if (linked && !(its_place && at == from))
            return false;
        at = id_of(find_wecom_department(j, at), "parent");
    }
    return false;
}

/* Does a touched member who works need this department? */
static bool needed(const struct judge *j, uint32_t id)
{
    const cJSON *m, *item;
    cJSON_ArrayForEach (m, cJSON_GetObjectItemCaseSensitive(j->c->wecom, "members")) {
        bool is_case = false;
        const char *userid = text_of(m, "userid");
        if (!member_touched(j, userid, NULL) || fate_of(j, userid) != FATE_WORKS)
            continue;
        const cJSON *was = person_before(j, m, &is_case);
        bool kept_away =
            was != NULL && !in_service(was) && bound_elsewhere(j, m, text_of(was, "id"));
        if (is_case || kept_away || contested(j, m))
            continue;
        cJSON_ArrayForEach (item, cJSON_GetObjectItemCaseSensitive(m, "departments")) {
            if (needs(j, (uint32_t)item->valuedouble, id, false))
                return true;
        }
    }
    return false;
}

/* Is something below it touched? Parents are made first (rule 1). */
static bool touched_below(const struct judge *j, uint32_t id)
{
    const cJSON *d;
    cJSON_ArrayForEach (d, cJSON_GetObjectItemCaseSensitive(j->c->wecom, "departments")) {
        char subject[32];
        uint32_t at = id_of(d, "id");
        (void)snprintf(subject, sizeof(subject), "department:%u", at);
        if (touched(j, subject, NULL) && visible_and_readable(j, at) && needs(j, at, id, true))
            return true;
    }
    return false;
}

static void judge_wecom_department(struct judge *j, const cJSON *w)
{
    uint32_t id = id_of(w, "id");
    char subject[32];
    (void)snprintf(subject, sizeof(subject), "department:%u", id);
    const char *before = linked_department(j->c->department_links_before, id);
    const char *after = linked_department(j->c->department_links_after, id);
    if (id <= 1)
        return;
    if (!visible_and_readable(j, id)) { /* out of sight: frozen (decision 26) */
        if (before != NULL && (after == NULL || !same_text(before, after)))
            differ(j, subject, "lost its link although it is only out of sight");
        if (before == NULL && after != NULL)
            differ(j, subject, "was linked although it cannot be seen");
        return;
    }
    bool must = touched(j, subject, NULL);
    bool wanted = must || needed(j, id) || touched_below(j, id);
    bool stale = before != NULL && find_record(j->c->before, "departments", before) == NULL;
    if (before != NULL && !stale && (after == NULL || !same_text(before, after)))
        differ(j, subject, "lost its link with %s", before);
    if (after == NULL) {
        /* Rule 1: what is touched or needed gets a counterpart. */
        if (wanted && !department_excused(j, id))
            differ(j, text_of(w, "name"), "has no counterpart in eteams");
        return;
    }
    judge_linked(j, w, after, must || before == NULL || stale);
    if (find_record(j->c->before, "departments", after) == NULL)
        judge_new(j, w, after);
}

/* W's department is gone: the link goes, the record stays (decision 24). */
static void judge_gone(struct judge *j)
{
    const cJSON *link;
    cJSON_ArrayForEach (link, j->c->department_links_before) {
        char subject[32];
        uint32_t id = 0;
        if (sscanf(link->string, "%u", &id) != 1 || find_wecom_department(j, id) != NULL)
            continue;
        (void)snprintf(subject, sizeof(subject), "department:%u", id);
        bool still = linked_department(j->c->department_links_after, id) != NULL;
        if (still && touched(j, subject, "department.deleted") && !unreadable(j, id))
            differ(j, subject, "is gone in WeCom and still linked");
    }
}

/* Somebody works in it, or an enabled one is below it. */
static bool occupied(const cJSON *state, const char *id)
{
    const cJSON *o;
    cJSON_ArrayForEach (o, cJSON_GetObjectItemCaseSensitive(state, "departments")) {
        if (same_text(text_of(o, "parent"), id) && same_text(text_of(o, "status"), "1"))
            return true;
    }
    cJSON_ArrayForEach (o, cJSON_GetObjectItemCaseSensitive(state, "members")) {
        if (in_service(o) &&
            (same_text(main_department_of(o), id) || has_post(state, text_of(o, "id"), id)))
            return true;
    }
    return false;
}

/* Decision 24: with the switch on, what is gone in W and empty is disabled, from below. */
static void judge_closed(struct judge *j, uint32_t id, const cJSON *is)
{
    char subject[32];
    (void)snprintf(subject, sizeof(subject), "department:%u", id);
    if (option_true(j, "disable_departments", false) && touched(j, subject, "department.deleted") &&
        same_text(text_of(is, "status"), "1") && !unreadable(j, id) &&
        !option_true(j, "history", false) && !occupied(j->c->after, text_of(is, "id")))
        differ(j, subject, "is gone in WeCom and empty, but %s is still enabled",
               text_of(is, "id"));
}

/* Rule 8: where that is configured, the root has the name that W's has. */
static void judge_root(struct judge *j, const cJSON *was, const cJSON *is)
{
    const cJSON *w = find_wecom_department(j, 1);
    const char *name = text_of(is, "name"), *wanted = text_of(w, "name");
    bool known = department_visible(j, 1) && !unreadable(j, 1) && *wanted != '\0';
    bool kept = same_text(name, text_of(was, "name"));
    bool must = touched(j, "department:1", NULL) && known;
    if (!(known && same_name(name, wanted)) && (must || !kept))
        differ(j, "the root", "is called %s in eteams", name);
}

/* eteams' own departments are never touched; new ones always stand for something. */
static void judge_record(struct judge *j, const cJSON *is)
{
    const char *id = text_of(is, "id"), *name = text_of(is, "name");
    const cJSON *was = find_record(j->c->before, "departments", id);
    const char *before = owner_of_record(j->c->department_links_before, id);
    const char *after = owner_of_record(j->c->department_links_after, id);
    uint32_t known_as = 0;
    if (was == NULL) { /* in a history its department may be gone again */
        if (after == NULL && !option_true(j, "history", false))
            differ(j, name, "was made in eteams and stands for nothing");
        return;
    }
    bool disabled = same_text(text_of(was, "status"), "1") && same_text(text_of(is, "status"), "0");
    bool gone = before != NULL && sscanf(before, "%u", &known_as) == 1 &&
                find_wecom_department(j, known_as) == NULL;
    if (disabled && !(gone && option_true(j, "disable_departments", false)))
        differ(j, name, "was disabled");
    if (gone && after == NULL)
        judge_closed(j, known_as, is);
    if (same_text(id, root_of(j->c->before)) && option_true(j, "rename_root", false)) {
        judge_root(j, was, is);
        return;
    }
    if (after != NULL && find_wecom_department(j, (uint32_t)strtoul(after, NULL, 10)) != NULL)
        return; /* judged as the counterpart of W's */
    if (option_true(j, "history", false) && after == NULL)
        return; /* it was one for a while */
    if (!same_text(text_of(was, "name"), name))
        differ(j, text_of(was, "name"), "was renamed to %s although it is eteams' own", name);
    if (!same_text(text_of(was, "parent"), text_of(is, "parent")))
        differ(j, name, "was moved although it is eteams' own");
    if (!disabled && !same_text(text_of(was, "status"), text_of(is, "status")))
        differ(j, name, "was enabled although it stands for nothing");
}

void judge_departments(struct judge *j)
{
    const cJSON *d;
    cJSON_ArrayForEach (d, cJSON_GetObjectItemCaseSensitive(j->c->wecom, "departments"))
        judge_wecom_department(j, d);
    cJSON_ArrayForEach (d, cJSON_GetObjectItemCaseSensitive(j->c->after, "departments"))
        judge_record(j, d);
    judge_gone(j);
}
