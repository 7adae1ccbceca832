/* The table of commands, finding the one that was meant, and what they all share. */
#include "commands.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "app/config.h"
#include "base/json.h"
#include "clients/store_inspect.h"
#include "clients/system_clock.h"

#define HEARTBEAT_MS 30000 /* a process that was not heard of for longer is dead */

static const struct yq_command commands[] = {
    {"serve", "serve [--roles receiver,worker,scheduler,admin]",
     N_("take callbacks and keep eteams in step, until SIGTERM"), yq_command_serve},
    {"check", "check", N_("read the configuration and tell every fault in it"), yq_command_check},
    {"doctor", "doctor [ID]",
     N_("look at Redis, clocks, both peers, alarms, and how fresh each field is"),
     yq_command_doctor},
    {"health", "health [--ready]",
     N_("ask the daemon on this machine whether it lives; --ready: whether it is ready"),
     yq_command_health},
    {"queue", "queue [ID]", N_("show what waits, retries, is held or set aside"), yq_command_queue},
    {"events list",
     "events list ID [--kind KIND] [--subject SUBJECT] [--from TIME] [--to TIME] "
     "[--state all|waiting|pending|done] [--limit N] [-f]",
     N_("list the events of a connection, newest first; -f: go on with those that come"),
     yq_command_events_list},
    {"events show", "events show ID ENTRY [--reveal]",
     N_("show one event with all it carries; --reveal shows mobiles and e-mails"),
     yq_command_events_show},
    {"events export",
     "events export ID [--kind KIND] [--subject SUBJECT] [--from TIME] [--to TIME] > FILE",
     N_("print stored events, a line each with a checksum, for another installation or a backup"),
     yq_command_events_export},
    {"events import", "events import ID FILE",
     N_("send exported events again; bad lines are named and left out; FILE - is the input"),
     yq_command_events_import},
    {"explain", "explain ID member|department KEY",
     N_("tell what came in about somebody, and what was done about it and why"),
     yq_command_explain},
    {"replay",
     "replay ID EVENT… [--dry-run] | replay ID [--from TIME] [--to TIME] [--kind KIND] "
     "[--subject SUBJECT] [--dry-run]; with --dry-run also [--no-wait]",
     N_("send stored events again, read anew from the text that came; --dry-run: only tell"),
     yq_command_replay},
    {"dead list",
     "dead list ID [--kind KIND] [--subject SUBJECT] [--from TIME] [--to TIME] [--limit N]",
     N_("list the events that were given up, newest first"), yq_command_dead_list},
    {"dead show", "dead show ID EVENT [--reveal]",
     N_("show one of them with all it carries, and the story of its subject"),
     yq_command_dead_show},
    {"dead retry",
     "dead retry ID EVENT… | dead retry ID --all | dead retry ID [--kind KIND] "
     "[--subject SUBJECT] [--from TIME] [--to TIME]",
     N_("send them again, as they came, behind what waits"), yq_command_dead_retry},
    {"dead drop",
     "dead drop ID EVENT… --reason TEXT | dead drop ID --all --reason TEXT | dead drop ID "
     "[--kind KIND] [--subject SUBJECT] [--from TIME] [--to TIME] --reason TEXT",
     N_("take them off the list for good; the audit keeps the reason"), yq_command_dead_drop},
    {"sync", "sync ID [--member USERID | --department DEPTID] [--dry-run] [--no-wait]",
     N_("bring everything in step now, or one member or department; --dry-run: only tell"),
     yq_command_sync},
    {"cancel", "cancel ID RUN", N_("end a reconcile that is going, or waits"), yq_command_cancel},
    {"plans", "plans ID [HASH]", N_("list what the guard holds; with HASH, everybody in it"),
     yq_command_plans},
    {"approve", "approve ID HASH [--no-wait]",
     N_("carry out a plan that the guard holds, as far as it still stands"), yq_command_approve},
    {"cases", "cases ID", N_("list what a person must decide, and how"), yq_command_cases},
    {"links export", "links export ID > FILE",
     N_("print all links, a line each with a checksum, to move an installation"),
     yq_command_links_export},
    {"links import", "links import ID FILE",
     N_("take exported links in, all of them or none; then everything is compared"),
     yq_command_links_import},
    {"links", "links ID [--department | --member]",
     N_("list which record of eteams each member and department is"), yq_command_links},
    {"link", "link ID member USERID EMPLOYEEID | link ID department DEPTID ORGID [--no-wait]",
     N_("say which record of eteams a member or department is"), yq_command_link},
    {"unlink", "unlink ID member USERID | unlink ID department DEPTID [--no-wait]",
     N_("remove a link; nothing is written to eteams"), yq_command_unlink},
    {"superiors show", "superiors show ID",
     N_("tell whether superiors follow WeCom, and which backups there are"),
     yq_command_superiors_show},
    {"superiors restore", "superiors restore ID [BACKUP] [--no-wait]",
     N_("put superiors back as they were before they followed WeCom"),
     yq_command_superiors_restore},
    {"pause", "pause ID", N_("stop working on a connection; its events wait"), yq_command_pause},
    {"resume", "resume ID", N_("go on with a connection that was paused"), yq_command_resume},
    {"version", "version", N_("print the version"), yq_command_version},
};
#define COMMAND_COUNT (sizeof(commands) / sizeof(commands[0]))

static void print_help(FILE *out)
{
    fprintf(out, _("yunqiao keeps eteams in step with WeCom.\n\nusage: yunqiao [-c FILE] [--json] "
                   "COMMAND …\n\n"));
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        fprintf(out, "  %-12s %s\n", commands[i].name, _(commands[i].help));
    fprintf(out, _("\n  -c FILE      configuration; else $YUNQIAO_CONFIG, else ./yunqiao.yaml\n"
                   "  --json       print JSON, for programs\n"
                   "  --help       this, or how to use a command\n\n"
                   "exit status: 0 done, 1 failed, 2 wrong usage, 3 held by the guard\n"));
}

static void print_usage(const struct yq_command *command, FILE *out)
{
    fprintf(out, _("usage: yunqiao %s\n"), command->usage);
}

enum yq_exit yq_cli_fail(struct yq_cli *cli, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fputs("yunqiao: ", cli->err);
    vfprintf(cli->err, format, args);
    fputs("\n", cli->err);
    va_end(args);
    return YQ_EXIT_FAILED;
}

enum yq_exit yq_cli_usage(struct yq_cli *cli, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fputs("yunqiao: ", cli->err);
    vfprintf(cli->err, format, args);
    fputs("\n", cli->err);
    va_end(args);
    print_usage(cli->command, cli->err);
    return YQ_EXIT_USAGE;
}

int yq_cli_load(struct yq_cli *cli)
{
    struct yq_buf faults = YQ_BUF_INIT;
    int result = 0;
    if (cli->settings == NULL)
        result = yq_config_load(cli->config, &cli->settings, &faults);
    fputs(yq_buf_text(&faults), cli->err);
    yq_buf_release(&faults);
    if (result == 0) {
        yq_language_set(cli->settings->language);
        setenv("TZ", cli->settings->time_zone, 1);
        tzset();
    }
    return result;
}

int yq_cli_open(struct yq_cli *cli)
{
    struct yq_redis_address address;
    struct yq_error err = {0};
    if (yq_cli_load(cli) != 0)
        return -1;
    if (cli->redis != NULL)
        return 0;
    if (yq_settings_redis(cli->settings, &address, &err) != 0) {
        (void)yq_cli_fail(cli, "%s", err.text);
        return -1;
    }
    cli->redis = yq_redis_new(&address, (int)cli->settings->redis_timeout_ms);
    snprintf(cli->keys.prefix, sizeof(cli->keys.prefix), "%s", cli->settings->redis_prefix);
    return 0;
}

int yq_cli_arguments(struct yq_cli *cli, const struct yq_argument *known, int *argc, char **argv,
                     const int words[2])
{
    static const struct yq_argument nothing = {0};
    struct yq_error err = {0};
    if (yq_arguments_take(known != NULL ? known : &nothing, *argc, argv, false, argc, &err) != 0) {
        (void)yq_cli_usage(cli, "%s", err.text);
        return -1;
    }
    if (*argc < words[0] || *argc > words[1]) {
        (void)yq_cli_usage(cli, "%s",
                           *argc < words[0] ? _("something is missing") : _("too many words"));
        return -1;
    }
    return 0;
}

const struct yq_connection_settings *yq_cli_connection(struct yq_cli *cli, const char *id)
{
    const struct yq_connection_settings *c = yq_settings_connection(cli->settings, id);
    if (c == NULL)
        (void)yq_cli_fail(cli, _("the configuration has no connection \"%s\""), id);
    return c;
}

static bool is_live_worker(const char *json, int64_t now_ms)
{
    cJSON *tree = yq_json_parse(json, strlen(json), NULL);
    const cJSON *role;
    int64_t at = 0;
    bool worker = false;
    cJSON_ArrayForEach (role, yq_json_get(tree, "roles")) {
        if (cJSON_IsString(role) && strcmp(role->valuestring, "worker") == 0)
            worker = true;
    }
    bool heard = yq_json_int(tree, "at", &at) && now_ms - at <= HEARTBEAT_MS;
    cJSON_Delete(tree);
    return worker && heard;
}

int yq_cli_count_workers(struct yq_cli *cli)
{
    struct yq_pairs processes = {0};
    struct yq_error err = {0};
    int count = 0;
    if (yq_store_read_hash(cli->redis, &cli->keys, NULL, "processes", &processes, &err) != 0) {
        (void)yq_cli_fail(cli, "%s", err.text);
        return -1;
    }
    for (size_t i = 0; i < processes.count; i++)
        count += is_live_worker(processes.items[i].value, yq_wall_ms(cli->clock));
    yq_pairs_release(&processes);
    return count;
}

/* ---- finding the command ---- */

/* How many of the words name the command: 0 = none of them does. */
static int match(const struct yq_command *command, int argc, char **argv)
{
    size_t len = strcspn(command->name, " ");
    if (argc < 1 || strlen(argv[0]) != len || memcmp(argv[0], command->name, len) != 0)
        return 0;
    if (command->name[len] == '\0')
        return 1;
    return argc >= 2 && strcmp(argv[1], command->name + len + 1) == 0 ? 2 : 0;
}

/* "events" alone: how its commands are used. */
static enum yq_exit half_a_command(struct yq_cli *cli, const char *word)
{
    size_t len = strlen(word), found = 0;
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        if (strncmp(commands[i].name, word, len) != 0 || commands[i].name[len] != ' ')
            continue;
        print_usage(&commands[i], cli->err);
        found++;
    }
    if (found == 0)
        (void)yq_cli_fail(cli, _("unknown command \"%s\"; yunqiao --help lists them"), word);
    return YQ_EXIT_USAGE;
}

static enum yq_exit dispatch(struct yq_cli *cli, int argc, char **argv, bool help)
{
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        int words = match(&commands[i], argc, argv);
        if (words == 0)
            continue;
        cli->command = &commands[i];
        if (!help)
            return commands[i].run(cli, argc - words, argv + words);
        print_usage(cli->command, cli->out);
        fprintf(cli->out, "%s\n", _(cli->command->help));
        return YQ_EXIT_DONE;
    }
    if (argc == 0 || help) {
        print_help(help ? cli->out : cli->err);
        return help ? YQ_EXIT_DONE : YQ_EXIT_USAGE;
    }
    return half_a_command(cli, argv[0]);
}

int yq_program(int argc, char **argv, FILE *out, FILE *err)
{
    bool help = false;
    struct yq_cli cli = {.out = out, .err = err, .clock = yq_system_clock()};
    const struct yq_argument shared[] = {
        {"-c", &cli.config, NULL},   {"--config", &cli.config, NULL},
        {"--json", NULL, &cli.json}, {"--help", NULL, &help},
        {"-h", NULL, &help},         {NULL, NULL, NULL}};
    struct yq_error why = {0};
    const char *from_environment = getenv("YUNQIAO_CONFIG");
    yq_language_set("auto");
    cli.config = from_environment != NULL && *from_environment ? from_environment : "yunqiao.yaml";
    if (yq_arguments_take(shared, argc - 1, argv + 1, true, &argc, &why) != 0) {
        (void)yq_cli_fail(&cli, "%s", why.text);
        return YQ_EXIT_USAGE;
    }
    enum yq_exit status = dispatch(&cli, argc, argv + 1, help);
    yq_redis_free(cli.redis);
    yq_settings_free(cli.settings);
    if (fflush(out) != 0 && status == YQ_EXIT_DONE)
        status = YQ_EXIT_FAILED;
    return status;
}
