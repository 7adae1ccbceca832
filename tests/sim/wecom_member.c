/* Members of the simulated company: made, changed, renamed, deleted (wecom.md §5.1). */
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "base/memory.h"
#include "wecom_directory.h"

const char *const wecom_text_names[WECOM_TEXTS] = {
    [WECOM_NAME] = "name",   [WECOM_POSITION] = "position", [WECOM_MOBILE] = "mobile",
    [WECOM_EMAIL] = "email", [WECOM_ALIAS] = "alias",       [WECOM_TELEPHONE] = "telephone"};

struct wecom_member *wecom_member_find(struct wecom_directory *d, const char *userid)
{
    struct wecom_member *found = NULL;
    char *key = wecom_lower_case(userid);
    HASH_FIND(hh, d->members, key, strlen(key), found);
    free(key);
    return found;
}

static bool lists(const struct wecom_member_input *in, uint32_t id)
{
    for (size_t i = 0; i < in->department_count; i++)
        if (in->departments[i] == id)
            return true;
    return false;
}

static void set_text(struct wecom_directory *d, struct wecom_member *m, enum wecom_text which,
                     const char *value)
{
    char *copy = yq_strdup(value);
    free(m->text[which]);
    m->text[which] = copy;
    if (which == WECOM_MOBILE) {
        if (m->mobile_key != NULL)
            HASH_DELETE(hh_mobile, d->by_mobile, m);
        free(m->mobile_key);
        m->mobile_key = wecom_mobile_key(copy);
        if (m->mobile_key != NULL)
            HASH_ADD_KEYPTR(hh_mobile, d->by_mobile, m->mobile_key, strlen(m->mobile_key), m);
    } else if (which == WECOM_EMAIL) {
        if (m->email_key != NULL)
            HASH_DELETE(hh_email, d->by_email, m);
        free(m->email_key);
        m->email_key = copy[0] ? wecom_lower_case(copy) : NULL;
        if (m->email_key != NULL)
            HASH_ADD_KEYPTR(hh_email, d->by_email, m->email_key, strlen(m->email_key), m);
    }
}

static void leave_all(struct wecom_member *m)
{
    for (size_t i = 0; i < m->place_count; i++) {
        struct wecom_membership *p = m->places[i];
        DL_DELETE(p->department->memberships, p);
        p->department->member_count--;
        free(p);
    }
    free(m->places);
    m->places = NULL;
    m->place_count = 0;
}

static void enter(struct wecom_member *m, size_t i, struct wecom_department *department)
{
    struct wecom_membership *p = yq_calloc(1, sizeof *p);
    p->member = m;
    p->department = department;
    DL_APPEND(department->memberships, p);
    department->member_count++;
    m->places[i] = p;
}

static bool same_departments(const struct wecom_member *m, const struct wecom_member_input *in)
{
    if (m->place_count != in->department_count)
        return false;
    for (size_t i = 0; i < m->place_count; i++)
        if (m->places[i]->department->id != in->departments[i])
            return false;
    return true;
}

/* Puts the member into the departments of the input; order and leadership start anew (wecom.md
 * §5.1). */
static unsigned set_departments(struct wecom_directory *d, struct wecom_member *m,
                                const struct wecom_member_input *in)
{
    if (same_departments(m, in))
        return 0;
    uint32_t main = m->main ? m->main->id : 0;
    bool led = false;
    for (size_t i = 0; i < m->place_count; i++)
        led = led || m->places[i]->leader;
    leave_all(m);
    m->places = yq_calloc(in->department_count, sizeof *m->places);
    m->place_count = in->department_count;
    for (size_t i = 0; i < in->department_count; i++)
        enter(m, i, wecom_department_find(d, in->departments[i]));
    m->main = lists(in, main) ? wecom_department_find(d, main) : m->places[0]->department;
    return WECOM_CHANGED_DEPARTMENTS | (m->main->id != main ? WECOM_CHANGED_MAIN : 0) |
           (led ? WECOM_CHANGED_LEADER_IN : 0);
}

static unsigned set_places(struct wecom_directory *d, struct wecom_member *m,
                           const struct wecom_member_input *in)
{
    uint32_t main = m->main ? m->main->id : 0;
    unsigned changed = in->has_departments ? set_departments(d, m, in) : 0;
    for (size_t i = 0; in->has_orders && i < m->place_count; i++)
        m->places[i]->order = in->orders[i];
    for (size_t i = 0; in->has_leader_in && i < m->place_count; i++) {
        if (m->places[i]->leader != in->leader_in[i])
            changed |= WECOM_CHANGED_LEADER_IN;
        m->places[i]->leader = in->leader_in[i];
    }
    if (in->main >= 0)
        m->main = wecom_department_find(d, (uint32_t)in->main);
    changed &= ~WECOM_CHANGED_MAIN;
    return changed | (m->main->id != main ? WECOM_CHANGED_MAIN : 0);
}

static unsigned set_direct(struct wecom_directory *d, struct wecom_member *m,
                           const struct wecom_member_input *in)
{
    bool same = m->leader_count == in->direct_count;
    for (size_t i = 0; same && i < in->direct_count; i++)
        same = m->leaders[i] == wecom_member_find(d, in->direct[i]);
    if (same)
        return 0;
    for (size_t i = 0; i < m->leader_count; i++)
        m->leaders[i]->led--;
    m->leader_count = in->direct_count;
    for (size_t i = 0; i < in->direct_count; i++) {
        m->leaders[i] = wecom_member_find(d, in->direct[i]);
        m->leaders[i]->led++;
    }
    return WECOM_CHANGED_DIRECT;
}

static unsigned apply(struct wecom_directory *d, struct wecom_member *m,
                      const struct wecom_member_input *in)
{
    unsigned changed = 0;
    for (enum wecom_text t = 0; t < WECOM_TEXTS; t++) {
        if (in->text[t] == NULL || strcmp(in->text[t], m->text[t]) == 0)
            continue;
        set_text(d, m, t, in->text[t]);
        changed |= WECOM_CHANGED(t);
    }
    if (in->gender >= 0 && in->gender != m->gender) {
        m->gender = in->gender;
        changed |= WECOM_CHANGED_GENDER;
    }
    if (in->status >= 0 && in->status != m->status) {
        m->status = in->status;
        changed |= WECOM_CHANGED_STATUS;
    }
    m->activated = m->activated || m->status == WECOM_ACTIVE;
    changed |= set_places(d, m, in);
    return in->has_direct ? changed | set_direct(d, m, in) : changed;
}

int wecom_member_create(struct wecom_directory *d, const char *userid,
                        const struct wecom_member_input *input, struct wecom_member **ret)
{
    struct wecom_member_input in = *input;
    if (userid == NULL || !wecom_userid_is_legal(userid))
        return 40003;
    if (wecom_member_find(d, userid) != NULL)
        return 60102;
    if (in.text[WECOM_NAME] == NULL)
        return 60112;
    int code = wecom_member_check(d, &in, NULL);
    if (code != 0)
        return code;

    if (!in.has_departments) {
        in.has_departments = true;
        in.departments[0] = WECOM_ROOT;
        in.department_count = 1;
    }
    struct wecom_member *m = yq_calloc(1, sizeof *m);
    for (enum wecom_text t = 0; t < WECOM_TEXTS; t++)
        m->text[t] = yq_strdup("");
    m->userid = yq_strdup(userid);
    m->key = wecom_lower_case(userid);
    m->status = WECOM_NOT_ACTIVATED;
    HASH_ADD_KEYPTR(hh, d->members, m->key, strlen(m->key), m);
    m->number = d->list_len;
    yq_grow(&d->list, &d->list_cap, d->list_len, sizeof *d->list);
    d->list[d->list_len++] = m;
    (void)apply(d, m, &in);
    *ret = m;
    return 0;
}

int wecom_member_update(struct wecom_directory *d, struct wecom_member *m,
                        const struct wecom_member_input *input, unsigned *ret_changed)
{
    int code = wecom_member_check(d, input, m);
    if (code == 0)
        *ret_changed = apply(d, m, input);
    return code;
}

int wecom_member_rename(struct wecom_directory *d, struct wecom_member *m, const char *userid)
{
    if (!wecom_userid_is_legal(userid))
        return 40003;
    const struct wecom_member *other = wecom_member_find(d, userid);
    if (other != NULL && other != m)
        return 60102;
    if (m->renamed)
        return 301036;
    HASH_DELETE(hh, d->members, m);
    free(m->userid);
    free(m->key);
    m->userid = yq_strdup(userid);
    m->key = wecom_lower_case(userid);
    m->renamed = true;
    HASH_ADD_KEYPTR(hh, d->members, m->key, strlen(m->key), m);
    return 0;
}

static void forget_leader(struct wecom_directory *d, const struct wecom_member *leader)
{
    for (size_t n = 0; n < d->list_len; n++) {
        struct wecom_member *m = d->list[n];
        size_t kept = 0;
        for (size_t i = 0; m != NULL && i < m->leader_count; i++)
            if (m->leaders[i] != leader)
                m->leaders[kept++] = m->leaders[i];
        if (m != NULL)
            m->leader_count = kept;
    }
}

int wecom_member_delete(struct wecom_directory *d, struct wecom_member *m)
{
    if (d->creator != NULL && strcmp(d->creator, m->key) == 0)
        return 301005;
    if (m->led > 0)
        forget_leader(d, m);
    for (size_t i = 0; i < m->leader_count; i++)
        if (m->leaders[i]->led > 0)
            m->leaders[i]->led--;
    wecom_marks_forget_member(d, m);
    leave_all(m);
    for (enum wecom_text t = 0; t < WECOM_TEXTS; t++) {
        if (t == WECOM_MOBILE || t == WECOM_EMAIL)
            set_text(d, m, t, ""); /* out of the index */
        free(m->text[t]);
    }
    HASH_DELETE(hh, d->members, m);
    d->list[m->number] = NULL;
    free(m->userid);
    free(m->key);
    free(m);
    return 0;
}
