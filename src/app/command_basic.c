/* serve, check, version, pause, resume. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "app/config.h"
#include "clients/queue.h"
#include "clients/store.h"
#include "commands.h"
#include "printing.h"
#include "service/serve.h"

static const struct {
    const char *name;
    unsigned role;
} roles[] = {{"receiver", YQ_ROLE_RECEIVER},
             {"worker", YQ_ROLE_WORKER},
             {"scheduler", YQ_ROLE_SCHEDULER},
             {"admin", YQ_ROLE_ADMIN}};

/* "receiver,worker" as bits; 0 if any of it is no role. */
static unsigned parse_roles(const char *text)
{
    unsigned found = 0;
    for (;; text++) {
        size_t len = strcspn(text, ","), i = 0;
        while (i < 4 && (strlen(roles[i].name) != len || memcmp(roles[i].name, text, len) != 0))
            i++;
        if (i == 4)
            return 0;
        found |= roles[i].role;
        text += len;
        if (*text == '\0')
            return found;
    }
}

/* At SIGHUP. The zone is the process' own: its variable stands in the environment since the start,
 * so that the others, who read it meanwhile, find the old text or the new one. */
static int read_again(void *context, const struct yq_settings *now, struct yq_settings **ret,
                      struct yq_buf *ret_restart, struct yq_buf *ret_faults)
{
    const struct yq_cli *cli = context;
    if (yq_config_reload(cli->config, now, ret, ret_restart, ret_faults) != 0)
        return -1;
    setenv("TZ", (*ret)->time_zone, 1);
    tzset();
    return 0;
}

enum yq_exit yq_command_serve(struct yq_cli *cli, int argc, char **argv)
{
    const char *list = NULL;
    const struct yq_argument known[] = {{"--roles", &list, NULL}, {NULL, NULL, NULL}};
    unsigned chosen = YQ_ROLES_ALL;
    struct yq_error err = {0};
    if (yq_cli_arguments(cli, known, &argc, argv, (int[]){0, 0}) != 0)
        return YQ_EXIT_USAGE;
    if (list != NULL)
        chosen = parse_roles(list);
    if (chosen == 0)
        return yq_cli_usage(cli, _("--roles is a list of receiver, worker, scheduler, admin"));
    if (yq_cli_load(cli) != 0)
        return YQ_EXIT_FAILED;
    if (cli->settings->admin_listen[0] == '\0')
        chosen &= ~(unsigned)YQ_ROLE_ADMIN;
    if (chosen == 0)
        return yq_cli_fail(cli, _("the role admin needs admin.listen in the configuration"));
    const struct yq_reloader reloader = {read_again, cli};
    if (yq_serve(cli->settings, chosen, &reloader, &err) != 0)
        return yq_cli_fail(cli, "%s", err.text);
    return YQ_EXIT_DONE;
}

enum yq_exit yq_command_check(struct yq_cli *cli, int argc, char **argv)
{
    bool print_options = false;
    const struct yq_argument known[] = {{"--print-options", NULL, &print_options},
                                        {NULL, NULL, NULL}};
    if (yq_cli_arguments(cli, known, &argc, argv, (int[]){0, 0}) != 0)
        return YQ_EXIT_USAGE;
    if (print_options) {
        struct yq_buf page = YQ_BUF_INIT;
        yq_config_print_options(&page);
        fputs(yq_buf_text(&page), cli->out);
        yq_buf_release(&page);
        return YQ_EXIT_DONE;
    }
    if (yq_cli_load(cli) != 0)
        return YQ_EXIT_FAILED;
    if (cli->json)
        fprintf(cli->out, "{\"ok\":true,\"connections\":%zu}\n", cli->settings->connection_count);
    else
        fprintf(cli->out, _("configuration OK: %zu connections\n"),
                cli->settings->connection_count);
    return YQ_EXIT_DONE;
}

enum yq_exit yq_command_version(struct yq_cli *cli, int argc, char **argv)
{
    if (yq_cli_arguments(cli, NULL, &argc, argv, (int[]){0, 0}) != 0)
        return YQ_EXIT_USAGE;
    fprintf(cli->out, cli->json ? "{\"version\":\"%s\"}\n" : "yunqiao %s\n", YQ_VERSION);
    return YQ_EXIT_DONE;
}

static enum yq_exit set_paused(struct yq_cli *cli, int argc, char **argv, bool paused)
{
    struct yq_error err = {0};
    bool was = false;
    if (yq_cli_arguments(cli, NULL, &argc, argv, (int[]){1, 1}) != 0)
        return YQ_EXIT_USAGE;
    if (yq_cli_open(cli) != 0 || yq_cli_connection(cli, argv[0]) == NULL)
        return YQ_EXIT_FAILED;
    if (yq_store_get_paused(cli->redis, &cli->keys, argv[0], &was, &err) != 0 ||
        yq_store_set_paused(cli->redis, &cli->keys, argv[0], paused, &err) != 0)
        return yq_cli_fail(cli, "%s", err.text);
    if (!paused && yq_ready_add(cli->redis, &cli->keys, argv[0], yq_wall_ms(cli->clock), &err) != 0)
        return yq_cli_fail(cli, "%s", err.text);
    if (cli->json)
        fprintf(cli->out, "{\"id\":\"%s\",\"paused\":%s,\"changed\":%s}\n", argv[0],
                paused ? "true" : "false", was != paused ? "true" : "false");
    else if (paused)
        fprintf(cli->out,
                was ? _("%s was paused already\n") : _("%s is paused: events are taken and wait\n"),
                argv[0]);
    else
        fprintf(cli->out, was ? _("%s goes on\n") : _("%s was not paused\n"), argv[0]);
    return YQ_EXIT_DONE;
}

enum yq_exit yq_command_pause(struct yq_cli *cli, int argc, char **argv)
{
    return set_paused(cli, argc, argv, true);
}

enum yq_exit yq_command_resume(struct yq_cli *cli, int argc, char **argv)
{
    return set_paused(cli, argc, argv, false);
}
