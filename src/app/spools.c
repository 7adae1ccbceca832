/* The spools of all processes, from what they say of themselves in Redis. */
#include "spools.h"

#include <string.h>

#include "base/json.h"
#include "clients/store_inspect.h"
#include "when.h"

#define ALIVE_MS 30000 /* without a word for so long, it is gone */

static void add(cJSON *list, const char *name, const char *json, int64_t now_ms)
{
    int64_t at = 0, entries = 0, bytes = 0, since = 0;
    cJSON *tree = yq_json_parse(json, strlen(json), NULL);
    const cJSON *spool = yq_json_get(tree, "spool");
    if (yq_json_int(spool, "entries", &entries) && entries > 0) {
        cJSON *item = cJSON_CreateObject();
        (void)yq_json_int(tree, "at", &at);
        (void)yq_json_int(spool, "bytes", &bytes); /* else 0, "?" */
        (void)yq_json_int(spool, "since", &since);
        cJSON_AddStringToObject(item, "process", name);
        cJSON_AddNumberToObject(item, "entries", (double)entries);
        cJSON_AddNumberToObject(item, "bytes", (double)bytes);
        cJSON_AddNumberToObject(item, "since_ms", (double)since);
        cJSON_AddBoolToObject(item, "alive", now_ms - at <= ALIVE_MS);
        cJSON_AddItemToArray(list, item);
    }
    cJSON_Delete(tree);
}

cJSON *yq_spools_read(struct yq_cli *cli)
{
    struct yq_pairs processes = {0};
    struct yq_error err = {0};
    if (yq_store_read_hash(cli->redis, &cli->keys, NULL, "processes", &processes, &err) != 0) {
        (void)yq_cli_fail(cli, "%s", err.text);
        return NULL;
    }
    cJSON *list = cJSON_CreateArray();
    for (size_t i = 0; i < processes.count; i++)
        add(list, processes.items[i].name, processes.items[i].value, yq_wall_ms(cli->clock));
    yq_pairs_release(&processes);
    return list;
}

void yq_spools_print(struct yq_cli *cli, const cJSON *spools)
{
    const cJSON *item;
    cJSON_ArrayForEach (item, spools) {
        char since[YQ_WHEN_MAX];
        int64_t entries = 0, bytes = 0, at = 0;
        (void)yq_json_int(item, "entries", &entries);
        (void)yq_json_int(item, "bytes", &bytes);
        (void)yq_json_int(item, "since_ms", &at);
        fprintf(cli->out, _("%s has %lld events (%lld bytes) in its spool since %s\n"),
                yq_json_get(item, "process")->valuestring, (long long)entries, (long long)bytes,
                yq_when_show(at, since));
        if (!cJSON_IsTrue(yq_json_get(item, "alive")))
            fputs(_("    that process is gone: the next one on its disk takes them over\n"),
                  cli->out);
    }
}
