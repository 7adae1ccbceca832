/* What the administrator does: a table of small stories, one of which is played at a time. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "history_console.h"

/* ---- people ---- */

/* Mobiles of newcomers begin with 17, those of the made-up company with 13. */
static void new_mobile(struct history *h, char out[16])
{
    (void)snprintf(out, 16, "17%09u", history_below(h, 1000000000));
}

/* In these places, with this mobile; NULL: by chance, perhaps with none. */
static void join(struct history *h, const cJSON *state, const char *places, const char *mobile)
{
    struct yq_buf somewhere = YQ_BUF_INIT, keys = YQ_BUF_INIT;
    char own[16];
    unsigned n = h->people_made++;
    any_places(h, state, &somewhere);
    if (mobile == NULL && history_percent(h, 85)) {
        new_mobile(h, own);
        mobile = own;
    }
    if (mobile != NULL)
        yq_buf_addf(&keys, ",\"mobile\":\"%s\"", mobile);
    if (history_percent(h, 60))
        yq_buf_addf(&keys, ",\"email\":\"new%u@example.com\"", n);
    console(
        h,
        "{\"do\":\"create_member\",\"userid\":\"%s%u\",\"name\":\"新人%u\",\"departments\":[%s],"
        "\"gender\":\"%u\"%s}",
        history_percent(h, 20) ? "New" : "new", n, n, places ? places : yq_buf_text(&somewhere),
        history_below(h, 3), yq_buf_text(&keys));
    yq_buf_release(&somewhere);
    yq_buf_release(&keys);
}

static void newcomer(struct history *h, const cJSON *state)
{
    join(h, state, NULL, NULL);
}

/* A chain of new departments and somebody in the last one: his event may come before theirs. */
static void chain_with_member(struct history *h, const cJSON *state)
{
    unsigned parent = any_place(h, state), depth = 1 + history_below(h, 3);
    char id[16];
    for (unsigned i = 0; i < depth; i++) {
        unsigned n = h->departments_made++;
        if (!console(h,
                     "{\"do\":\"create_department\",\"id\":%u,\"name\":\"新部门%u\",\"parent\":%u}",
                     1000 + n, n, parent))
            return;
        parent = 1000 + n;
    }
    (void)snprintf(id, sizeof(id), "%u", parent);
    join(h, state, id, NULL);
}

static void field(struct history *h, const cJSON *state)
{
    const cJSON *m = any_member(h, state);
    char value[64], mobile[16];
    new_mobile(h, mobile);
    static const char *const names[] = {"name", "mobile", "email", "gender", "position"};
    const char *name = names[history_below(h, 5)];
    unsigned n = history_below(h, 100000);
    if (strcmp(name, "mobile") == 0)
        (void)snprintf(value, sizeof(value), "%s%s", history_percent(h, 20) ? "+86" : "", mobile);
    else if (strcmp(name, "email") == 0)
        (void)snprintf(value, sizeof(value), "M%u@Example.com", n);
    else if (strcmp(name, "gender") == 0)
        (void)snprintf(value, sizeof(value), "%u", history_below(h, 3));
    else
        (void)snprintf(value, sizeof(value), "改名%u", n);
    console(h, "{\"do\":\"update_member\",\"userid\":\"%s\",\"%s\":\"%s\"}", text_in(m, "userid"),
            name, value);
}

static void places(struct history *h, const cJSON *state)
{
    struct yq_buf list = YQ_BUF_INIT;
    any_places(h, state, &list);
    console(h, "{\"do\":\"update_member\",\"userid\":\"%s\",\"departments\":[%s]}",
            text_in(any_member(h, state), "userid"), yq_buf_text(&list));
    yq_buf_release(&list);
}

static void main_swap(struct history *h, const cJSON *state)
{
    const cJSON *m = any_member(h, state);
    for (int i = 0; i < 10 && cJSON_GetArraySize(yq_json_get(m, "departments")) < 2; i++)
        m = any_member(h, state);
    const cJSON *to = any_of(h, yq_json_get(m, "departments"));
    if (to != NULL)
        console(h, "{\"do\":\"update_member\",\"userid\":\"%s\",\"main_department\":%u}",
                text_in(m, "userid"), (unsigned)to->valuedouble);
}

static bool let_go(struct history *h, const cJSON *m)
{
    if (!console(h, "{\"do\":\"delete_member\",\"userid\":\"%s\"}", text_in(m, "userid")))
        return false;
    cJSON_AddItemToArray(h->deleted, cJSON_Duplicate(m, true));
    return true;
}

static void leaver(struct history *h, const cJSON *state)
{
    if (cJSON_GetArraySize(yq_json_get(state, "members")) > 5)
        (void)let_go(h, any_member(h, state));
}

/* Under the same userid, perhaps spelt in capitals, with the former mobile or another one. */
static void come_back(struct history *h, const cJSON *m, const char *place)
{
    char userid[80], mobile[16];
    (void)snprintf(userid, sizeof(userid), "%s", text_in(m, "userid"));
    if (history_percent(h, 20) && userid[0] >= 'a' && userid[0] <= 'z')
        userid[0] = (char)(userid[0] - 'a' + 'A');
    (void)snprintf(mobile, sizeof(mobile), "%.15s", text_in(m, "mobile"));
    if (mobile[0] == '\0' || history_percent(h, 40))
        new_mobile(h, mobile);
    console(h,
            "{\"do\":\"create_member\",\"userid\":\"%s\",\"name\":\"%s\",\"departments\":[%s],"
            "\"mobile\":\"%s\",\"gender\":\"1\"}",
            userid, text_in(m, "name"), place, mobile);
}

static void returner(struct history *h, const cJSON *state)
{
    struct yq_buf list = YQ_BUF_INIT;
    int n = cJSON_GetArraySize(h->deleted);
    if (n == 0)
        return;
    cJSON *m = cJSON_DetachItemFromArray(h->deleted, (int)history_below(h, (uint32_t)n));
    any_places(h, state, &list);
    come_back(h, m, yq_buf_text(&list));
    yq_buf_release(&list);
    cJSON_Delete(m);
}

/* Deleted and created in the same second. */
static void blink(struct history *h, const cJSON *state)
{
    struct yq_buf list = YQ_BUF_INIT;
    const cJSON *m = any_member(h, state);
    any_places(h, state, &list);
    if (console(h, "{\"do\":\"delete_member\",\"userid\":\"%s\"}", text_in(m, "userid")))
        come_back(h, m, yq_buf_text(&list));
    yq_buf_release(&list);
}

static void new_userid(struct history *h, const cJSON *state)
{
    const cJSON *m = any_member(h, state);
    unsigned n = h->people_made++;
    char now[32];
    if (strncmp(text_in(m, "userid"), "renamed", 7) == 0)
        return; /* once; deleted and created anew in between, it would be possible */
    (void)snprintf(now, sizeof(now), "renamed%u", n);
    if (!console(h, "{\"do\":\"rename_userid\",\"userid\":\"%s\",\"new_userid\":\"%s\"}",
                 text_in(m, "userid"), now))
        return;
    if (history_percent(h, 40)) /* an update of the new name, which may come before the rename */
        console(h, "{\"do\":\"update_member\",\"userid\":\"%s\",\"name\":\"改号%u\"}", now, n);
    if (history_percent(h, 10))
        console(h, "{\"do\":\"delete_member\",\"userid\":\"%s\"}", now);
}

static void status(struct history *h, const cJSON *state)
{
    static const char *const values[] = {"1", "1", "2", "4", "5"};
    const char *value = values[history_below(h, 5)];
    const char *userid = text_in(any_member(h, state), "userid");
    if (console(h, "{\"do\":\"update_member\",\"userid\":\"%s\",\"status\":%s}", userid, value) &&
        *value == '5')
        note(h, "member", userid, "member.left");
}

/* ---- mobiles that change hands ---- */

static void mobile_of_leaver(struct history *h, const cJSON *state)
{
    const cJSON *m = any_member(h, state);
    if (cJSON_GetArraySize(yq_json_get(state, "members")) < 6 || *text_in(m, "mobile") == '\0')
        return;
    if (let_go(h, m))
        join(h, state, NULL, text_in(m, "mobile"));
}

static bool set_mobile(struct history *h, const cJSON *m, const char *value)
{
    return console(h, "{\"do\":\"update_member\",\"userid\":\"%s\",\"mobile\":\"%s\"}",
                   text_in(m, "userid"), value);
}

static void swap_mobiles(struct history *h, const cJSON *state)
{
    const cJSON *a = any_member(h, state), *b = any_member(h, state);
    char third[16];
    if (a == b || *text_in(a, "mobile") == '\0' || *text_in(b, "mobile") == '\0')
        return;
    new_mobile(h, third);
    if (set_mobile(h, a, third) && set_mobile(h, b, text_in(a, "mobile")) && history_percent(h, 70))
        (void)set_mobile(h, a, text_in(b, "mobile"));
}

/* ---- departments ---- */

static void new_department(struct history *h, const cJSON *state)
{
    unsigned n = h->departments_made++;
    console(h, "{\"do\":\"create_department\",\"id\":%u,\"name\":\"新部门%u\",\"parent\":%u}",
            1000 + n, history_percent(h, 70) ? n : n % 3, any_place(h, state));
}

static bool rename_department(struct history *h, const cJSON *d, const char *name)
{
    return console(h, "{\"do\":\"update_department\",\"id\":%u,\"name\":\"%s\"}",
                   number_in(d, "id"), name);
}

static bool move_department(struct history *h, const cJSON *d, unsigned parent)
{
    return console(h, "{\"do\":\"update_department\",\"id\":%u,\"parent\":%u}", number_in(d, "id"),
                   parent);
}

static void other_name(struct history *h, const cJSON *state)
{
    char name[64];
    (void)snprintf(name, sizeof(name), "更名%u", history_below(h, 6));
    (void)rename_department(h, any_department(h, state), name);
}

static void other_parent(struct history *h, const cJSON *state)
{
    (void)move_department(h, any_department(h, state), any_place(h, state));
}

static const cJSON *sibling(const cJSON *state, const cJSON *of)
{
    const cJSON *d;
    cJSON_ArrayForEach (d, yq_json_get(state, "departments")) {
        if (d != of && number_in(d, "parent") == number_in(of, "parent"))
            return d;
    }
    return NULL;
}

static void swap_names(struct history *h, const cJSON *state)
{
    const cJSON *a = any_department(h, state), *b = sibling(state, a);
    if (b == NULL)
        return;
    char *name = yq_strdup(text_in(a, "name"));
    if (rename_department(h, a, "换名中") && rename_department(h, b, name))
        (void)rename_department(h, a, text_in(b, "name"));
    free(name);
}

/* A above B becomes B above A. */
static void turn_over(struct history *h, const cJSON *state)
{
    const cJSON *b = any_department(h, state), *a = NULL, *d;
    cJSON_ArrayForEach (d, yq_json_get(state, "departments")) {
        if (number_in(d, "id") == number_in(b, "parent") && number_in(d, "id") != 1)
            a = d;
    }
    if (a != NULL && move_department(h, b, number_in(a, "parent")))
        (void)move_department(h, a, number_in(b, "id"));
}

static void dissolve(struct history *h, const cJSON *state)
{
    if (cJSON_GetArraySize(yq_json_get(state, "departments")) > 3)
        console(h, "{\"do\":\"delete_department\",\"id\":%u,\"subtree\":true}",
                number_in(any_department(h, state), "id"));
}

/* Deleted, and one of the same name put in its place. */
static void found_anew(struct history *h, const cJSON *state)
{
    const cJSON *d = any_department(h, state);
    unsigned n = h->departments_made++;
    if (!console(h, "{\"do\":\"delete_department\",\"id\":%u,\"subtree\":true}",
                 number_in(d, "id")))
        return;
    if (!console(h, "{\"do\":\"create_department\",\"id\":%u,\"name\":\"%s\",\"parent\":%u}",
                 1000 + n, text_in(d, "name"), number_in(d, "parent")))
        return;
    console(h, "{\"do\":\"update_member\",\"userid\":\"%s\",\"departments\":[%u]}",
            text_in(any_member(h, state), "userid"), 1000 + n);
}

static const struct {
    unsigned weight;
    bool departments; /* needs one besides the root */
    void (*play)(struct history *h, const cJSON *state);
} stories[] = {
    {10, false, newcomer},        {5, false, chain_with_member},
    {12, false, field},           {10, false, places},
    {5, false, main_swap},        {6, false, leaver},
    {5, false, returner},         {4, false, blink},
    {5, false, new_userid},       {4, false, status},
    {5, false, mobile_of_leaver}, {5, false, swap_mobiles},
    {4, false, new_department},   {6, true, other_name},
    {6, true, other_parent},      {5, true, swap_names},
    {4, true, turn_over},         {3, true, dissolve},
    {4, true, found_anew},
};
#define STORIES (sizeof(stories) / sizeof(stories[0]))

void history_change(struct history *h)
{
    cJSON *state = console_state(h);
    unsigned all = 0, at = 0;
    for (size_t i = 0; i < STORIES; i++)
        all += stories[i].weight;
    uint32_t chosen = history_below(h, all);
    for (at = 0; chosen >= stories[at].weight; at++)
        chosen -= stories[at].weight;
    bool people = cJSON_GetArraySize(yq_json_get(state, "members")) > 0;
    bool departments = cJSON_GetArraySize(yq_json_get(state, "departments")) > 1;
    if (people && (departments || !stories[at].departments))
        stories[at].play(h, state);
    cJSON_Delete(state);
}

void history_touch_all(struct history *h)
{
    const cJSON *item;
    cJSON *state = console_state(h);
    cJSON_ArrayForEach (item, yq_json_get(state, "departments")) {
        if (number_in(item, "id") == 1)
            continue;
        (void)rename_department(h, item, "换名中");
        (void)rename_department(h, item, text_in(item, "name"));
    }
    const cJSON *people = h->cold ? NULL : yq_json_get(state, "members");
    cJSON_ArrayForEach (item, people)
        console(h, "{\"do\":\"update_member\",\"userid\":\"%s\",\"position\":\"%u\"}",
                text_in(item, "userid"), history_below(h, 1000));
    cJSON_Delete(state);
}
