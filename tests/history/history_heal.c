/* The full reconcile in a history: changes that nobody hears of, others that are made on both sides
 * while it reads, and in the end the one run that must heal them all. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "history_console.h"
#include "support/wait.h"

#define PHASE_MS 600   /* how long the phase in which the changes come is awaited */
#define OVER_MS 120000 /* how long a run may take */
#define QUARTER_MS (15 * 60 * 1000)

uint32_t history_lose_percent(struct history *h)
{
    static const uint32_t rates[] = {0, 20, 50, 100};
    return h->loses ? rates[history_below(h, 4)] : 0;
}

/* ---- while it reads ---- */

static void set_delay(struct history *h, uint32_t ms)
{
    cJSON_Delete(stage_call(h->s, STAGE_WECOM, "/_sim/delay", "{\"ms\":%u}", ms));
    cJSON_Delete(stage_call(h->s, STAGE_ETEAMS, "/_sim/delay", "{\"ms\":%u}", ms));
}

static bool field_is(struct history *h, const char *field, const char *value)
{
    char *text = stage_redis_text(h->s, "HGET yq:{acme}:reconcile %s", field);
    bool is = strcmp(text, value) == 0;
    free(text);
    return is;
}

struct phase {
    struct history *h;
    const char *name;
};

static bool has_come(void *arg)
{
    struct phase *p = arg;
    return field_is(p->h, "phase", p->name);
}

static bool is_over(void *arg)
{
    struct history *h = arg;
    char *wanted = stage_redis_text(h->s, "HLEN yq:{acme}:wanted");
    bool over = strcmp(wanted, "0") == 0 && field_is(h, "run", "");
    free(wanted);
    return over;
}

/* By hand, with a value that must give way to WeCom's. What was there before is taken to be this,
 * so that it may also stay where WeCom says nothing. */
static void edit_record(struct history *h, const char *what, const char *table, const char *id,
                        const char *field, const char *value)
{
    int64_t code = -1;
    cJSON *json = stage_call(h->s, STAGE_ETEAMS, "/_sim/change",
                             "{\"do\":\"%s\",\"id\":\"%s\",\"%s\":\"%s\"}", what, id, field, value);
    (void)yq_json_int(json, "errcode", &code);
    cJSON_Delete(json);
    history_say(h, "    by hand in eteams: %s of %s becomes %s%s", field, id, value,
                code == 0 ? "" : ": refused");
    cJSON *edit = cJSON_CreateObject();
    cJSON_AddStringToObject(edit, "id", id);
    cJSON_AddStringToObject(edit, "value", value);
    cJSON_AddItemToArray(h->edits, edit);
    const cJSON *rows = cJSON_GetObjectItemCaseSensitive(h->before, table), *row;
    cJSON_ArrayForEach (row, rows) {
        cJSON *old = cJSON_GetObjectItemCaseSensitive(row, field);
        if (code != 0 || old == NULL || strcmp(text_in(row, "id"), id) != 0)
            continue;
        if (cJSON_IsArray(old))
            cJSON_ReplaceItemInArray(old, 0, cJSON_CreateString(value));
        else
            cJSON_SetValuestring(old, value);
    }
}

static void edit_person(struct history *h, const char *id, const char *place)
{
    char value[32];
    unsigned n = history_below(h, 100000);
    switch (history_below(h, 4)) {
    case 0:
        (void)snprintf(value, sizeof(value), "手改%u", n);
        edit_record(h, "update_member", "members", id, "username", value);
        break;
    case 1:
        (void)snprintf(value, sizeof(value), "160000%05u", n);
        edit_record(h, "update_member", "members", id, "mobile", value);
        break;
    case 2:
        (void)snprintf(value, sizeof(value), "hand%u@example.org", n);
        edit_record(h, "update_member", "members", id, "email", value);
        break;
    default:
        edit_record(h, "update_member", "members", id, "department", place);
        break;
    }
}

static void edit_department(struct history *h, const char *id, const char *place)
{
    char name[32];
    (void)snprintf(name, sizeof(name), "手改部%u", history_below(h, 100000));
    if (history_percent(h, 50))
        edit_record(h, "rename_department", "departments", id, "name", name);
    else if (strcmp(id, place) != 0)
        edit_record(h, "move_department", "departments", id, "parent", place);
}

/* One record that is linked now, and not with a leaver: nobody corrects those. */
static void edit_eteams(struct history *h)
{
    cJSON *people = history_links(h, "member"), *departments = history_links(h, "department");
    cJSON *wecom = console_state(h);
    const cJSON *member = any_member(h, wecom);
    const char *person = text_in(cJSON_GetObjectItem(people, text_in(member, "userid")), "eteams");
    const char *department = text_in(any_of(h, departments), "eteams");
    const char *place = text_in(any_of(h, departments), "eteams");
    bool works = *person != '\0' && number_in(member, "status") != 5;
    if (works && *place != '\0' && history_percent(h, 70))
        edit_person(h, person, place);
    else if (*department != '\0')
        edit_department(h, department, place);
    cJSON_Delete(wecom);
    cJSON_Delete(people);
    cJSON_Delete(departments);
}

void history_meanwhile(struct history *h)
{
    static const char *const phases[] = {"departments", "members", "members", "leavers", "writing"};
    struct phase p = {h, phases[history_below(h, 5)]};
    uint32_t delay = 10 + history_below(h, 40), changes = 1 + history_below(h, 8);
    char *said = NULL;
    set_delay(h, delay);
    (void)stage_command(h->s, &said, "sync", "acme", "--no-wait", NULL);
    free(said);
    (void)yq_wait_until(has_come, &p, PHASE_MS); /* in vain is well, too */
    history_say(h, "a reconcile is asked for, each call takes %u ms; while it is at %s:", delay,
                p.name);
    bool reads = !field_is(h, "run", "");
    for (uint32_t i = 0; i < changes; i++) {
        if (history_percent(h, 60))
            history_change(h);
        else
            edit_eteams(h);
    }
    if (history_percent(h, 70))
        history_deliver(h);
    h->hits[HISTORY_MEANWHILE] += reads && !field_is(h, "run", "");
    if (history_percent(h, 60))
        (void)yq_wait_until(is_over, h, PHASE_MS);
    set_delay(h, 0);
}

/* ---- the end ---- */

static void await_end(struct history *h)
{
    stage_advance(h->s, QUARTER_MS); /* whatever pace or rest there was */
    if (!yq_wait_until(is_over, h, OVER_MS))
        history_complain(h, "a reconcile does not come to its end\n");
}

static int64_t rows_written(struct history *h)
{
    int64_t n = -1;
    cJSON *json = stage_call(h->s, STAGE_ETEAMS, "/_sim/writes", NULL);
    (void)yq_json_int(json, "rows", &n);
    cJSON_Delete(json);
    return n;
}

static void sync_all(struct history *h)
{
    char *said = NULL;
    int status = stage_command(h->s, &said, "sync", "acme", NULL);
    history_say(h, "sync ends with %d: %s", status, said);
    if (status != 0)
        history_complain(h, "sync ends with %d: %s\n", status, said);
    free(said);
    stage_settle(h->s, true); /* whom it woke */
}

/* From now on everybody is in question. */
static void note_everybody(struct history *h)
{
    const cJSON *row;
    cJSON *state = console_state(h);
    char id[16];
    cJSON_ArrayForEach (row, yq_json_get(state, "members"))
        note(h, "member", text_in(row, "userid"), "reconcile");
    cJSON_ArrayForEach (row, yq_json_get(state, "departments")) {
        (void)snprintf(id, sizeof(id), "%u", number_in(row, "id"));
        note(h, "department", id, "reconcile");
    }
    cJSON_Delete(state);
}

/* Of a change of userid that nobody heard of, only who left and who came can be seen: then the
 * oracle is not told that they are one (decisions.md 19 says when that shows). */
static void forget_renamed(struct history *h)
{
    cJSON *now = history_links(h, "member"), *item, *next;
    for (item = h->renamed->child; item != NULL; item = next) {
        const char *was = text_in(cJSON_GetObjectItem(h->member_links, item->string), "eteams");
        const char *is = text_in(cJSON_GetObjectItem(now, item->valuestring), "eteams");
        next = item->next;
        if (*was != '\0' && strcmp(was, is) == 0)
            continue;
        if (history_noted(h, item->string, "member.deleted"))
            note(h, "member", item->string, "left.before"); /* and came back under another one */
        note(h, "member", item->string, "member.deleted");
        note(h, "member", item->valuestring, "member.created");
        cJSON_Delete(cJSON_DetachItemViaPointer(h->renamed, item));
    }
    cJSON_Delete(now);
}

void history_heal(struct history *h)
{
    await_end(h);
    sync_all(h);
    int64_t written = rows_written(h);
    sync_all(h);
    if (rows_written(h) != written)
        history_complain(h, "the next reconcile writes %d rows\n",
                         (int)(rows_written(h) - written));
    note_everybody(h);
    forget_renamed(h);
}
