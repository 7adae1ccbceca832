/* From a change to the events that WeCom sends about it, full or trimmed (wecom.md §2.1 to §2.3).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "wecom_sim.h"

#define FIELDS_MAX 32

struct field {
    const char *name;
    char *value;
    bool number;
};

/* One event before it is written out. */
struct draft {
    struct field fields[FIELDS_MAX];
    size_t count;
};

static void add(struct draft *e, const char *name, const char *value)
{
    e->fields[e->count++] = (struct field){.name = name, .value = yq_strdup(value)};
}

static void add_number(struct draft *e, const char *name, int64_t value)
{
    e->fields[e->count++] =
        (struct field){.name = name, .value = yq_printf("%lld", (long long)value), .number = true};
}

/* Takes the buffer's bytes. */
static void add_list(struct draft *e, const char *name, struct yq_buf *list)
{
    e->fields[e->count++] = (struct field){.name = name, .value = yq_buf_steal(list)};
}

static struct draft begin(struct wecom *w, const char *change)
{
    struct draft e = {.count = 0};
    add(&e, "ToUserName", w->corp_id);
    add(&e, "FromUserName", "sys");
    add_number(&e, "CreateTime", sim_now_ms() / 1000);
    add(&e, "MsgType", "event");
    add(&e, "Event", "change_contact");
    add(&e, "ChangeType", change);
    return e;
}

static void put_escaped(struct yq_buf *out, const char *text)
{
    for (; *text; text++) {
        switch (*text) {
        case '&':
            yq_buf_adds(out, "&amp;");
            break;
        case '<':
            yq_buf_adds(out, "&lt;");
            break;
        case '>':
            yq_buf_adds(out, "&gt;");
            break;
        default:
            yq_buf_addc(out, *text);
        }
    }
}

static void put_cdata(struct yq_buf *out, const char *text)
{
    const char *end;
    yq_buf_adds(out, "<![CDATA[");
    while ((end = strstr(text, "]]>")) != NULL) {
        yq_buf_add(out, text, (size_t)(end - text) + 2);
        yq_buf_adds(out, "]]><![CDATA[");
        text = end + 2;
    }
    yq_buf_adds(out, text);
    yq_buf_adds(out, "]]>");
}

static void put_xml(const struct wecom_quirks *q, const struct field *f, struct yq_buf *out)
{
    yq_buf_addf(out, q->blank_cdata ? "\n  <%s>" : "<%s>", f->name);
    if (f->number || q->no_cdata) {
        put_escaped(out, f->value);
    } else {
        if (q->blank_cdata)
            yq_buf_addc(out, ' ');
        put_cdata(out, f->value);
    }
    yq_buf_addf(out, "</%s>", f->name);
}

static void put_json(const struct field *f, struct yq_buf *out)
{
    wecom_put_name(out, f->name);
    if (f->number)
        yq_buf_adds(out, f->value);
    else
        yq_buf_add_json_string(out, f->value);
}

/* Writes the event out, queues it, and frees the draft. */
static void finish(struct wecom *w, struct draft *e)
{
    const struct wecom_callback *c = w->callback;
    struct yq_buf out = YQ_BUF_INIT;
    for (size_t i = e->count; c->quirks.random_order && i > 1; i--) {
        size_t k = (size_t)sim_random_below(&w->random, i);
        struct field kept = e->fields[i - 1];
        e->fields[i - 1] = e->fields[k];
        e->fields[k] = kept;
    }
    yq_buf_adds(&out, c->json ? "{" : "<xml>");
    for (size_t i = 0; i < e->count; i++) {
        if (c->json)
            put_json(&e->fields[i], &out);
        else
            put_xml(&c->quirks, &e->fields[i], &out);
        free(e->fields[i].value);
    }
    yq_buf_adds(&out, c->json ? "}" : c->quirks.blank_cdata ? "\n</xml>" : "</xml>");
    e->count = 0;
    wecom_callback_queue(w, out.data);
    yq_buf_release(&out);
}

static void add_departments(struct draft *e, const struct wecom_member *m)
{
    struct yq_buf list = YQ_BUF_INIT;
    for (size_t i = 0; i < m->place_count; i++)
        yq_buf_addf(&list, i > 0 ? ",%u" : "%u", m->places[i]->department->id);
    add_list(e, "Department", &list);
}

static void add_leader_in(struct draft *e, const struct wecom_member *m)
{
    struct yq_buf list = YQ_BUF_INIT;
    for (size_t i = 0; i < m->place_count; i++)
        yq_buf_addf(&list, i > 0 ? ",%d" : "%d", m->places[i]->leader);
    add_list(e, "IsLeaderInDept", &list);
}

static void add_direct(struct draft *e, const struct wecom_member *m)
{
    struct yq_buf list = YQ_BUF_INIT;
    for (size_t i = 0; i < m->leader_count; i++)
        yq_buf_addf(&list, i > 0 ? ",%s" : "%s", m->leaders[i]->userid);
    add_list(e, "DirectLeader", &list);
}

/* Everything named in `changed`, in the order of the documentation. */
static void add_fields(struct draft *e, const struct wecom_member *m, unsigned changed)
{
    static const struct {
        enum wecom_text text;
        const char *name;
    } texts[] = {{WECOM_POSITION, "Position"},
                 {WECOM_MOBILE, "Mobile"},
                 {WECOM_EMAIL, "Email"},
                 {WECOM_ALIAS, "Alias"},
                 {WECOM_TELEPHONE, "Telephone"}};
    const unsigned parallel = WECOM_CHANGED_DEPARTMENTS | WECOM_CHANGED_LEADER_IN;
    if (changed & WECOM_CHANGED(WECOM_NAME))
        add(e, "Name", m->text[WECOM_NAME]);
    if (changed & parallel)
        add_departments(e, m);
    if (changed & WECOM_CHANGED_MAIN)
        add_number(e, "MainDepartment", m->main->id);
    if (changed & parallel)
        add_leader_in(e, m);
    if (changed & WECOM_CHANGED_DIRECT)
        add_direct(e, m);
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        if (changed & WECOM_CHANGED(texts[i].text))
            add(e, texts[i].name, m->text[texts[i].text]);
    if (changed & WECOM_CHANGED_GENDER)
        add_number(e, "Gender", m->gender);
    if (changed & WECOM_CHANGED_STATUS)
        add_number(e, "Status", m->status);
}

/* UserID and Department alone: all of a trimmed event, and the first two of a creation burst. */
static void notify_short(struct wecom *w, const char *change, const struct wecom_member *m)
{
    struct draft e = begin(w, change);
    add(&e, "UserID", m->userid);
    add_departments(&e, m);
    finish(w, &e);
}

void wecom_notify_member_created(struct wecom *w, const struct wecom_member *m)
{
    const struct wecom_callback *c = w->callback;
    for (int i = 0; c->quirks.creation_burst && i < 2; i++)
        notify_short(w, "update_user", m);
    if (c->trimmed) {
        notify_short(w, "create_user", m);
        return;
    }
    struct draft e = begin(w, "create_user");
    add(&e, "UserID", m->userid);
    add_fields(&e, m, ~0u);
    finish(w, &e);
}

void wecom_notify_member_updated(struct wecom *w, const struct wecom_member *m, unsigned changed,
                                 const char *old_userid)
{
    const struct wecom_callback *c = w->callback;
    bool main_only = changed == WECOM_CHANGED_MAIN && c->quirks.main_department_only;
    if (changed == 0 && old_userid == NULL)
        return;
    if (c->trimmed && old_userid == NULL && !(changed & WECOM_CHANGED_DEPARTMENTS) && !main_only)
        return;
    struct draft e = begin(w, "update_user");
    add(&e, "UserID", old_userid ? old_userid : m->userid);
    if (old_userid != NULL)
        add(&e, "NewUserID", m->userid);
    if (main_only)
        add_number(&e, "MainDepartment", m->main->id);
    else if (c->trimmed)
        add_departments(&e, m);
    else if (changed & WECOM_CHANGED_MAIN)
        add_fields(&e, m, changed | WECOM_CHANGED_DEPARTMENTS);
    else
        add_fields(&e, m, changed);
    finish(w, &e);
}

void wecom_notify_member_deleted(struct wecom *w, const struct wecom_member *m)
{
    struct draft e = begin(w, "delete_user");
    add(&e, "UserID", m->userid);
    finish(w, &e);
    if (w->callback->quirks.delete_update)
        notify_short(w, "update_user", m);
}

void wecom_notify_department_created(struct wecom *w, const struct wecom_department *n)
{
    struct draft e = begin(w, "create_party");
    add_number(&e, "Id", n->id);
    if (!w->callback->trimmed)
        add(&e, "Name", n->name);
    add_number(&e, "ParentId", n->parent->id);
    if (!w->callback->trimmed)
        add_number(&e, "Order", n->order);
    finish(w, &e);
}

void wecom_notify_department_updated(struct wecom *w, const struct wecom_department *n,
                                     unsigned changed)
{
    bool renamed = (changed & 1) && !w->callback->trimmed, moved = changed & 2;
    if (!renamed && !moved) /* a mere re-order is not told either */
        return;
    struct draft e = begin(w, "update_party");
    add_number(&e, "Id", n->id);
    if (renamed)
        add(&e, "Name", n->name);
    if (moved)
        add_number(&e, "ParentId", n->parent->id);
    finish(w, &e);
}

void wecom_notify_department_deleted(struct wecom *w, uint32_t id)
{
    struct draft e = begin(w, "delete_party");
    add_number(&e, "Id", id);
    finish(w, &e);
}

void wecom_notify_range(struct wecom *w, const char *event, const char *userid)
{
    struct draft e = {.count = 0};
    add(&e, "ToUserName", w->corp_id);
    add(&e, "FromUserName", userid);
    add_number(&e, "CreateTime", sim_now_ms() / 1000);
    add(&e, "MsgType", "event");
    add(&e, "Event", event);
    add_number(&e, "AgentID", w->agent_id);
    finish(w, &e);
}

void wecom_notify_tag(struct wecom *w, const struct wecom_tag *t, struct wecom_tag_change *change)
{
    struct draft e = begin(w, "update_tag");
    add_number(&e, "TagId", t->id);
    add_list(&e, "AddUserItems", &change->add_members);
    add_list(&e, "DelUserItems", &change->remove_members);
    add_list(&e, "AddPartyItems", &change->add_departments);
    add_list(&e, "DelPartyItems", &change->remove_departments);
    finish(w, &e);
}
