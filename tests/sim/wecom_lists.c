/* Reading departments, tags, the app's range and WeCom's own addresses (wecom.md §4.2, §4.4, §4.5).
 */
#include <stdlib.h>
#include <utlist.h>

#include "base/memory.h"
#include "wecom_sim.h"

static bool query_id(struct wecom_call *c, const char *name, uint32_t *ret)
{
    const char *text = sim_query(c->request, name);
    if (text == NULL || text[0] == '\0')
        return false;
    *ret = (uint32_t)strtoul(text, NULL, 10);
    return true;
}

static void put_department_leaders(struct wecom_call *c, const struct wecom_department *n)
{
    const struct wecom_membership *p;
    wecom_put_name(c->out, "department_leader");
    yq_buf_addc(c->out, '[');
    DL_FOREACH(n->memberships, p)
    {
        if (!p->leader || !wecom_call_sees_member(c, p->member))
            continue;
        wecom_put_comma(c->out);
        yq_buf_add_json_string(c->out, p->member->userid);
    }
    yq_buf_addc(c->out, ']');
}

static void put_department(struct wecom_call *c, const struct wecom_department *n)
{
    wecom_put_comma(c->out);
    yq_buf_addc(c->out, '{');
    wecom_put_int(c->out, "id", n->id);
    wecom_put_text(c->out, "name", n->name);
    put_department_leaders(c, n);
    /* The real parent, also where that is out of sight. */
    wecom_put_int(c->out, "parentid", n->parent ? n->parent->id : 0);
    wecom_put_int(c->out, "order", n->order);
    yq_buf_addc(c->out, '}');
}

static void put_department_id(struct wecom_call *c, const struct wecom_department *n)
{
    wecom_put_comma(c->out);
    yq_buf_addc(c->out, '{');
    wecom_put_int(c->out, "id", n->id);
    wecom_put_int(c->out, "parentid", n->parent ? n->parent->id : 0);
    wecom_put_int(c->out, "order", n->order);
    yq_buf_addc(c->out, '}');
}

typedef void put_one(struct wecom_call *c, const struct wecom_department *n);

/* All that the call sees, or what is beneath ?id=. */
static int list_departments(struct wecom_call *c, const char *name, put_one *put)
{
    struct wecom_directory *d = c->w->directory;
    const struct wecom_department *top = NULL;
    uint32_t id;
    if (query_id(c, "id", &id)) {
        top = wecom_department_find(d, id);
        if (top == NULL)
            return 60123;
        if (!wecom_call_sees_department(c, top))
            return 60011;
    }
    const struct wecom_department **found = yq_calloc(HASH_CNT(hh, d->departments), sizeof(void *));
    size_t count = 0;
    for (const struct wecom_department *n = d->departments; n != NULL; n = n->hh.next)
        if (wecom_call_sees_department(c, n) && (top == NULL || wecom_department_is_under(n, top)))
            found[count++] = n;
    size_t *order = wecom_shuffled(c->w, count);
    wecom_put_name(c->out, name);
    yq_buf_addc(c->out, '[');
    for (size_t i = 0; i < count; i++)
        put(c, found[order[i]]);
    yq_buf_addc(c->out, ']');
    free(order);
    free(found);
    return 0;
}

int wecom_department_list(struct wecom_call *c)
{
    return list_departments(c, "department", put_department);
}

int wecom_department_simplelist(struct wecom_call *c)
{
    return list_departments(c, "department_id", put_department_id);
}

int wecom_department_get(struct wecom_call *c)
{
    uint32_t id;
    if (!query_id(c, "id", &id))
        return 41019;
    const struct wecom_department *n = wecom_department_find(c->w->directory, id);
    if (n == NULL)
        return 60123;
    if (!wecom_call_sees_department(c, n))
        return 60011;
    wecom_put_name(c->out, "department");
    put_department(c, n);
    return 0;
}

int wecom_tag_list(struct wecom_call *c)
{
    wecom_put_name(c->out, "taglist");
    yq_buf_addc(c->out, '[');
    for (const struct wecom_tag *t = c->w->directory->tags; t != NULL; t = t->hh.next) {
        wecom_put_comma(c->out);
        yq_buf_addc(c->out, '{');
        wecom_put_int(c->out, "tagid", t->id);
        wecom_put_text(c->out, "tagname", t->name);
        yq_buf_addc(c->out, '}');
    }
    yq_buf_addc(c->out, ']');
    return 0;
}

int wecom_tag_get(struct wecom_call *c)
{
    uint32_t id;
    if (!query_id(c, "tagid", &id))
        return 41017;
    const struct wecom_tag *t = wecom_tag_find(c->w->directory, id);
    if (t == NULL)
        return 40068;
    wecom_put_text(c->out, "tagname", t->name);
    wecom_put_name(c->out, "userlist");
    yq_buf_addc(c->out, '[');
    for (size_t i = 0; i < t->member_count; i++) {
        if (!wecom_call_sees_member(c, t->members[i]))
            continue;
        wecom_put_comma(c->out);
        yq_buf_addc(c->out, '{');
        wecom_put_text(c->out, "userid", t->members[i]->userid);
        wecom_put_text(c->out, "name", t->members[i]->text[WECOM_NAME]);
        yq_buf_addc(c->out, '}');
    }
    yq_buf_adds(c->out, "],\"partylist\":[");
    for (size_t i = 0; i < t->department_count; i++) {
        wecom_put_comma(c->out);
        yq_buf_addf(c->out, "%u", t->departments[i]->id);
    }
    yq_buf_addc(c->out, ']');
    return 0;
}

static void put_range(struct wecom_call *c)
{
    const struct wecom_range *r = &c->w->directory->range;
    yq_buf_adds(c->out, ",\"allow_userinfos\":{\"user\":[");
    for (size_t i = 0; i < r->member_count; i++) {
        wecom_put_comma(c->out);
        yq_buf_addc(c->out, '{');
        wecom_put_text(c->out, "userid", r->members[i]->userid);
        yq_buf_addc(c->out, '}');
    }
    yq_buf_adds(c->out, "]},\"allow_partys\":{\"partyid\":[");
    for (size_t i = 0; i < r->department_count; i++)
        yq_buf_addf(c->out, i > 0 ? ",%u" : "%u", r->departments[i]->id);
    yq_buf_adds(c->out, "]},\"allow_tags\":{\"tagid\":[");
    for (size_t i = 0; i < r->tag_count; i++)
        yq_buf_addf(c->out, i > 0 ? ",%u" : "%u", r->tags[i]->id);
    yq_buf_adds(c->out, "]}");
}

int wecom_agent_get(struct wecom_call *c)
{
    const char *text = sim_query(c->request, "agentid");
    char *end;
    if (text == NULL || text[0] == '\0')
        return 41011;
    long long id = strtoll(text, &end, 10);
    if (*end != '\0')
        return 40056;
    if (id != c->w->agent_id)
        return 301002;
    wecom_put_int(c->out, "agentid", id);
    wecom_put_text(c->out, "name", "yunqiao");
    wecom_put_text(c->out, "description", "");
    put_range(c);
    yq_buf_adds(c->out, ",\"close\":0,\"redirect_domain\":\"\",\"report_location_flag\":0,"
                        "\"isreportenter\":0,\"home_url\":\"\"");
    return 0;
}

int wecom_getcallbackip(struct wecom_call *c)
{
    yq_buf_adds(c->out, ",\"ip_list\":[\"127.0.0.1\",\"101.226.103.*\"]");
    return 0;
}
