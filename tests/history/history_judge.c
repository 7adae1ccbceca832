/* What is there in the end, laid before the oracle; and what must be true besides. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "history_console.h"
#include "oracle/oracle.h"

/* A hash of Redis as an object: field -> JSON. */
cJSON *history_links(struct history *h, const char *name)
{
    cJSON *all = cJSON_CreateObject();
    char *text = stage_redis_text(h->s, "HGETALL yq:{acme}:link:%s", name), *rest = text, *field;
    while ((field = strsep(&rest, "\n")) != NULL && rest != NULL) {
        char *value = strsep(&rest, "\n");
        cJSON *link = cJSON_Parse(value);
        cJSON_AddItemToObject(all, field, link != NULL ? link : cJSON_CreateNull());
    }
    free(text);
    return all;
}

void history_remember(struct history *h)
{
    h->before = stage_call(h->s, STAGE_ETEAMS, "/_sim/state", NULL);
    h->department_links = history_links(h, "department");
    h->member_links = history_links(h, "member");
}

/* Somebody who came back while another one had taken the mobile or e-mail of the resigned record is
 * listed for a person (decision 18): by an earlier event of the history that the oracle knows
 * nothing of. Likewise a mobile that somebody held who was not linked yet, or of whom nobody could
 * read that he has another one; and a newcomer whose mobile, which only the event told, is that of
 * another one than his account. */
static bool waits_for_a_person(struct history *h, const char *line, const cJSON *members)
{
    char userid[80];
    bool waits = false;
    (void)snprintf(userid, sizeof(userid), "%.*s", (int)strcspn(line, ":"), line);
    for (char *c = userid; *c != '\0'; c++)
        *c = (char)tolower((unsigned char)*c);
    const cJSON *link = cJSON_GetObjectItemCaseSensitive(members, userid);
    bool back = yq_json_bool(link, "left", false) && strstr(line, "works in WeCom") != NULL;
    bool key =
        (h->cold || h->hidden) && (strstr(line, ": mobile is ") || strstr(line, ": email is "));
    bool two = h->hidden && strstr(line, ": has no person in eteams") != NULL;
    if (!back && !key && !two)
        return false;
    char *text = stage_redis_text(h->s, "HGET yq:{acme}:cases member:%s", userid);
    waits = strstr(text, back || two ? "\"several_hits\"" : "\"key_taken\"") != NULL;
    free(text);
    return waits;
}

/* A department that cannot have a name or a place that another one, as a case, does not give up, or
 * that belongs below such a one, which still stands below it. That one is judged for itself. */
static bool waits_for_cases(struct history *h, const char *line, const cJSON *wecom)
{
    const cJSON *d;
    bool listed = false;
    cJSON_ArrayForEach (d, yq_json_get(wecom, "departments")) {
        size_t len = strlen(text_in(d, "name"));
        if (strncmp(line, text_in(d, "name"), len) != 0 || line[len] != ':')
            continue;
        char *text =
            stage_redis_text(h->s, "HGET yq:{acme}:cases department:%u", number_in(d, "id"));
        listed = listed || strstr(text, "\"peer_refused\"") != NULL ||
                 strstr(text, "\"parent_waits\"") != NULL;
        free(text);
    }
    return listed;
}

bool history_noted(struct history *h, const char *userid, const char *kind)
{
    char subject[96];
    const cJSON *item;
    (void)snprintf(subject, sizeof(subject), "member:%s", userid);
    cJSON_ArrayForEach (item, cJSON_GetObjectItem(h->touched, subject)) {
        if (strcmp(item->valuestring, kind) == 0)
            return true;
    }
    return false;
}

/* Deleted and resigned, then created anew and given another userid, of which nobody heard. */
static bool left_before(struct history *h, const char *line)
{
    char userid[80];
    (void)snprintf(userid, sizeof(userid), "%.*s", (int)strcspn(line, ":"), line);
    return strstr(line, ": was resigned although he may have a new userid") != NULL &&
           history_noted(h, userid, "left.before");
}

/* What only events tell, and they told it under two userids. */
static bool hidden_and_renamed(struct history *h, const char *line)
{
    const cJSON *item;
    bool said = strstr(line, ": mobile is ") != NULL || strstr(line, ": email is ") != NULL ||
                strstr(line, ": sex is ") != NULL;
    cJSON_ArrayForEach (item, h->renamed) {
        size_t len = strlen(item->valuestring);
        if (h->hidden && said && strncasecmp(line, item->valuestring, len) == 0 && line[len] == ':')
            return true;
    }
    return false;
}

static void complain_by_line(struct history *h, char *text, const cJSON *wecom,
                             const cJSON *members)
{
    for (char *line; (line = strsep(&text, "\n")) != NULL;) {
        if (left_before(h, line))
            continue;
        if (hidden_and_renamed(h, line))
            h->left_to_reconcile++;
        else if (waits_for_a_person(h, line, members) || waits_for_cases(h, line, wecom))
            h->left_to_people++;
        else if (*line != '\0')
            history_complain(h, "%s\n", line);
    }
}

static void judge_by_oracle(struct history *h, const cJSON *wecom, const cJSON *after)
{
    struct yq_buf lines = YQ_BUF_INIT;
    cJSON *departments = history_links(h, "department"), *members = history_links(h, "member");
    cJSON *options = cJSON_CreateObject();
    cJSON_AddTrueToObject(options, "history");
    cJSON_AddStringToObject(options, "part_time", "incremental");
    cJSON_AddBoolToObject(options, "sensitive_readable", !h->hidden);
    cJSON_AddItemReferenceToObject(options, "renamed", h->renamed);
    const struct oracle_case c = {
        .wecom = wecom,
        .before = h->before,
        .after = after,
        .department_links_before = h->department_links,
        .department_links_after = departments,
        .member_links_before = h->member_links,
        .member_links_after = members,
        .touched = h->touched,
        .options = options,
    };
    if (oracle_judge(&c, &lines) > 0)
        complain_by_line(h, lines.data, wecom, members);
    yq_buf_release(&lines);
    cJSON_Delete(options);
    cJSON_Delete(departments);
    cJSON_Delete(members);
}

/* ---- besides ---- */

static bool holds(const cJSON *row, const char *value)
{
    const cJSON *field;
    cJSON_ArrayForEach (field, row) {
        if (cJSON_IsString(field) && strcmp(field->valuestring, value) == 0)
            return true;
    }
    return false;
}

/* Somebody wrote the same by hand meanwhile: between our reading and our writing, perhaps. */
static bool was_edited(const struct history *h, const cJSON *row)
{
    const cJSON *edit;
    cJSON_ArrayForEach (edit, h->edits) {
        if (holds(row, text_in(edit, "id")) && holds(row, text_in(edit, "value")))
            return true;
    }
    return false;
}

static void judge_writes(struct history *h)
{
    int64_t rows = -1;
    cJSON *json = stage_call(h->s, STAGE_ETEAMS, "/_sim/writes", NULL);
    bool counted = yq_json_int(json, "noop_rows", &rows);
    const cJSON *example, *examples = yq_json_get(json, "noop_examples");
    cJSON_ArrayForEach (example, examples)
        rows -= was_edited(h, yq_json_get(example, "row"));
    if (!counted || rows != 0) {
        char *text = cJSON_PrintUnformatted(examples);
        history_complain(h, "%d rows were written with the values that were there: %s\n", (int)rows,
                         text);
        cJSON_free(text);
    }
    cJSON_Delete(json);
}

/* Nothing may be left there. */
static void judge_empty(struct history *h, const char *command, const char *what)
{
    char *text = stage_redis_text(h->s, "%s", command);
    if (*text != '\0')
        history_complain(h, "%s:\n%s\n", what, text);
    free(text);
}

static bool in_service(const cJSON *person)
{
    const char *status = text_in(person, "personnel_status");
    return status[0] >= '1' && status[0] <= '5' && status[1] == '\0';
}

static const cJSON *find(const cJSON *list, const char *field, const char *value)
{
    const cJSON *row;
    cJSON_ArrayForEach (row, list) {
        if (strcasecmp(text_in(row, field), value) == 0)
            return row;
    }
    return NULL;
}

/* Renamed and deleted. When the deletion is settled first, nothing is known of the new userid yet;
 * the link follows with the change of userid, and the next reconcile finds the person gone. */
static bool gone_before_renamed(struct history *h, const char *userid)
{
    const cJSON *item;
    cJSON_ArrayForEach (item, h->renamed) {
        if (strcasecmp(item->valuestring, userid) == 0 || strcasecmp(item->string, userid) == 0)
            return true;
    }
    return false;
}

/* Nobody in service whom nobody in WeCom stands for, but those who were there and unlinked before.
 */
static void judge_people(struct history *h, const cJSON *wecom, const cJSON *after)
{
    const cJSON *person, *link;
    cJSON *members = history_links(h, "member");
    cJSON_ArrayForEach (person, yq_json_get(after, "members")) {
        const cJSON *owner = NULL;
        const char *id = text_in(person, "id");
        if (!in_service(person))
            continue;
        cJSON_ArrayForEach (link, members) {
            if (strcmp(text_in(link, "eteams"), id) == 0)
                owner = link;
        }
        if (owner == NULL && find(yq_json_get(h->before, "members"), "id", id) == NULL)
            history_complain(h, "%s (%s) was made and belongs to nobody\n",
                             text_in(person, "username"), id);
        if (owner == NULL || find(yq_json_get(wecom, "members"), "userid", owner->string) != NULL)
            continue;
        if (!h->loses && gone_before_renamed(h, owner->string))
            h->left_to_reconcile++;
        else
            history_complain(h, "%s (%s) is in service, and %s is deleted in WeCom\n",
                             text_in(person, "username"), id, owner->string);
    }
    cJSON_Delete(members);
}

/* Departments that were made and stand for nothing: as many as were deleted in WeCom, at most. */
static void judge_departments(struct history *h, const cJSON *after)
{
    unsigned lost = 0;
    const cJSON *d, *link;
    cJSON *all = history_links(h, "department");
    cJSON_ArrayForEach (d, yq_json_get(after, "departments")) {
        bool linked = find(yq_json_get(h->before, "departments"), "id", text_in(d, "id")) != NULL;
        cJSON_ArrayForEach (link, all)
            linked = linked || strcmp(text_in(link, "eteams"), text_in(d, "id")) == 0;
        lost += !linked;
    }
    if (lost > h->departments_deleted)
        history_complain(h, "%u departments were made and stand for nothing, %u were deleted\n",
                         lost, h->departments_deleted);
    cJSON_Delete(all);
}

/* ---- the guard ---- */

/* Of the people who were in service: how many are not any more? The limit of the day is 3. */
static void judge_guard(struct history *h, const cJSON *after)
{
    unsigned gone = 0;
    const cJSON *person;
    cJSON_ArrayForEach (person, yq_json_get(after, "members"))
        gone += !in_service(person);
    history_say(h, "%u people were resigned", gone);
    if (gone > 3)
        history_complain(h, "%u people were resigned in spite of the limit\n", gone);
}

void history_judge(struct history *h)
{
    cJSON *wecom = console_state(h);
    cJSON *after = stage_call(h->s, STAGE_ETEAMS, "/_sim/state", NULL);
    if (h->guard) {
        judge_guard(h, after);
    } else {
        judge_by_oracle(h, wecom, after);
        judge_people(h, wecom, after);
        judge_departments(h, after);
    }
    judge_writes(h);
    judge_empty(h, "XRANGE yq:{acme}:dead - +", "dead letters");
    judge_empty(h, "HGETALL yq:{acme}:retry", "something waits");
    cJSON_Delete(wecom);
    cJSON_Delete(after);
}

/* ---- for people ---- */

static void print_redis(struct history *h, const char *what, const char *command)
{
    char *text = stage_redis_text(h->s, "%s", command);
    (void)printf("---- %s\n%s\n", what, text);
    free(text);
}

static void print_tree(const char *what, const cJSON *tree)
{
    char *text = cJSON_PrintUnformatted(tree);
    (void)printf("---- %s\n", what);
    for (const char *c = text; c != NULL && *c != '\0'; c++) {
        (void)putchar(*c);
        if (c[0] == '}' && c[1] == ',')
            (void)putchar('\n');
    }
    (void)putchar('\n');
    cJSON_free(text);
}

void history_print(struct history *h)
{
    cJSON *wecom = console_state(h);
    cJSON *after = stage_call(h->s, STAGE_ETEAMS, "/_sim/state", NULL);
    if (!h->talks)
        (void)printf("%s", yq_buf_text(&h->story));
    print_redis(h, "events", "XRANGE yq:{acme}:events - +");
    print_redis(h, "audit", "XRANGE yq:{acme}:audit - +");
    print_redis(h, "cases", "HGETALL yq:{acme}:cases");
    print_redis(h, "blocked", "ZRANGE yq:{acme}:blocked 0 -1");
    print_redis(h, "links of departments", "HGETALL yq:{acme}:link:department");
    print_redis(h, "links of members", "HGETALL yq:{acme}:link:member");
    print_tree("WeCom", wecom);
    print_tree("eteams before", h->before);
    print_tree("eteams", after);
    cJSON_Delete(wecom);
    cJSON_Delete(after);
}
