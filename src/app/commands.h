/* The operator's commands: one table, and what they share. */
#ifndef YQ_APP_COMMANDS_H
#define YQ_APP_COMMANDS_H

#include <stdbool.h>
#include <stdio.h>

#include "arguments.h"
#include "base/clock.h"
#include "clients/redis.h"
#include "language.h"
#include "model/event.h"
#include "service/settings.h"

enum yq_exit { YQ_EXIT_DONE = 0, YQ_EXIT_FAILED = 1, YQ_EXIT_USAGE = 2, YQ_EXIT_HELD = 3 };

struct yq_cli {
    const char *config; /* path of the configuration */
    bool json;
    FILE *out, *err;
    const struct yq_command *command;
    struct yq_settings *settings; /* after yq_cli_load */
    struct yq_redis *redis;       /* after yq_cli_open */
    struct yq_keys keys;
    const struct yq_clock *clock;
};

struct yq_command {
    const char *name; /* "queue", "events list" */
    const char *usage, *help;
    /* argv: what stands behind the name, without the options all commands share. */
    enum yq_exit (*run)(struct yq_cli *cli, int argc, char **argv);
};

/* Runs the program; argv as main has it. */
int yq_program(int argc, char **argv, FILE *out, FILE *err);

/* ---- for the commands ---- */

/* Reads the configuration, once; prints its faults and returns -1 if it has any. */
int yq_cli_load(struct yq_cli *cli);
/* The same, and makes ready to talk to Redis (nothing is sent yet). */
int yq_cli_open(struct yq_cli *cli);
/* Takes the command's own options out of argv; `least` to `most` words must be left. On a fault
 * prints it with the usage and returns -1. */
int yq_cli_arguments(struct yq_cli *cli, const struct yq_argument *known, int *argc, char **argv,
                     const int words[2]);
/* The connection of that id, or NULL, with a sentence printed. */
const struct yq_connection_settings *yq_cli_connection(struct yq_cli *cli, const char *id);
/* Prints "yunqiao: …" to err; returns YQ_EXIT_FAILED, or YQ_EXIT_USAGE with the usage. */
enum yq_exit yq_cli_fail(struct yq_cli *cli, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
enum yq_exit yq_cli_usage(struct yq_cli *cli, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* How many processes with the role "worker" have been heard of in the last 30 seconds; -1 with a
 * sentence printed. */
int yq_cli_count_workers(struct yq_cli *cli);

/* For who put events on the queue: says so, on err, when nobody will read them now. */
void yq_cli_tell_who_reads(struct yq_cli *cli, const char *id);

/* What a worker shall do: a command.* event. */
struct yq_order {
    enum yq_event_kind kind;
    struct yq_subject subject;
    const char *field, *value; /* one more member of its data; NULL: none */
    const char *members;       /* more of them, as in "\"a\":1"; NULL: none */
    bool no_wait;              /* print the run's id and be done */
};
/* Puts it on the queue, waits for its run to end and prints the summary. */
enum yq_exit yq_cli_order(struct yq_cli *cli, const char *id, const struct yq_order *order);

enum yq_exit yq_command_serve(struct yq_cli *cli, int argc, char **argv);
enum yq_exit yq_command_check(struct yq_cli *cli, int argc, char **argv);
enum yq_exit yq_command_version(struct yq_cli *cli, int argc, char **argv);
enum yq_exit yq_command_doctor(struct yq_cli *cli, int argc, char **argv);
enum yq_exit yq_command_health(struct yq_cli *cli, int argc, char **argv);
enum yq_exit yq_command_queue(struct yq_cli *cli, int argc, char **argv);
enum yq_exit yq_command_events_list(struct yq_cli *cli, int argc, char **argv);
enum yq_exit yq_command_events_show(struct yq_cli *cli, int argc, char **argv);
enum yq_exit yq_command_events_export(struct yq_cli *cli, int argc, char **argv);
enum yq_exit yq_command_events_import(struct yq_cli *cli, int argc, char **argv);
enum yq_exit yq_command_replay(struct yq_cli *cli, int argc, char **argv);
enum yq_exit yq_command_dead_list(struct yq_cli *cli, int argc, char **argv);
enum yq_exit yq_command_dead_show(struct yq_cli *cli, int argc, char **argv);
enum yq_exit yq_command_dead_retry(struct yq_cli *cli, int argc, char **argv);
enum yq_exit yq_command_dead_drop(struct yq_cli *cli, int argc, char **argv);
enum yq_exit yq_command_pause(struct yq_cli *cli, int argc, char **argv);
enum yq_exit yq_command_resume(struct yq_cli *cli, int argc, char **argv);
enum yq_exit yq_command_sync(struct yq_cli *cli, int argc, char **argv);
enum yq_exit yq_command_cancel(struct yq_cli *cli, int argc, char **argv);
enum yq_exit yq_command_explain(struct yq_cli *cli, int argc, char **argv);
enum yq_exit yq_command_plans(struct yq_cli *cli, int argc, char **argv);
enum yq_exit yq_command_approve(struct yq_cli *cli, int argc, char **argv);
enum yq_exit yq_command_cases(struct yq_cli *cli, int argc, char **argv);
enum yq_exit yq_command_links(struct yq_cli *cli, int argc, char **argv);
enum yq_exit yq_command_links_export(struct yq_cli *cli, int argc, char **argv);
enum yq_exit yq_command_links_import(struct yq_cli *cli, int argc, char **argv);
enum yq_exit yq_command_link(struct yq_cli *cli, int argc, char **argv);
enum yq_exit yq_command_superiors_show(struct yq_cli *cli, int argc, char **argv);
enum yq_exit yq_command_superiors_restore(struct yq_cli *cli, int argc, char **argv);
enum yq_exit yq_command_unlink(struct yq_cli *cli, int argc, char **argv);

#endif
