/* The world as JSON for the oracle, and what must be true of it at every moment. */
#include <string.h>
#include <strings.h>

#include "model/normal.h"
#include "world.h"

/* ---- what must always be true ---- */

static void line(struct yq_buf *out, size_t *lines, const char *what, const char *whom)
{
    yq_buf_addf(out, "the tree is wrong: %s %s\n", what, whom);
    (*lines)++;
}

static void check_org(const struct world *w, size_t at, struct yq_buf *out, size_t *lines)
{
    const struct world_org *o = &w->orgs[at], *above = o;
    size_t depth = 0;
    while (above != NULL && above->parent != NULL && depth++ <= w->org_count)
        above = world_org(w, above->parent);
    if (above == NULL || above->parent != NULL)
        line(out, lines, "no way to the root from", o->id);
    const struct world_org *parent = world_org(w, o->parent);
    if (o->enabled && parent != NULL && !parent->enabled)
        line(out, lines, "enabled below a disabled one:", o->id);
    for (size_t i = 0; i < at; i++) {
        const struct world_org *other = &w->orgs[i];
        if (o->parent == NULL && other->parent == NULL)
            line(out, lines, "two roots:", o->id);
        if (o->parent != NULL && other->parent != NULL && o->enabled && other->enabled &&
            strcmp(o->parent, other->parent) == 0 && strcmp(o->name, other->name) == 0)
            line(out, lines, "two siblings of the name", o->name);
    }
}

size_t world_check(const struct world *w, struct yq_buf *out)
{
    size_t lines = 0;
    for (size_t i = 0; i < w->org_count; i++)
        check_org(w, i, out, &lines);
    for (size_t i = 0; i < w->person_count; i++) {
        const struct world_org *o = world_org(w, w->people[i].department);
        if (o == NULL)
            line(out, &lines, "somebody without a department:", w->people[i].id);
        else if (!o->enabled && w->people[i].in_service)
            line(out, &lines, "somebody in a disabled department:", w->people[i].id);
    }
    return lines;
}

/* ---- as JSON ---- */

static void put_text(struct yq_buf *out, const char *name, const char *value)
{
    yq_buf_addf(out, "%s\"%s\":", out->data[out->len - 1] == '{' ? "" : ",", name);
    yq_buf_add_json_string(out, value);
}

static void put_number(struct yq_buf *out, const char *name, int64_t value)
{
    yq_buf_addf(out, "%s\"%s\":%lld", out->data[out->len - 1] == '{' ? "" : ",", name,
                (long long)value);
}

static bool leads(const struct world *w, uint32_t department, const char *userid)
{
    const struct world_department *d = world_department(w, department);
    for (size_t i = 0; d != NULL && i < d->leader_count; i++) {
        if (strcasecmp(d->leaders[i], userid) == 0)
            return true;
    }
    return false;
}

static void put_member(const struct world *w, const struct world_member *m, struct yq_buf *out)
{
    yq_buf_addc(out, '{');
    put_text(out, "userid", m->userid);
    put_text(out, "name", m->name);
    put_text(out, "mobile", m->mobile);
    put_text(out, "email", m->email);
    put_text(out, "gender", m->gender);
    put_number(out, "status", m->status);
    put_number(out, "main_department", m->main_department);
    yq_buf_adds(out, ",\"departments\":[");
    for (size_t i = 0; i < m->department_count; i++)
        yq_buf_addf(out, i ? ",%u" : "%u", m->departments[i]);
    yq_buf_adds(out, "],\"orders\":[");
    for (size_t i = 0; i < m->department_count; i++)
        yq_buf_addf(out, i ? ",%u" : "%u", m->orders[i]);
    yq_buf_adds(out, "],\"leader_in\":[");
    for (size_t i = 0; i < m->department_count; i++)
        yq_buf_addf(out, i ? ",%d" : "%d", leads(w, m->departments[i], m->userid));
    yq_buf_adds(out, "],\"direct_leaders\":[");
    for (size_t i = 0; i < m->direct_leader_count; i++)
        yq_buf_addf(out, "%s\"%s\"", i ? "," : "", m->direct_leaders[i]);
    yq_buf_adds(out, "]}");
}

static void put_visible(const struct world *w, struct yq_buf *out)
{
    const char *comma = "";
    yq_buf_adds(out, "],\"visible\":{\"departments\":[");
    for (size_t i = 0; i < w->department_count; i++) {
        if (w->departments[i].hidden)
            continue;
        yq_buf_addf(out, "%s%u", comma, w->departments[i].id);
        comma = ",";
    }
    yq_buf_adds(out, "],\"members\":[");
    comma = "";
    for (size_t i = 0; i < w->member_count; i++) {
        if (w->members[i].hidden)
            continue;
        yq_buf_adds(out, comma);
        yq_buf_add_json_string(out, w->members[i].userid);
        comma = ",";
    }
    yq_buf_adds(out, "]}}");
}

void world_wecom_state(const struct world *w, struct yq_buf *out)
{
    yq_buf_adds(out, "{\"departments\":[");
    for (size_t i = 0; i < w->department_count; i++) {
        const struct world_department *d = &w->departments[i];
        yq_buf_adds(out, i ? ",{" : "{");
        put_number(out, "id", d->id);
        put_text(out, "name", d->name);
        put_number(out, "parent", d->parent);
        put_number(out, "order", d->order);
        yq_buf_addc(out, '}');
    }
    yq_buf_adds(out, "],\"members\":[");
    for (size_t i = 0; i < w->member_count; i++) {
        yq_buf_adds(out, i ? "," : "");
        put_member(w, &w->members[i], out);
    }
    put_visible(w, out);
}

static void put_person(const struct world_person *p, struct yq_buf *out)
{
    yq_buf_addc(out, '{');
    put_text(out, "id", p->id);
    put_text(out, "user_id", p->user_id);
    put_text(out, "username", p->name);
    put_text(out, "account", p->account);
    put_text(out, "mobile", p->mobile);
    put_text(out, "email", p->email);
    put_text(out, "job_num", p->job_num);
    put_text(out, "sex", p->sex);
    put_text(out, "personnel_status", p->in_service ? "3" : "6");
    put_text(out, "identity", p->secondary ? "secondary" : "main");
    put_text(out, "superior", p->superior);
    yq_buf_adds(out, ",\"other_superior\":[");
    for (size_t i = 0; i < p->other_count; i++)
        yq_buf_addf(out, "%s\"%s\"", i ? "," : "", p->others[i]);
    yq_buf_adds(out, "],\"department\":[");
    yq_buf_add_json_string(out, p->department);
    for (size_t i = 0; i < p->post_count; i++) {
        yq_buf_addc(out, ',');
        yq_buf_add_json_string(out, p->posts[i].department);
    }
    yq_buf_adds(out, "]}");
}

static void put_posts(const struct world *w, struct yq_buf *out)
{
    const char *comma = "";
    for (size_t i = 0; i < w->person_count; i++) {
        const struct world_person *p = &w->people[i];
        for (size_t k = 0; k < p->post_count; k++, comma = ",") {
            yq_buf_addf(out, "%s{", comma);
            put_text(out, "id", p->id);
            put_text(out, "externalSyncType", p->posts[k].ours ? "openapi" : "manual");
            put_text(out, "externalSyncId", p->posts[k].external_id);
            put_text(out, "departmentId", p->posts[k].department);
            yq_buf_addc(out, '}');
        }
    }
}

void world_eteams_state(const struct world *w, struct yq_buf *out)
{
    yq_buf_adds(out, "{\"departments\":[");
    for (size_t i = 0; i < w->org_count; i++) {
        const struct world_org *o = &w->orgs[i];
        yq_buf_adds(out, i ? ",{" : "{");
        put_text(out, "id", o->id);
        put_text(out, "name", o->name);
        put_text(out, "parent", o->parent ? o->parent : "0");
        put_text(out, "status", o->enabled ? "1" : "0");
        yq_buf_addc(out, '}');
    }
    yq_buf_adds(out, "],\"members\":[");
    for (size_t i = 0; i < w->person_count; i++) {
        yq_buf_adds(out, i ? "," : "");
        put_person(&w->people[i], out);
    }
    yq_buf_adds(out, "],\"posts\":[");
    put_posts(w, out);
    yq_buf_adds(out, "],\"admins\":[");
    for (size_t i = 0; i < w->administrator_count; i++) {
        yq_buf_adds(out, i ? ",{" : "{");
        put_text(out, "id", w->administrators[i]);
        put_text(out, "adminType", "super");
        yq_buf_addc(out, '}');
    }
    yq_buf_adds(out, "]}");
}

void world_department_links(const struct world *w, struct yq_buf *out)
{
    yq_buf_addc(out, '{');
    for (size_t i = 0; i < w->department_link_count; i++) {
        yq_buf_addf(out, "%s\"%u\":", i ? "," : "", w->department_links[i].id);
        yq_link_department_write(&w->department_links[i], out);
    }
    yq_buf_addc(out, '}');
}

void world_member_links(const struct world *w, struct yq_buf *out)
{
    yq_buf_addc(out, '{');
    for (size_t i = 0; i < w->member_link_count; i++) {
        yq_buf_addf(out, "%s\"%s\":", i ? "," : "", w->member_links[i].key);
        yq_link_member_write(&w->member_links[i], out);
    }
    yq_buf_addc(out, '}');
}

static bool told_before(const struct world *w, size_t at)
{
    char key[YQ_SUBJECT_MAX], other[YQ_SUBJECT_MAX];
    yq_subject_key(&w->events[at].subject, key);
    for (size_t i = 0; i < at; i++) {
        yq_subject_key(&w->events[i].subject, other);
        if (strcmp(key, other) == 0)
            return true;
    }
    return false;
}

/* What a reconcile found is nobody's word (world_view). */
static const char *told_by(const struct world_event *e)
{
    bool reconciled = strstr(e->data, "\"reconciled\":true") != NULL;
    return reconciled ? "reconcile" : yq_event_kind_name(e->kind);
}

void world_touched(const struct world *w, struct yq_buf *out)
{
    char key[YQ_SUBJECT_MAX], other[YQ_SUBJECT_MAX];
    yq_buf_addc(out, '{');
    for (size_t i = 0; i < w->event_count; i++) {
        if (told_before(w, i))
            continue;
        yq_subject_key(&w->events[i].subject, key);
        yq_buf_addf(out, "%s\"%s\":[", out->data[out->len - 1] == '{' ? "" : ",", key);
        for (size_t k = i; k < w->event_count; k++) {
            yq_subject_key(&w->events[k].subject, other);
            if (strcmp(key, other) == 0)
                yq_buf_addf(out, "%s\"%s\"", k > i ? "," : "", told_by(&w->events[k]));
        }
        yq_buf_addc(out, ']');
    }
    yq_buf_addc(out, '}');
}
