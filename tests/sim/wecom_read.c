/* Reading members: /cgi-bin/user/get, simplelist, list, list_id (wecom.md §4.3). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "base/json.h"
#include "base/memory.h"
#include "wecom_sim.h"

#define LIST_ID_MAX 10000

enum place_list { IDS, ORDERS, LEADER_IN };

/* Only what the call may see; the three lists of a member stay parallel. */
static void put_places(struct wecom_call *c, const struct wecom_member *m, const char *name,
                       enum place_list which)
{
    wecom_put_name(c->out, name);
    yq_buf_addc(c->out, '[');
    for (size_t i = 0; i < m->place_count; i++) {
        const struct wecom_membership *p = m->places[i];
        if (!wecom_call_sees_department(c, p->department))
            continue;
        wecom_put_comma(c->out);
        yq_buf_addf(c->out, "%u",
                    which == IDS      ? p->department->id
                    : which == ORDERS ? p->order
                                      : p->leader);
    }
    yq_buf_addc(c->out, ']');
}

static void put_leaders(struct wecom_call *c, const struct wecom_member *m)
{
    wecom_put_name(c->out, "direct_leader");
    yq_buf_addc(c->out, '[');
    for (size_t i = 0; i < m->leader_count; i++) {
        if (!wecom_call_sees_member(c, m->leaders[i]))
            continue;
        wecom_put_comma(c->out);
        yq_buf_add_json_string(c->out, m->leaders[i]->userid);
    }
    yq_buf_addc(c->out, ']');
}

static void put_sensitive(struct wecom_call *c, const struct wecom_member *m)
{
    char gender[] = {(char)('0' + m->gender), '\0'};
    wecom_put_text(c->out, "mobile", m->text[WECOM_MOBILE]);
    wecom_put_text(c->out, "gender", gender);
    wecom_put_text(c->out, "email", m->text[WECOM_EMAIL]);
    yq_buf_adds(c->out, ",\"biz_mail\":\"\",\"avatar\":\"\",\"thumb_avatar\":\"\",\"qr_code\":\"\","
                        "\"address\":\"\"");
}

static void put_details(struct wecom_call *c, const struct wecom_member *m)
{
    wecom_put_text(c->out, "userid", m->userid);
    wecom_put_text(c->out, "name", m->text[WECOM_NAME]);
    put_places(c, m, "department", IDS);
    put_places(c, m, "order", ORDERS);
    wecom_put_text(c->out, "position", m->text[WECOM_POSITION]);
    wecom_put_int(c->out, "status", m->status);
    put_places(c, m, "is_leader_in_dept", LEADER_IN);
    put_leaders(c, m);
    wecom_put_text(c->out, "telephone", m->text[WECOM_TELEPHONE]);
    wecom_put_text(c->out, "alias", m->text[WECOM_ALIAS]);
    if (wecom_call_sees_department(c, m->main))
        wecom_put_int(c->out, "main_department", m->main->id);
    yq_buf_adds(c->out, ",\"extattr\":{\"attrs\":[]},\"external_position\":\"\","
                        "\"external_profile\":{\"external_corp_name\":\"\",\"external_attr\":[]}");
    if (c->kind == WECOM_CONTACTS || c->w->settings.sensitive)
        put_sensitive(c, m);
}

int wecom_user_get(struct wecom_call *c)
{
    const char *userid = sim_query(c->request, "userid");
    if (userid == NULL || userid[0] == '\0')
        return 41009;
    const struct wecom_member *m = wecom_member_find(c->w->directory, userid);
    if (m == NULL || !wecom_call_sees_member(c, m))
        return 60111;
    put_details(c, m);
    return 0;
}

static void put_simple(struct wecom_call *c, const struct wecom_member *m)
{
    wecom_put_text(c->out, "userid", m->userid);
    wecom_put_text(c->out, "name", m->text[WECOM_NAME]);
    put_places(c, m, "department", IDS);
}

/* The direct members of ?department_id=, each written by `put`. */
static int list_members(struct wecom_call *c,
                        void (*put)(struct wecom_call *, const struct wecom_member *))
{
    const char *text = sim_query(c->request, "department_id");
    if (text == NULL || text[0] == '\0')
        return 41019;
    const struct wecom_department *n =
        wecom_department_find(c->w->directory, (uint32_t)strtoul(text, NULL, 10));
    if (n == NULL)
        return 60123;
    if (!wecom_call_sees_department(c, n))
        return 60011;

    const struct wecom_member **members = yq_calloc(n->member_count, sizeof *members);
    size_t *order = wecom_shuffled(c->w, n->member_count), count = 0;
    const struct wecom_membership *p;
    DL_FOREACH(n->memberships, p)
    {
        members[count++] = p->member;
    }
    wecom_put_name(c->out, "userlist");
    yq_buf_addc(c->out, '[');
    for (size_t i = 0; i < count; i++) {
        wecom_put_comma(c->out);
        yq_buf_addc(c->out, '{');
        put(c, members[order[i]]);
        yq_buf_addc(c->out, '}');
    }
    yq_buf_addc(c->out, ']');
    free(order);
    free(members);
    return 0;
}

int wecom_user_simplelist(struct wecom_call *c)
{
    return list_members(c, put_simple);
}

int wecom_user_list(struct wecom_call *c)
{
    return list_members(c, put_details);
}

/* Where a page begins: a member by number, and which of the memberships. */
struct cursor {
    size_t number, place;
};

static bool parse_cursor(struct wecom *w, const char *text, struct cursor *ret)
{
    unsigned long long epoch;
    size_t number, place;
    int end = 0;
    if (text == NULL || text[0] == '\0') {
        *ret = (struct cursor){0, 0};
        return true;
    }
    if (sscanf(text, "c%llx_%zx_%zx%n", &epoch, &number, &place, &end) != 3 || text[end] != '\0' ||
        epoch != w->epoch || number >= w->directory->list_len)
        return false;
    *ret = (struct cursor){number, place};
    return true;
}

/* Collects up to `limit` memberships from *at on, which is moved behind them. */
static size_t take_page(struct wecom_directory *d, struct cursor *at,
                        const struct wecom_membership **page, size_t limit)
{
    size_t count = 0;
    for (; at->number < d->list_len; at->number++, at->place = 0) {
        const struct wecom_member *m = d->list[at->number];
        for (; m != NULL && at->place < m->place_count; at->place++) {
            if (count == limit)
                return count;
            page[count++] = m->places[at->place];
        }
    }
    return count;
}

int wecom_user_list_id(struct wecom_call *c)
{
    struct cursor at;
    struct wecom_directory *d = c->w->directory;
    int64_t limit = wecom_get_int(c->body, "limit", LIST_ID_MAX);
    if (limit < 1 || limit > LIST_ID_MAX)
        return 40058;
    if (!parse_cursor(c->w, wecom_get_text(c->body, "cursor"), &at))
        return 50100;

    const struct wecom_membership **page = yq_calloc((size_t)limit, sizeof(void *));
    size_t count = take_page(d, &at, page, (size_t)limit);
    size_t *order = wecom_shuffled(c->w, count);
    char next[80] = "";
    if (at.number < d->list_len)
        snprintf(next, sizeof next, "c%llx_%zx_%zx", (unsigned long long)c->w->epoch, at.number,
                 at.place);
    wecom_put_text(c->out, "next_cursor", next);
    wecom_put_name(c->out, "dept_user");
    yq_buf_addc(c->out, '[');
    for (size_t i = 0; i < count; i++) {
        const struct wecom_membership *p = page[order[i]];
        wecom_put_comma(c->out);
        yq_buf_addc(c->out, '{');
        wecom_put_text(c->out, "userid", p->member->userid);
        wecom_put_int(c->out, "department", p->department->id);
        yq_buf_addc(c->out, '}');
    }
    yq_buf_addc(c->out, ']');
    free(order);
    free(page);
    return 0;
}
