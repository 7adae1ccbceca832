/* Sends the changes, and reads from WeCom's own events whom they are about. */
#include "history_console.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"

const char *text_in(const cJSON *object, const char *key)
{
    const char *text = cJSON_GetStringValue(yq_json_get(object, key));
    return text != NULL ? text : "";
}

unsigned number_in(const cJSON *object, const char *key)
{
    int64_t n = 0;
    (void)yq_json_int(object, key, &n); /* stays 0 */
    return (unsigned)n;
}

/* ---- whom an event is about ---- */

/* The text of an element, with or without CDATA and blanks. */
static bool element(const char *xml, const char *name, char *out, size_t size)
{
    char tag[40];
    (void)snprintf(tag, sizeof(tag), "<%s>", name);
    const char *at = strstr(xml, tag);
    if (at == NULL)
        return false;
    at += strlen(tag);
    at += strspn(at, " \n");
    if (strncmp(at, "<![CDATA[", 9) == 0)
        at += 9;
    (void)snprintf(out, size, "%.*s", (int)strcspn(at, "<] \n"), at);
    return true;
}

static const char *kind_of(const char *change)
{
    static const char *const table[][2] = {
        {"create_user", "member.created"},      {"update_user", "member.updated"},
        {"delete_user", "member.deleted"},      {"create_party", "department.created"},
        {"update_party", "department.updated"}, {"delete_party", "department.deleted"},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        if (strcmp(table[i][0], change) == 0)
            return table[i][1];
    }
    return NULL;
}

void note(struct history *h, const char *what, const char *id, const char *kind)
{
    char subject[96];
    (void)snprintf(subject, sizeof(subject), "%s:%s", what, id);
    for (char *c = subject; *c != '\0'; c++)
        *c = (char)tolower((unsigned char)*c);
    cJSON *kinds = cJSON_GetObjectItemCaseSensitive(h->touched, subject);
    if (kinds == NULL)
        kinds = cJSON_AddArrayToObject(h->touched, subject);
    cJSON_AddItemToArray(kinds, cJSON_CreateString(kind));
}

/* The oracle asks for the userid of the beginning. */
static void note_renamed(struct history *h, const char *from, const char *to)
{
    cJSON *item;
    cJSON_ArrayForEach (item, h->renamed) {
        if (strcasecmp(item->valuestring, from) == 0) {
            cJSON_SetValuestring(item, to);
            return;
        }
    }
    cJSON_AddStringToObject(h->renamed, from, to);
}

static void note_event(struct history *h, const char *xml)
{
    char change[32], id[80], now[80];
    if (!element(xml, "ChangeType", change, sizeof(change)) || kind_of(change) == NULL)
        return;
    if (element(xml, "UserID", id, sizeof(id)))
        note(h, "member", id, kind_of(change));
    else if (element(xml, "Id", id, sizeof(id)))
        note(h, "department", id, kind_of(change));
    h->departments_deleted += strcmp(change, "delete_party") == 0;
    if (element(xml, "NewUserID", now, sizeof(now))) {
        note(h, "member", now, kind_of(change));
        note_renamed(h, id, now);
    }
}

bool console(struct history *h, const char *json_format, ...)
{
    char *body = NULL;
    int64_t code = -1;
    va_list args;
    va_start(args, json_format);
    if (vasprintf(&body, json_format, args) < 0)
        abort();
    va_end(args);
    cJSON *json = stage_call(h->s, STAGE_WECOM, "/_sim/change", "%s", body);
    (void)yq_json_int(json, "errcode", &code);
    if (code == 0)
        history_say(h, "    %s", body);
    else
        history_say(h, "    %s: refused, %d", body, (int)code);
    const cJSON *event;
    cJSON_ArrayForEach (event, yq_json_get(json, "events"))
        note_event(h, text_in(event, "text"));
    if (h->hidden) /* what only events tell has an order only from second to second */
        stage_advance(h->s, 1000);
    h->changes += code == 0;
    h->refused += code != 0;
    cJSON_Delete(json);
    free(body);
    return code == 0;
}

cJSON *console_state(struct history *h)
{
    return stage_call(h->s, STAGE_WECOM, "/_sim/state", NULL);
}

/* ---- choosing ---- */

const cJSON *any_of(struct history *h, const cJSON *list)
{
    int n = cJSON_GetArraySize(list);
    return n > 0 ? cJSON_GetArrayItem(list, (int)history_below(h, (uint32_t)n)) : NULL;
}

const cJSON *any_member(struct history *h, const cJSON *state)
{
    return any_of(h, yq_json_get(state, "members"));
}

const cJSON *any_department(struct history *h, const cJSON *state)
{
    const cJSON *list = yq_json_get(state, "departments");
    if (cJSON_GetArraySize(list) < 2)
        return NULL;
    for (;;) {
        const cJSON *d = any_of(h, list);
        if (number_in(d, "id") != 1)
            return d;
    }
}

unsigned any_place(struct history *h, const cJSON *state)
{
    return number_in(any_of(h, yq_json_get(state, "departments")), "id");
}

void any_places(struct history *h, const cJSON *state, struct yq_buf *out)
{
    unsigned ids[3], n = 0, wanted = history_percent(h, 60) ? 1 : 2 + history_below(h, 2);
    for (unsigned tries = 0; tries < 8 && n < wanted; tries++) {
        unsigned id = any_place(h, state);
        bool known = false;
        for (unsigned i = 0; i < n; i++)
            known = known || ids[i] == id;
        if (!known)
            ids[n++] = id;
    }
    for (unsigned i = 0; i < n; i++)
        yq_buf_addf(out, i > 0 ? ",%u" : "%u", ids[i]);
}
