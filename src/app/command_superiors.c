/* superiors: how the superior switch stands, and putting back what was there before it. */
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "clients/store_inspect.h"
#include "commands.h"
#include "printing.h"
#include "when.h"

struct standing {
    struct yq_pairs switched, backups; /* hashes superiors, superiors:backups */
    long long awaited;                 /* superiors who are not in service in eteams yet */
    bool wanted;
};

static void release(struct standing *s)
{
    yq_pairs_release(&s->switched);
    yq_pairs_release(&s->backups);
}

static int load(struct yq_cli *cli, const char *id, struct standing *ret, struct yq_error *err)
{
    char key[YQ_KEY_MAX];
    if (yq_store_read_hash(cli->redis, &cli->keys, id, "superiors", &ret->switched, err) != 0 ||
        yq_store_read_hash(cli->redis, &cli->keys, id, "superiors:backups", &ret->backups, err) !=
            0)
        return -1;
    redisReply *reply = yq_redis_command(cli->redis, err, "ZCARD %s",
                                         yq_key(&cli->keys, id, "superiors:awaited", key));
    if (reply == NULL)
        return -1;
    ret->awaited = reply->integer;
    freeReplyObject(reply);
    return 0;
}

static const char *word_of(const struct standing *s)
{
    const char *state = yq_pairs_get(&s->switched, "state");
    if (state == NULL)
        return s->wanted ? "wanted" : "off";
    return strcmp(state, "on") == 0 ? "on" : "taking_over";
}

static bool is_locked(const struct standing *s)
{
    const char *locked = yq_pairs_get(&s->switched, "locked");
    return locked != NULL && strcmp(locked, "1") == 0;
}

static int64_t since(const struct standing *s)
{
    const char *text = yq_pairs_get(&s->switched, "since");
    return text != NULL ? atoll(text) : 0;
}

/* ---- words ---- */

static void tell_state(struct yq_cli *cli, const struct standing *s)
{
    char when[YQ_WHEN_MAX];
    const char *word = word_of(s);
    if (strcmp(word, "off") == 0)
        fputs(_("superiors in eteams are left alone\n"), cli->out);
    else if (strcmp(word, "wanted") == 0)
        fputs(_("superiors shall follow WeCom: taken over by the next full reconcile\n"), cli->out);
    else if (strcmp(word, "on") != 0)
        fprintf(cli->out, _("superiors are being taken over since %s\n"),
                yq_when_show(since(s), when));
    else
        fprintf(cli->out,
                is_locked(s) ? _("superiors follow WeCom since %s, locked in eteams\n")
                             : _("superiors follow WeCom since %s, not locked in eteams\n"),
                yq_when_show(since(s), when));
    if (s->awaited > 0)
        fprintf(cli->out, _("superiors who are not in service in eteams yet: %lld\n"), s->awaited);
}

static void tell_backup(struct yq_cli *cli, const char *id, const struct yq_pair *backup)
{
    char when[YQ_WHEN_MAX];
    int64_t people = 0, with = 0;
    cJSON *json = yq_json_parse(backup->value, strlen(backup->value), NULL);
    (void)yq_json_int(json, "people", &people);
    (void)yq_json_int(json, "with", &with);
    fprintf(cli->out, _("backup %s of %s: %lld people, %lld of them with superiors\n"),
            backup->name, yq_when_show(atoll(backup->name), when), (long long)people,
            (long long)with);
    fprintf(cli->out, "    yunqiao superiors restore %s %s\n", id, backup->name);
    cJSON_Delete(json);
}

static void tell_json(struct yq_cli *cli, const struct standing *s)
{
    cJSON *root = cJSON_CreateObject();
    cJSON_AddStringToObject(root, "state", word_of(s));
    cJSON_AddBoolToObject(root, "locked", is_locked(s));
    cJSON_AddNumberToObject(root, "since_ms", (double)since(s));
    cJSON_AddNumberToObject(root, "awaited", (double)s->awaited);
    cJSON *list = cJSON_AddArrayToObject(root, "backups");
    for (size_t i = 0; i < s->backups.count; i++) {
        const struct yq_pair *b = &s->backups.items[i];
        cJSON *item = yq_json_parse(b->value, strlen(b->value), NULL);
        if (item == NULL)
            item = cJSON_CreateObject();
        cJSON_AddStringToObject(item, "backup", b->name);
        cJSON_AddItemToArray(list, item);
    }
    yq_print_json(root, cli->out);
}

enum yq_exit yq_command_superiors_show(struct yq_cli *cli, int argc, char **argv)
{
    struct standing s = {.awaited = 0};
    struct yq_error err = {0};
    enum yq_exit status = YQ_EXIT_DONE;
    if (yq_cli_arguments(cli, NULL, &argc, argv, (int[]){1, 1}) != 0)
        return YQ_EXIT_USAGE;
    const struct yq_connection_settings *c =
        yq_cli_open(cli) == 0 ? yq_cli_connection(cli, argv[0]) : NULL;
    if (c == NULL)
        return YQ_EXIT_FAILED;
    s.wanted = c->policy.superiors;
    if (load(cli, argv[0], &s, &err) != 0) {
        status = yq_cli_fail(cli, "%s", err.text);
    } else if (cli->json) {
        tell_json(cli, &s);
    } else {
        tell_state(cli, &s);
        for (size_t i = 0; i < s.backups.count; i++)
            tell_backup(cli, argv[0], &s.backups.items[i]);
    }
    release(&s);
    return status;
}

enum yq_exit yq_command_superiors_restore(struct yq_cli *cli, int argc, char **argv)
{
    bool no_wait = false;
    const struct yq_argument known[] = {{"--no-wait", NULL, &no_wait}, {NULL, NULL, NULL}};
    if (yq_cli_arguments(cli, known, &argc, argv, (int[]){1, 2}) != 0)
        return YQ_EXIT_USAGE;
    const char *backup = argc > 1 ? argv[1] : "newest";
    if (argc > 1 && (strlen(backup) > 20 || strspn(backup, "0123456789") != strlen(backup)))
        return yq_cli_usage(cli, _("\"%.40s\" is no backup; superiors show lists them"), backup);
    if (yq_cli_open(cli) != 0 || yq_cli_connection(cli, argv[0]) == NULL)
        return YQ_EXIT_FAILED;
    return yq_cli_order(cli, argv[0],
                        &(struct yq_order){.kind = YQ_EVENT_COMMAND_SUPERIORS,
                                           .subject = yq_subject_all(),
                                           .field = "restore",
                                           .value = backup,
                                           .no_wait = no_wait});
}
