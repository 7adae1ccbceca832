/* What stories about full reconciles say often. */
#include "grown.h"

#include "base/json.h"

/* Two equal companies that do not know each other; nobody calls back. */
struct stage *grown(void **state, size_t people)
{
    return story_with(state, &(struct stage_options){.seed = 7,
                                                     .people = people,
                                                     .departments = people / 10 + 2,
                                                     .mirrored = true,
                                                     .callback_mode = "trimmed"});
}

int64_t writes(struct stage *s, const char *name)
{
    return ask(s, STAGE_ETEAMS, "/_sim/writes", name);
}

int64_t linked(struct stage *s)
{
    char *text = stage_redis_text(s, "HLEN yq:{acme}:link:member");
    int64_t n = atoll(text);
    free(text);
    return n;
}

void sync_all(struct stage *s, int status)
{
    char *text;
    int is = stage_command(s, &text, "sync", "acme", NULL);
    if (is != status)
        fail_msg("sync ends with %d, not %d:\n%s", is, status, text);
    free(text);
}

/* A number of the newest run. */
int64_t of_run(struct stage *s, const char *name)
{
    int64_t n = -1;
    char *text = stage_redis_text(s, "XREVRANGE yq:{acme}:runs + - COUNT 1");
    const char *json = strchr(text, '{');
    cJSON *run = json != NULL ? yq_json_parse(json, strlen(json), NULL) : NULL;
    if (run == NULL)
        fail_msg("no run: %s", text);
    if (!yq_json_int(yq_json_get(run, "counts"), name, &n))
        (void)yq_json_int(run, name, &n);
    cJSON_Delete(run);
    free(text);
    return n;
}

/* Changes nobody hears of. */
void silently(struct stage *s, const char *change)
{
    hold_events(s);
    stage_wecom_change(s, "%s", change);
    tell(s, STAGE_WECOM, "/_sim/deliver", "{\"lose_percent\":100}");
    await_deliveries(s);
    tell(s, STAGE_WECOM, "/_sim/delivery", "{\"mode\":\"auto\"}");
}

/* Userids of WeCom, in the order of the state; caller frees all. */
char **userids(struct stage *s, size_t *ret_count)
{
    cJSON *state = stage_call(s, STAGE_WECOM, "/_sim/state", NULL);
    const cJSON *rows = yq_json_get(state, "members"), *row;
    char **ids = calloc((size_t)cJSON_GetArraySize(rows) + 1, sizeof(*ids));
    size_t n = 0;
    cJSON_ArrayForEach (row, rows)
        ids[n++] = strdup(yq_json_get(row, "userid")->valuestring);
    cJSON_Delete(state);
    if (ret_count != NULL)
        *ret_count = n;
    return ids;
}

void free_ids(char **ids)
{
    for (char **id = ids; *id != NULL; id++)
        free(*id);
    free(ids);
}

/* The first `count` members are deleted in WeCom, and nobody hears of it. */
void leave_silently(struct stage *s, size_t from, size_t count)
{
    char **ids = userids(s, NULL), change[200];
    for (size_t i = from; i < from + count; i++) {
        (void)snprintf(change, sizeof(change), "{\"do\":\"delete_member\",\"userid\":\"%s\"}",
                       ids[i]);
        silently(s, change);
    }
    free_ids(ids);
}

bool is_reconciled(struct stage *s)
{
    char *text = stage_redis_text(s, "HGET yq:{acme}:reconciled full");
    bool is = *text != '\0';
    free(text);
    return is;
}
