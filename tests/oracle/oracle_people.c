/* Who is who: which eteams person a WeCom member is, who has left, who must stay. */
#include <stdio.h>
#include <string.h>

#include "facts.h"

static const cJSON *renamed(const struct judge *j)
{
    return cJSON_GetObjectItemCaseSensitive(j->c->options, "renamed");
}

const char *userid_before(const struct judge *j, const char *userid)
{
    const cJSON *item;
    cJSON_ArrayForEach (item, renamed(j)) {
        if (cJSON_IsString(item) && same_userid(item->valuestring, userid))
            return item->string;
    }
    return userid;
}

static bool was_renamed(const struct judge *j, const char *userid)
{
    const cJSON *item;
    cJSON_ArrayForEach (item, renamed(j)) {
        if (same_userid(item->string, userid))
            return true;
    }
    return false;
}

static bool unreadable(const struct judge *j, const char *userid)
{
    char subject[96];
    (void)snprintf(subject, sizeof(subject), "member:%s", userid);
    return option_lists(j, "unreadable", subject) || option_lists(j, "never_touch", subject);
}

/* Decisions 1, 21, 37: gone is who was deleted and is not there, or has status 5; who is out of
 * sight or merely absent is left as he is. */
enum fate fate_of(const struct judge *j, const char *userid)
{
    const cJSON *m = find_wecom_member(j, userid);
    if (unreadable(j, userid))
        return FATE_NONE;
    if (m == NULL) {
        bool deleted = member_touched(j, userid, "member.deleted");
        return deleted && !was_renamed(j, userid) ? FATE_LEFT : FATE_NONE;
    }
    if (!member_visible(j, userid))
        return FATE_NONE;
    uint32_t status = id_of(m, "status");
    if (status == 5)
        return FATE_LEFT;
    if (status == 2 && option_is(j, "disabled_members", "resign"))
        return FATE_LEFT;
    return FATE_WORKS;
}

/* ---- decision 3 ---- */

enum key { KEY_ACCOUNT, KEY_MOBILE, KEY_EMAIL, KEY_JOB_NUM, KEYS };

static bool key_matches(const struct judge *j, const cJSON *member, const cJSON *person,
                        enum key key)
{
    const char *userid = text_of(member, "userid");
    bool sensitive = option_true(j, "sensitive_readable", true);
    const char *mobile = sensitive ? text_of(member, "mobile") : "";
    const char *email = sensitive ? text_of(member, "email") : "";
    switch (key) {
    case KEY_ACCOUNT:
        return same_userid(text_of(person, "account"), userid);
    case KEY_MOBILE:
        return *mobile != '\0' && same_mobile(text_of(person, "mobile"), mobile);
    case KEY_EMAIL:
        return *email != '\0' && same_email(text_of(person, "email"), email);
    case KEY_JOB_NUM:
    case KEYS:
        break;
    }
    return same_userid(text_of(person, "job_num"), userid);
}

/* In service, a main identity, and nobody else's already. */
static bool is_candidate(const struct judge *j, const cJSON *person)
{
    return in_service(person) && !same_text(text_of(person, "identity"), "secondary") &&
           owner_of_record(j->c->member_links_before, text_of(person, "id")) == NULL;
}

static bool has_new_link_only(const struct judge *j, const cJSON *member)
{
    const char *userid = text_of(member, "userid");
    const char *id = linked_member(j->c->member_links_before, userid_before(j, userid));
    return id == NULL || find_record(j->c->before, "members", id) == NULL;
}

/* The strongest key by which the member could be that person; KEYS where there is none. A job
 * number is a hit only under the same name. */
static enum key strongest_key(const struct judge *j, const cJSON *member, const cJSON *person)
{
    for (enum key key = KEY_ACCOUNT; key < KEY_JOB_NUM; key++) {
        if (key_matches(j, member, person, key))
            return key;
    }
    bool named = same_name(text_of(person, "username"), text_of(member, "name"));
    return named && key_matches(j, member, person, KEY_JOB_NUM) ? KEY_JOB_NUM : KEYS;
}

/* Another member of this run whom a stronger key makes that person: one person is linked once. */
static const cJSON *claimant(const struct judge *j, const cJSON *member, const cJSON *person)
{
    const cJSON *m, *found = NULL;
    enum key strongest = strongest_key(j, member, person);
    cJSON_ArrayForEach (m, cJSON_GetObjectItemCaseSensitive(j->c->wecom, "members")) {
        const char *userid = text_of(m, "userid");
        enum key key = strongest_key(j, m, person);
        if (key < strongest && m != member && member_touched(j, userid, NULL) &&
            fate_of(j, userid) == FATE_WORKS && has_new_link_only(j, m)) {
            strongest = key;
            found = m;
        }
    }
    return found;
}

/* One person, and no key pointing elsewhere; else a case. Whom a stronger key makes another member
 * is not meant, unless that member is a case: then nobody can say who he is. */
static const cJSON *search_person(const struct judge *j, const cJSON *member, int depth,
                                  bool *ret_case)
{
    const cJSON *found = NULL, *p;
    cJSON_ArrayForEach (p, cJSON_GetObjectItemCaseSensitive(j->c->before, "members")) {
        if (strongest_key(j, member, p) == KEYS || !is_candidate(j, p))
            continue;
        const cJSON *other = claimant(j, member, p);
        if (other == NULL) {
            *ret_case = *ret_case || found != NULL;
            found = p;
        } else if (depth > 0) {
            bool his_case = false;
            bool his = search_person(j, other, depth - 1, &his_case) == p;
            *ret_case = *ret_case || his_case || !his;
        }
    }
    return found;
}

static const cJSON *find_person(const struct judge *j, const cJSON *member, bool *ret_case)
{
    return search_person(j, member, 8, ret_case);
}

/* Decision 17: left in eteams, works in W: only W saying so anew, or a command, takes back; 18: one
 * whom we resigned comes back, unless the account is somebody else's now. */
static bool comes_back(const struct judge *j, const cJSON *member, const cJSON *person)
{
    const char *userid = text_of(member, "userid");
    const cJSON *p,
        *link = cJSON_GetObjectItem(j->c->member_links_before, userid_before(j, userid));
    bool ours = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(link, "left"));
    if (!ours && !member_touched(j, userid, "member.created") &&
        !member_touched(j, userid, "command.sync"))
        return false;
    cJSON_ArrayForEach (p, cJSON_GetObjectItemCaseSensitive(j->c->before, "members")) {
        if (p != person && is_candidate(j, p) && key_matches(j, member, p, KEY_ACCOUNT))
            return false;
    }
    return true;
}

bool contested(const struct judge *j, const cJSON *member)
{
    const cJSON *p;
    if (!option_true(j, "history", false) || !has_new_link_only(j, member))
        return false;
    cJSON_ArrayForEach (p, cJSON_GetObjectItemCaseSensitive(j->c->before, "members")) {
        const char *owner = owner_of_record(j->c->member_links_after, text_of(p, "id"));
        bool others = owner != NULL && !same_userid(owner, text_of(member, "userid"));
        for (enum key key = KEY_ACCOUNT; others && key < KEYS; key++) {
            if (is_candidate(j, p) && key_matches(j, member, p, key))
                return true;
        }
    }
    return false;
}

const cJSON *person_before(const struct judge *j, const cJSON *member, bool *ret_case)
{
    const char *id =
        linked_member(j->c->member_links_before, userid_before(j, text_of(member, "userid")));
    const cJSON *person = id != NULL ? find_record(j->c->before, "members", id) : NULL;
    bool sure = true;
    if (person != NULL) { /* the stored link comes first */
        *ret_case = !in_service(person) && !comes_back(j, member, person);
        return person;
    }
    const char *old = predecessor(j, member, &sure);
    if (old != NULL) { /* decision 19 */
        *ret_case = !sure;
        return find_record(j->c->before, "members", linked_member(j->c->member_links_before, old));
    }
    return find_person(j, member, ret_case);
}

/* ---- decision 19 ---- */

/* Where the newcomer belongs: his main department, else the first visible one, else the root. True
 * also where that has no counterpart yet, or one that is disabled, so that nobody can tell. */
static bool in_that_department(const struct judge *j, const cJSON *member, const cJSON *person)
{
    const cJSON *item;
    uint32_t place = id_of(member, "main_department");
    cJSON_ArrayForEach (item, cJSON_GetObjectItemCaseSensitive(member, "departments")) {
        if (!department_visible(j, place))
            place = (uint32_t)item->valuedouble;
    }
    if (!department_visible(j, place))
        place = 1;
    const char *id = counterpart(j, j->c->department_links_after, place);
    const cJSON *is = id ? find_record(j->c->after, "departments", id) : NULL;
    return !same_text(text_of(is, "status"), "1") || same_text(id, main_department_of(person));
}

/* Both sides have a key of that kind that can be read, and they differ. */
static bool told_apart(const struct judge *j, const cJSON *member, const cJSON *person)
{
    if (!option_true(j, "sensitive_readable", true))
        return false;
    return (*text_of(member, "mobile") != '\0' && *text_of(person, "mobile") != '\0') ||
           (*text_of(member, "email") != '\0' && *text_of(person, "email") != '\0');
}

/* Could the new member be the person of a deleted one? The names must be the same: else it is a
 * joiner who took over a leaver's mobile (decision 36). Two of one name and department whose
 * mobiles or e-mails are known and differ are two people. */
static bool could_be(const struct judge *j, const cJSON *member, const cJSON *person,
                     bool *ret_sure)
{
    bool key =
        key_matches(j, member, person, KEY_MOBILE) || key_matches(j, member, person, KEY_EMAIL);
    bool alike = in_that_department(j, member, person) && !told_apart(j, member, person);
    *ret_sure = key;
    return same_name(text_of(member, "name"), text_of(person, "username")) && (key || alike);
}

/* "A delete and a create": the newcomer was created, and is nobody whom eteams already knows. */
static bool is_joiner(const struct judge *j, const cJSON *member)
{
    const char *userid = text_of(member, "userid");
    bool is_case = false;
    return member_touched(j, userid, "member.created") && fate_of(j, userid) == FATE_WORKS &&
           has_new_link_only(j, member) && find_person(j, member, &is_case) == NULL && !is_case;
}

/* The person of somebody who was deleted and was in service till now. */
static const cJSON *leaver(const struct judge *j, const char *userid)
{
    const char *id = linked_member(j->c->member_links_before, userid);
    const cJSON *person = id ? find_record(j->c->before, "members", id) : NULL;
    bool gone = find_wecom_member(j, userid) == NULL && fate_of(j, userid) == FATE_LEFT;
    return gone && person != NULL && in_service(person) ? person : NULL;
}

const char *predecessor(const struct judge *j, const cJSON *member, bool *ret_sure)
{
    const char *found = NULL;
    const cJSON *link;
    if (!is_joiner(j, member))
        return NULL;
    cJSON_ArrayForEach (link, j->c->member_links_before) {
        const cJSON *person = leaver(j, link->string);
        bool sure;
        if (person == NULL || !could_be(j, member, person, &sure) || (found && !sure))
            continue;
        bool other_is_sure = false;
        (void)successor(j, link->string, &other_is_sure);
        if (other_is_sure && !sure)
            continue; /* it is somebody else, for certain */
        found = link->string;
        *ret_sure = sure;
    }
    return found;
}

const cJSON *successor(const struct judge *j, const char *userid, bool *ret_sure)
{
    const cJSON *person = leaver(j, userid), *found = NULL, *m;
    if (person == NULL)
        return NULL;
    cJSON_ArrayForEach (m, cJSON_GetObjectItemCaseSensitive(j->c->wecom, "members")) {
        bool sure;
        if (!is_joiner(j, m) || !could_be(j, m, person, &sure) || (found && !sure))
            continue;
        found = m;
        *ret_sure = sure;
    }
    return found;
}

/* ---- decision 4: nobody is made twice ---- */

/* Somebody else of this run is that person, by a key. */
static bool is_of_another(const struct judge *j, const cJSON *member, const cJSON *person)
{
    const cJSON *m;
    const char *owner = owner_of_record(j->c->member_links_after, text_of(person, "id"));
    if (owner != NULL && !same_userid(owner, text_of(member, "userid")))
        return true;
    cJSON_ArrayForEach (m, cJSON_GetObjectItemCaseSensitive(j->c->wecom, "members")) {
        const char *userid = text_of(m, "userid");
        bool is_case = false;
        if (m != member && member_touched(j, userid, NULL) && fate_of(j, userid) == FATE_WORKS &&
            has_new_link_only(j, m) && find_person(j, m, &is_case) == person && !is_case)
            return true;
    }
    return false;
}

static bool sits_in(const struct judge *j, const cJSON *person, const char *department)
{
    const cJSON *item;
    cJSON_ArrayForEach (item, cJSON_GetObjectItemCaseSensitive(person, "department")) {
        if (cJSON_IsString(item) && same_text(item->valuestring, department))
            return true;
    }
    return has_post(j->c->before, text_of(person, "id"), department);
}

/* Is he in what stands for one of the member's departments; of none visible, under the root? */
static bool shares_department(const struct judge *j, const cJSON *member, const cJSON *person)
{
    const cJSON *item;
    bool any = false;
    cJSON_ArrayForEach (item, cJSON_GetObjectItemCaseSensitive(member, "departments")) {
        uint32_t place = (uint32_t)item->valuedouble;
        if (!department_visible(j, place))
            continue;
        any = true;
        const char *id = counterpart(j, j->c->department_links_after, place);
        if (id != NULL && sits_in(j, person, id))
            return true;
    }
    return !any && sits_in(j, person, root_of(j->c->before));
}

bool may_be_there(const struct judge *j, const cJSON *member)
{
    const cJSON *p;
    if (option_true(j, "sensitive_readable", true) || !has_new_link_only(j, member) ||
        member_touched(j, text_of(member, "userid"), "command.sync"))
        return false;
    cJSON_ArrayForEach (p, cJSON_GetObjectItemCaseSensitive(j->c->before, "members")) {
        if (is_candidate(j, p) && same_name(text_of(p, "username"), text_of(member, "name")) &&
            shares_department(j, member, p) && !is_of_another(j, member, p))
            return true;
    }
    return false;
}

/* ---- rule 13 ---- */

static bool id_less(const char *a, const char *b)
{
    size_t n = strlen(a), m = strlen(b);
    return n != m ? n < m : strcmp(a, b) < 0;
}

static bool serves(const cJSON *state, const cJSON *administrator)
{
    const cJSON *p = find_record(state, "members", text_of(administrator, "id"));
    return p != NULL && in_service(p) && !same_text(text_of(administrator, "adminType"), "sub");
}

/* Rule 13: unless another administrator stays, he does. Decision 22: of several who all leave, the
 * one with the smallest id. */
bool kept_as_administrator(const struct judge *j, const cJSON *person)
{
    const cJSON *admins = cJSON_GetObjectItemCaseSensitive(j->c->before, "admins"), *a;
    const char *smallest = NULL, *self = text_of(person, "id");
    cJSON_ArrayForEach (a, admins) {
        const char *id = text_of(a, "id");
        if (!serves(j->c->before, a))
            continue;
        if (!same_text(id, self) && serves(j->c->after, a))
            return false;
        if (smallest == NULL || id_less(id, smallest))
            smallest = id;
    }
    bool one_run = !option_true(j, "history", false);
    return smallest != NULL && (same_text(smallest, self) || !one_run);
}
