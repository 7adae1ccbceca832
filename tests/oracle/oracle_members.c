/* What the rules demand of people. */
#include <stdlib.h>
#include <string.h>

#include "facts.h"

/* ---- fields ---- */

struct field {
    const char *wecom, *eteams;
    bool sensitive;
    bool (*same)(const char *a, const char *b);
};

static const struct field fields[] = {
    {"name", "username", false, same_name},
    {"mobile", "mobile", true, same_mobile},
    {"email", "email", true, same_email},
    {"gender", "sex", true, same_sex},
};

static bool is_key(const struct field *f)
{
    return strcmp(f->wecom, "mobile") == 0 || strcmp(f->wecom, "email") == 0;
}

/* Somebody other than `self` holds this value after the run. */
static const cJSON *holder(const struct judge *j, const cJSON *state, const struct field *f,
                           const char *value, const char *self)
{
    const cJSON *p;
    cJSON_ArrayForEach (p, cJSON_GetObjectItemCaseSensitive(state, "members")) {
        if (in_service(p) && !same_text(text_of(p, "id"), self) &&
            f->same(text_of(p, f->eteams), value))
            return p;
    }
    (void)j;
    return NULL;
}

/* A field follows W where W has a value that can be read and that is not empty; else it stays. */
static void judge_field(struct judge *j, const cJSON *m, const struct field *f, const cJSON *was,
                        const cJSON *is, bool must)
{
    const char *userid = text_of(m, "userid"), *id = text_of(is, "id");
    const char *truth = text_of(m, f->wecom), *value = text_of(is, f->eteams);
    const char *old = was ? text_of(was, f->eteams) : "";
    bool readable = !f->sensitive || option_true(j, "sensitive_readable", true);
    if (f->same == same_sex && !same_sex(truth, "1") && !same_sex(truth, "2"))
        truth = "";
    if (*truth != '\0' && f->same(value, truth))
        return; /* also where only an event told it */
    bool kept = f->same(value, old), history = option_true(j, "history", false);
    /* Decision 36: a key that another one takes over is cleared or replaced. */
    bool freed = is_key(f) && *value == '\0' && *old != '\0' && holder(j, j->c->after, f, old, id);
    if (*truth == '\0' || !readable) { /* empty never clears; unknown is never written */
        if (!kept && !freed && !(history && *truth == '\0'))
            differ(j, userid, "%s is %s, was %s, and WeCom does not say", f->eteams, value, old);
        return;
    }
    /* The key is held by somebody who cannot be made to give it up: a case. */
    bool taken = is_key(f) && holder(j, j->c->after, f, truth, id) != NULL;
    if ((!must || taken) && (kept || freed || (history && taken)))
        return;
    differ(j, userid, "%s is \"%s\", WeCom says \"%s\"", f->eteams, value, truth);
}

/* ---- places ---- */

struct places {
    const char *ids[64]; /* what stands for the visible departments, in W's order */
    size_t count;
    bool doubtful; /* one of them has no counterpart, for a reason */
    const char *main;
};

static void find_places(struct judge *j, const cJSON *m, const cJSON *was, struct places *ret)
{
    const cJSON *item;
    uint32_t wanted = id_of(m, "main_department");
    *ret = (struct places){0};
    cJSON_ArrayForEach (item, cJSON_GetObjectItemCaseSensitive(m, "departments")) {
        uint32_t id = (uint32_t)item->valuedouble;
        if (!department_visible(j, id))
            continue;
        const char *eteams = counterpart(j, j->c->department_links_after, id);
        const cJSON *is = eteams ? find_record(j->c->after, "departments", eteams) : NULL;
        bool there = is != NULL && same_text(text_of(is, "status"), "1");
        if (!there || department_unreadable(j, id))
            ret->doubtful = true;
        if (there && ret->count < 64)
            ret->ids[ret->count++] = eteams;
        if (id == wanted && there)
            ret->main = eteams;
    }
    if (ret->main != NULL)
        return;
    /* Decision 6: eteams' present one if it is among the visible ones, else the first of the list;
     * rule 10: none visible, the root. */
    for (size_t i = 0; was != NULL && i < ret->count; i++) {
        if (same_text(ret->ids[i], main_department_of(was)))
            ret->main = ret->ids[i];
    }
    if (ret->main == NULL)
        ret->main = ret->count > 0 ? ret->ids[0] : root_of(j->c->before);
}

static bool among(const struct places *p, const char *id)
{
    for (size_t i = 0; i < p->count; i++) {
        if (same_text(p->ids[i], id))
            return true;
    }
    return false;
}

static bool same_posts(const struct judge *j, const char *id)
{
    size_t before = 0, after = 0;
    for (const cJSON *p = NULL; (p = next_post(j->c->after, id, p)) != NULL;)
        after++;
    for (const cJSON *p = NULL; (p = next_post(j->c->before, id, p)) != NULL; before++) {
        if (!has_post(j->c->after, id, text_of(p, "departmentId")))
            return false;
    }
    return before == after;
}

/* The number of a department that WeCom has, linked with this one; 0: none. */
static uint32_t wecom_of(const struct judge *j, const char *eteams)
{
    const char *owner = owner_of_record(j->c->department_links_before, eteams);
    uint32_t id = owner != NULL ? (uint32_t)strtoul(owner, NULL, 10) : 0;
    return find_wecom_department(j, id) != NULL ? id : 0;
}

/* Decision 26. */
static bool out_of_sight(const struct judge *j, const char *eteams)
{
    uint32_t id = wecom_of(j, eteams);
    return id != 0 && !department_visible(j, id);
}

/* Posts in a department out of sight stay as they were. */
static void judge_unseen(struct judge *j, const char *userid, const char *id,
                         const struct places *want)
{
    for (const cJSON *p = NULL; (p = next_post(j->c->before, id, p)) != NULL;) {
        const char *at = text_of(p, "departmentId");
        if (out_of_sight(j, at) && !same_text(at, want->main) && !has_post(j->c->after, id, at))
            differ(j, userid, "lost the part-time post in %s, which is out of sight", at);
    }
}

/* Rule 7, decision 16. */
static void judge_posts(struct judge *j, const char *userid, const char *id,
                        const struct places *want)
{
    bool full = option_is(j, "part_time", "full"), none = option_is(j, "part_time", "none");
    if (none) {
        if (!same_posts(j, id))
            differ(j, userid, "part-time posts changed although they are not kept in step");
        return;
    }
    for (size_t i = 0; i < want->count; i++) {
        if (!same_text(want->ids[i], want->main) && !has_post(j->c->after, id, want->ids[i]))
            differ(j, userid, "has no part-time post in %s", want->ids[i]);
    }
    for (const cJSON *p = NULL; (p = next_post(j->c->after, id, p)) != NULL;) {
        const char *at = text_of(p, "departmentId");
        bool wanted = among(want, at) && !same_text(at, want->main);
        bool unseen = out_of_sight(j, at) || department_unreadable(j, wecom_of(j, at));
        bool stays = unseen && has_post(j->c->before, id, at);
        if (!wanted && !stays && (is_ours(p) || full))
            differ(j, userid, "has a part-time post in %s that WeCom does not have", at);
    }
    bool history = option_true(j, "history", false);
    if (!history)
        judge_unseen(j, userid, id, want);
    bool left =
        history && /* in between: all posts end with that */
        (member_touched(j, userid, "member.deleted") || member_touched(j, userid, "member.left"));
    for (const cJSON *p = NULL; !full && !left && (p = next_post(j->c->before, id, p)) != NULL;) {
        if (!is_ours(p) && !has_post(j->c->after, id, text_of(p, "departmentId")))
            differ(j, userid, "lost the part-time post in %s that is not ours",
                   text_of(p, "departmentId"));
    }
}

static void judge_places(struct judge *j, const cJSON *m, const cJSON *was, const cJSON *is,
                         bool must)
{
    struct places want;
    const char *userid = text_of(m, "userid"), *id = text_of(is, "id");
    bool kept = was != NULL && same_text(main_department_of(was), main_department_of(is)) &&
                same_posts(j, id);
    find_places(j, m, was, &want);
    if (kept && (!must || want.doubtful))
        return;
    if (want.doubtful && option_true(j, "history", false))
        return;
    if (want.doubtful && !same_text(main_department_of(is), root_of(j->c->before)))
        return; /* wherever it could be put */
    if (!same_text(main_department_of(is), want.main))
        differ(j, userid, "main department is %s, not %s", main_department_of(is), want.main);
    if (option_true(j, "posts_readable", true))
        judge_posts(j, userid, id, &want);
}

/* ---- one member who works ---- */

static void judge_unchanged(struct judge *j, const cJSON *was, const char *why);

/* Nobody else is this member: a second record with his userid. */
static void judge_single(struct judge *j, const char *userid, const char *id)
{
    const cJSON *p;
    cJSON_ArrayForEach (p, cJSON_GetObjectItemCaseSensitive(j->c->after, "members")) {
        bool his = same_userid(text_of(p, "job_num"), userid) ||
                   same_userid(text_of(p, "account"), userid);
        bool made = find_record(j->c->before, "members", text_of(p, "id")) == NULL;
        if (his && made && in_service(p) && !same_text(text_of(p, "id"), id))
            differ(j, userid, "was made twice: %s and %s", id, text_of(p, "id"));
    }
}

static void judge_case(struct judge *j, const char *userid, const cJSON *was, const char *before)
{
    const char *after = linked_member(j->c->member_links_after, userid);
    if (before == NULL && after != NULL && !option_true(j, "history", false))
        differ(j, userid, "was linked although a person must decide");
    if (was != NULL && before != NULL)
        judge_unchanged(j, was, "a person must decide");
}

static bool holds(const cJSON *person, const char *key, const char *value)
{
    return same_text(text_of(person, key), value);
}

/* Somebody has that key of old times: in service before or after, or one who left, is linked and
 * may come back just as well. */
static bool held_by_another(const struct judge *j, const char *key, const char *value,
                            const char *id)
{
    const cJSON *states[] = {j->c->before, j->c->after}, *p;
    for (size_t i = 0; i < 2; i++) {
        cJSON_ArrayForEach (p, cJSON_GetObjectItemCaseSensitive(states[i], "members")) {
            const char *owner = owner_of_record(j->c->member_links_before, text_of(p, "id"));
            bool back = owner != NULL && fate_of(j, owner) == FATE_WORKS;
            if (!same_text(text_of(p, "id"), id) && holds(p, key, value) && (in_service(p) || back))
                return true;
        }
    }
    return false;
}

bool bound_elsewhere(const struct judge *j, const cJSON *m, const char *id)
{
    static const char *const keys[] = {"mobile", "email", "job_num"};
    const cJSON *was = find_record(j->c->before, "members", id), *other;
    for (size_t i = 0; was != NULL && i < sizeof(keys) / sizeof(keys[0]); i++) {
        const char *value = text_of(was, keys[i]);
        if (*value != '\0' && held_by_another(j, keys[i], value, id))
            return true;
        cJSON_ArrayForEach (other, cJSON_GetObjectItemCaseSensitive(j->c->wecom, "members")) {
            if (*value != '\0' && other != m && holds(other, keys[i], value))
                return true;
        }
    }
    return false;
}

/* One of his departments waits, for a reason that is judged there. */
static bool nowhere_to_go(struct judge *j, const cJSON *m)
{
    struct places want;
    find_places(j, m, NULL, &want);
    return want.doubtful;
}

/* He came in the course of a history, and his keys changed since: when he was linked or made,
 * nothing pointed at whom they point at now. */
static bool settled_before_that(const struct judge *j, const char *userid)
{
    return option_true(j, "history", false) && member_touched(j, userid, "member.created") &&
           member_touched(j, userid, "member.updated");
}

/* The mobile or e-mail is what somebody else logs in with, from when it was his (410007, eteams.md
 * §3): eteams refuses the newcomer, and an administrator sees that. */
static bool is_login_of_another(const struct judge *j, const char *key)
{
    const cJSON *record;
    cJSON_ArrayForEach (record, cJSON_GetObjectItemCaseSensitive(j->c->after, "members")) {
        if (*key != '\0' && same_text(text_of(record, "account"), key))
            return true;
    }
    return false;
}

static void judge_worker(struct judge *j, const cJSON *m, bool must)
{
    bool is_case = false;
    const char *userid = text_of(m, "userid");
    const cJSON *was = person_before(j, m, &is_case);
    const char *before = linked_member(j->c->member_links_before, userid_before(j, userid));
    const char *id = linked_member(j->c->member_links_after, userid);
    bool shared = contested(j, m);
    if (is_case && must && !shared) {
        judge_case(j, userid, was, before);
        return;
    }
    bool history = option_true(j, "history", false);
    if (was == NULL && must && may_be_there(j, m) && (id == NULL || !history)) {
        judge_case(j, userid, NULL, before);
        return;
    }
    if (id == NULL) {
        /* Rules 3 and 4. A key that nobody gives up, or a record that two want, is a case. */
        bool taken = false;
        for (size_t f = 0; f < sizeof(fields) / sizeof(fields[0]); f++)
            taken = taken || (is_key(&fields[f]) && *text_of(m, fields[f].wecom) != '\0' &&
                              holder(j, j->c->after, &fields[f], text_of(m, fields[f].wecom), ""));
        for (size_t f = 0; f < sizeof(fields) / sizeof(fields[0]) && history; f++)
            taken |= is_key(&fields[f]) && is_login_of_another(j, text_of(m, fields[f].wecom));
        if (must && !shared && !taken && !nowhere_to_go(j, m))
            differ(j, userid, "has no person in eteams");
        return;
    }
    const cJSON *is = find_record(j->c->after, "members", id);
    if (is == NULL || !in_service(is)) {
        if (must && !nowhere_to_go(j, m) && !bound_elsewhere(j, m, id))
            differ(j, userid, "works in WeCom, and his person %s does not", id);
        return;
    }
    /* Rule 4, decisions 18 to 20: the person that was there is the one. */
    if (must && !shared && was != NULL && !same_text(text_of(was, "id"), id) &&
        !settled_before_that(j, userid))
        differ(j, userid, "is linked with %s, not with %s, who is the same", id,
               text_of(was, "id"));
    was = find_record(j->c->before, "members", id);
    bool waits = nowhere_to_go(j, m);  /* maybe for his department, as a whole */
    bool as_he_was = waits && history; /* at whatever time that began */
    must = must && !waits;
    for (size_t f = 0; f < sizeof(fields) / sizeof(fields[0]) && !as_he_was; f++)
        judge_field(j, m, &fields[f], was, is, must);
    judge_places(j, m, was, is, must);
    judge_superiors(j, m, was, is, must);
    judge_single(j, userid, id);
}

/* ---- leavers ---- */

/* Rule 5, decisions 1, 22, 23: resigned, not deleted; posts removed, department = the root. */
static void judge_leaver(struct judge *j, const char *userid)
{
    bool sure = false;
    const char *id = linked_member(j->c->member_links_before, userid);
    const cJSON *was = id ? find_record(j->c->before, "members", id) : NULL;
    const cJSON *is = id ? find_record(j->c->after, "members", id) : NULL;
    const cJSON *admins = cJSON_GetObjectItemCaseSensitive(j->c->before, "admins");
    if (was == NULL || is == NULL)
        return;
    if (!in_service(was)) {
        judge_unchanged(j, was, "he had left already");
        return;
    }
    if (successor(j, userid, &sure) != NULL) { /* decision 19 */
        if (!in_service(is))
            differ(j, userid, "was resigned although he may have a new userid");
        if (!sure)
            judge_unchanged(j, was, "he may be a newcomer");
        return;
    }
    bool unknown =
        cJSON_GetArraySize(admins) == 0 || !option_true(j, "administrators_readable", true);
    if (unknown || kept_as_administrator(j, was) || option_true(j, "held", false)) {
        if (!in_service(is))
            differ(j, userid, "was resigned although that must not be");
        return;
    }
    if (in_service(is))
        differ(j, userid, "has left WeCom and is still in service");
    if (!same_text(main_department_of(is), root_of(j->c->before)))
        differ(j, userid, "left, and is not under the root");
    if (next_post(j->c->after, id, NULL) != NULL)
        differ(j, userid, "left, and still has part-time posts");
}

/* ---- everybody else ---- */

static void judge_unchanged(struct judge *j, const cJSON *was, const char *why)
{
    static const char *const names[] = {"username", "account", "mobile",          "email",
                                        "sex",      "job_num", "personnel_status"};
    const char *id = text_of(was, "id"), *name = text_of(was, "username");
    const cJSON *is = find_record(j->c->after, "members", id);
    for (size_t i = 0; is != NULL && i < sizeof(names) / sizeof(names[0]); i++) {
        if (!same_text(text_of(was, names[i]), text_of(is, names[i])))
            differ(j, name, "%s changed from \"%s\" to \"%s\" (%s)", names[i],
                   text_of(was, names[i]), text_of(is, names[i]), why);
    }
    if (is != NULL && !same_text(main_department_of(was), main_department_of(is)))
        differ(j, name, "was moved from %s to %s (%s)", main_department_of(was),
               main_department_of(is), why);
    if (is != NULL && !same_posts(j, id))
        differ(j, name, "part-time posts changed (%s)", why);
    if (is != NULL && !judge_own_superiors(j, was, is))
        differ(j, name, "superiors changed (%s)", why);
}

/* Two records of one member: made by us before the change of userid was known. */
static bool is_withdrawn_twin(const struct judge *j, const char *id)
{
    const char *owner = owner_of_record(j->c->member_links_before, id);
    return owner != NULL && !same_userid(userid_before(j, owner), owner);
}

/* Still in service though gone: only if nothing was heard of him, and then nothing changed. */
static void judge_left_alone(struct judge *j, const char *owner, const cJSON *was)
{
    if (!member_touched(j, owner, NULL))
        judge_unchanged(j, was, "nothing was heard of him");
}

static void judge_record(struct judge *j, const cJSON *is)
{
    const char *id = text_of(is, "id");
    const cJSON *was = find_record(j->c->before, "members", id);
    const char *before = owner_of_record(j->c->member_links_before, id);
    const char *after = owner_of_record(j->c->member_links_after, id);
    if (was == NULL) {
        bool history = option_true(j, "history", false);
        if (history && (!in_service(is) || find_wecom_member(j, after ? after : "") == NULL))
            return; /* came and went */
        if (after == NULL || find_wecom_member(j, after) == NULL)
            differ(j, text_of(is, "username"), "was made and stands for nobody in WeCom");
        else if (fate_of(j, after) != FATE_WORKS ||
                 !member_touched(j, userid_before(j, after), NULL))
            if (!member_touched(j, after, NULL))
                differ(j, after, "was made although nothing was heard of him");
        return;
    }
    const char *owner = after ? after : before;
    const cJSON *renamed = cJSON_GetObjectItemCaseSensitive(j->c->options, "renamed");
    bool moved_on = owner != NULL && cJSON_GetObjectItem(renamed, owner) != NULL;
    if (is_withdrawn_twin(j, id) || (moved_on && option_true(j, "history", false)))
        return; /* the other one is judged, or is deleted */
    if (owner == NULL)
        judge_unchanged(j, was, "he is eteams' own");
    else if (fate_of(j, owner) == FATE_NONE)
        judge_unchanged(j, was, "nothing is known of him");
    else if (fate_of(j, owner) == FATE_LEFT && in_service(is)) /* status 5 needs no event */
        judge_left_alone(j, owner, was);
}

void judge_members(struct judge *j)
{
    const cJSON *m, *link;
    cJSON_ArrayForEach (m, cJSON_GetObjectItemCaseSensitive(j->c->wecom, "members")) {
        const char *userid = text_of(m, "userid");
        bool must =
            member_touched(j, userid, NULL) || member_touched(j, userid_before(j, userid), NULL);
        if (fate_of(j, userid) == FATE_WORKS)
            judge_worker(j, m, must);
    }
    cJSON_ArrayForEach (link, j->c->member_links_before) {
        if (fate_of(j, link->string) == FATE_LEFT && member_touched(j, link->string, NULL))
            judge_leaver(j, link->string);
    }
    cJSON_ArrayForEach (m, cJSON_GetObjectItemCaseSensitive(j->c->after, "members"))
        judge_record(j, m);
}
