/* The whole truth about the company as JSON for a test's oracle, and a company out of such JSON. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "wecom_sim.h"

static void put_departments(struct wecom_directory *d, struct yq_buf *out)
{
    wecom_put_name(out, "departments");
    yq_buf_addc(out, '[');
    for (const struct wecom_department *n = d->departments; n != NULL; n = n->hh.next) {
        wecom_put_comma(out);
        yq_buf_addc(out, '{');
        wecom_put_int(out, "id", n->id);
        wecom_put_text(out, "name", n->name);
        wecom_put_int(out, "parent", n->parent ? n->parent->id : 0);
        wecom_put_int(out, "order", n->order);
        yq_buf_addc(out, '}');
    }
    yq_buf_addc(out, ']');
}

enum place_list { IDS, ORDERS, LEADER_IN };

static void put_places(const struct wecom_member *m, const char *name, enum place_list which,
                       struct yq_buf *out)
{
    wecom_put_name(out, name);
    yq_buf_addc(out, '[');
    for (size_t i = 0; i < m->place_count; i++) {
        const struct wecom_membership *p = m->places[i];
        wecom_put_comma(out);
        yq_buf_addf(out, "%u",
                    which == IDS      ? p->department->id
                    : which == ORDERS ? p->order
                                      : p->leader);
    }
    yq_buf_addc(out, ']');
}

static void put_member(const struct wecom_member *m, struct yq_buf *out)
{
    char gender[] = {(char)('0' + m->gender), '\0'};
    wecom_put_comma(out);
    yq_buf_addc(out, '{');
    wecom_put_text(out, "userid", m->userid);
    for (enum wecom_text t = 0; t < WECOM_TEXTS; t++)
        wecom_put_text(out, wecom_text_names[t], m->text[t]);
    put_places(m, "departments", IDS, out);
    put_places(m, "orders", ORDERS, out);
    put_places(m, "leader_in", LEADER_IN, out);
    wecom_put_int(out, "main_department", m->main->id);
    wecom_put_name(out, "direct_leaders");
    yq_buf_addc(out, '[');
    for (size_t i = 0; i < m->leader_count; i++) {
        wecom_put_comma(out);
        yq_buf_add_json_string(out, m->leaders[i]->userid);
    }
    yq_buf_addc(out, ']');
    wecom_put_text(out, "gender", gender);
    wecom_put_int(out, "status", m->status);
    yq_buf_addc(out, '}');
}

static void put_members(struct wecom_directory *d, struct yq_buf *out)
{
    wecom_put_name(out, "members");
    yq_buf_addc(out, '[');
    for (size_t i = 0; i < d->list_len; i++)
        if (d->list[i] != NULL)
            put_member(d->list[i], out);
    yq_buf_addc(out, ']');
}

static void put_department_ids(struct wecom_department **items, size_t n, struct yq_buf *out)
{
    wecom_put_name(out, "departments");
    yq_buf_addc(out, '[');
    for (size_t i = 0; i < n; i++)
        yq_buf_addf(out, i > 0 ? ",%u" : "%u", items[i]->id);
    yq_buf_addc(out, ']');
}

static void put_userids(struct wecom_member **items, size_t n, struct yq_buf *out)
{
    wecom_put_name(out, "members");
    yq_buf_addc(out, '[');
    for (size_t i = 0; i < n; i++) {
        wecom_put_comma(out);
        yq_buf_add_json_string(out, items[i]->userid);
    }
    yq_buf_addc(out, ']');
}

static void put_tags(struct wecom_directory *d, struct yq_buf *out)
{
    wecom_put_name(out, "tags");
    yq_buf_addc(out, '[');
    for (const struct wecom_tag *t = d->tags; t != NULL; t = t->hh.next) {
        wecom_put_comma(out);
        yq_buf_addc(out, '{');
        wecom_put_int(out, "id", t->id);
        wecom_put_text(out, "name", t->name);
        put_userids(t->members, t->member_count, out);
        put_department_ids(t->departments, t->department_count, out);
        yq_buf_addc(out, '}');
    }
    yq_buf_addc(out, ']');
}

static void put_range(struct wecom_directory *d, struct yq_buf *out)
{
    wecom_put_name(out, "range");
    yq_buf_addc(out, '{');
    put_department_ids(d->range.departments, d->range.department_count, out);
    put_userids(d->range.members, d->range.member_count, out);
    wecom_put_name(out, "tags");
    yq_buf_addc(out, '[');
    for (size_t i = 0; i < d->range.tag_count; i++)
        yq_buf_addf(out, i > 0 ? ",%u" : "%u", d->range.tags[i]->id);
    yq_buf_adds(out, "]}");
}

static void put_visible(struct wecom_directory *d, struct yq_buf *out)
{
    wecom_put_name(out, "visible");
    yq_buf_adds(out, "{\"departments\":[");
    for (const struct wecom_department *n = d->departments; n != NULL; n = n->hh.next) {
        if (!wecom_sees_department(d, n))
            continue;
        wecom_put_comma(out);
        yq_buf_addf(out, "%u", n->id);
    }
    yq_buf_adds(out, "],\"members\":[");
    for (size_t i = 0; i < d->list_len; i++) {
        if (d->list[i] == NULL || !wecom_sees_member(d, d->list[i]))
            continue;
        wecom_put_comma(out);
        yq_buf_add_json_string(out, d->list[i]->userid);
    }
    yq_buf_adds(out, "]}");
}

void wecom_state_put(struct wecom *w, struct yq_buf *out)
{
    put_departments(w->directory, out);
    put_members(w->directory, out);
    put_tags(w->directory, out);
    put_range(w->directory, out);
    put_visible(w->directory, out);
    if (w->directory->creator != NULL)
        wecom_put_text(out, "creator", w->directory->creator);
}

/* One department; 60004 if its parent is not there (yet). */
static int load_department(struct wecom_directory *d, const cJSON *item)
{
    struct wecom_department *made;
    uint32_t id, parent = 0;
    unsigned changed;
    if (!wecom_get_id(yq_json_get(item, "id"), &id) || id == 0)
        return 40058;
    (void)wecom_get_id(yq_json_get(item, "parent"), &parent);
    const char *name = wecom_get_text(item, "name");
    int64_t order = wecom_get_int(item, "order", 0);
    if (id != WECOM_ROOT)
        return wecom_department_create(d, id, parent, name, (uint32_t)order, &made);
    struct wecom_department_change change = {.name = name, .parent = -1, .order = order};
    return wecom_department_update(d, d->root, &change, &changed);
}

/* Parents may stand behind their children: passes, until one of them places nothing more. */
static int load_departments(struct wecom_directory *d, const cJSON *list, char why[256])
{
    size_t n = (size_t)cJSON_GetArraySize(list), waiting = 0, before;
    const cJSON **left = yq_calloc(n, sizeof *left), *item;
    int code = 0;
    cJSON_ArrayForEach (item, list) {
        left[waiting++] = item;
    }
    do {
        before = waiting;
        waiting = 0;
        for (size_t i = 0; i < before && (code == 0 || code == 60004); i++) {
            code = load_department(d, left[i]);
            if (code == 60004)
                left[waiting++] = left[i];
            else if (code != 0)
                snprintf(why, 256, "department %lld: %d %s",
                         (long long)wecom_get_int(left[i], "id", -1), code, wecom_error_text(code));
        }
    } while ((code == 0 || code == 60004) && waiting > 0 && waiting < before);
    if (waiting > 0 && (code == 0 || code == 60004)) {
        code = 60004;
        snprintf(why, 256, "department %lld: %s", (long long)wecom_get_int(left[0], "id", -1),
                 wecom_error_text(code));
    }
    free(left);
    return code == 60004 && waiting == 0 ? 0 : code;
}

static int load_members(struct wecom_directory *d, const cJSON *list, char why[256])
{
    const cJSON *item;
    int code = 0;
    cJSON_ArrayForEach (item, list) {
        struct wecom_member_input in;
        struct wecom_member *made;
        const char *userid = wecom_get_text(item, "userid");
        code = wecom_member_parse(item, &wecom_control_names, &in);
        if (in.status < 0)
            in.status = WECOM_ACTIVE;
        in.has_direct = false; /* the leaders may stand further down */
        in.direct_count = 0;
        if (code == 0)
            code = wecom_member_create(d, userid, &in, &made);
        if (code != 0) {
            snprintf(why, 256, "member %s: %d %s", userid ? userid : "?", code,
                     wecom_error_text(code));
            return code;
        }
    }
    return 0;
}

static int load_leaders(struct wecom_directory *d, const cJSON *list, char why[256])
{
    const cJSON *item;
    cJSON_ArrayForEach (item, list) {
        struct wecom_member_input in, leaders = WECOM_MEMBER_INPUT_INIT;
        unsigned changed;
        if (yq_json_get(item, "direct_leaders") == NULL ||
            wecom_member_parse(item, &wecom_control_names, &in) != 0)
            continue;
        leaders.has_direct = true;
        leaders.direct_count = in.direct_count;
        memcpy(leaders.direct, in.direct, sizeof in.direct);
        const char *userid = wecom_get_text(item, "userid");
        int code = wecom_member_update(d, wecom_member_find(d, userid), &leaders, &changed);
        if (code != 0) {
            snprintf(why, 256, "leaders of %s: %d %s", userid, code, wecom_error_text(code));
            return code;
        }
    }
    return 0;
}

static int load_tags(struct wecom_directory *d, const cJSON *list, char why[256])
{
    const cJSON *item, *one;
    cJSON_ArrayForEach (item, list) {
        struct wecom_tag *t;
        uint32_t id = 0;
        (void)wecom_get_id(yq_json_get(item, "id"), &id);
        int code = wecom_tag_create(d, id, wecom_get_text(item, "name"), &t);
        if (code != 0) {
            snprintf(why, 256, "tag %u: %d %s", id, code, wecom_error_text(code));
            return code;
        }
        cJSON_ArrayForEach (one, yq_json_get(item, "members")) {
            struct wecom_member *m =
                cJSON_IsString(one) ? wecom_member_find(d, one->valuestring) : NULL;
            if (m != NULL)
                (void)wecom_tag_add_member(d, t, m);
        }
        cJSON_ArrayForEach (one, yq_json_get(item, "departments")) {
            struct wecom_department *n =
                wecom_get_id(one, &id) ? wecom_department_find(d, id) : NULL;
            if (n != NULL)
                (void)wecom_tag_add_department(d, t, n);
        }
    }
    return 0;
}

/* Checks everything first if `only_check`. */
static int walk_range(struct wecom_directory *d, const cJSON *range, bool only_check)
{
    const cJSON *item;
    uint32_t id;
    cJSON_ArrayForEach (item, yq_json_get(range, "departments")) {
        struct wecom_department *n = wecom_get_id(item, &id) ? wecom_department_find(d, id) : NULL;
        if (n == NULL)
            return 60123;
        if (!only_check)
            wecom_range_add_department(d, n);
    }
    cJSON_ArrayForEach (item, yq_json_get(range, "members")) {
        struct wecom_member *m =
            cJSON_IsString(item) ? wecom_member_find(d, item->valuestring) : NULL;
        if (m == NULL)
            return 60111;
        if (!only_check)
            wecom_range_add_member(d, m);
    }
    cJSON_ArrayForEach (item, yq_json_get(range, "tags")) {
        struct wecom_tag *t = wecom_get_id(item, &id) ? wecom_tag_find(d, id) : NULL;
        if (t == NULL)
            return 40068;
        if (!only_check)
            wecom_range_add_tag(d, t);
    }
    return 0;
}

int wecom_range_load(struct wecom_directory *d, const cJSON *range)
{
    int code = walk_range(d, range, true);
    if (code != 0)
        return code;
    wecom_range_clear(d);
    return walk_range(d, range, false);
}

struct wecom_directory *wecom_state_load(const cJSON *state, char why[256])
{
    struct wecom_directory *d = wecom_directory_new("公司");
    const cJSON *members = yq_json_get(state, "members"), *range = yq_json_get(state, "range");
    const char *creator = wecom_get_text(state, "creator");
    snprintf(why, 256, "the range names what is not there");
    if (load_departments(d, yq_json_get(state, "departments"), why) != 0 ||
        load_members(d, members, why) != 0 || load_leaders(d, members, why) != 0 ||
        load_tags(d, yq_json_get(state, "tags"), why) != 0 ||
        (range != NULL && wecom_range_load(d, range) != 0)) {
        wecom_directory_free(d);
        return NULL;
    }
    if (creator != NULL) {
        d->creator = yq_strdup(creator);
        for (char *p = d->creator; *p; p++)
            *p = (char)tolower((unsigned char)*p);
    }
    return d;
}
