/* sync: asks for one subject to be brought in step, and waits for the run to end. */
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "clients/queue.h"
#include "clients/store.h"
#include "clients/store_inspect.h"
#include "commands.h"
#include "crypto/encoding.h"
#include "crypto/secret.h"
#include "printing.h"

#define LOOK_MS 1000 /* how often the worker and the dead letters are looked at */

struct waiting {
    struct yq_cli *cli;
    const char *id;
    char subject[YQ_SUBJECT_MAX];
    char entry[YQ_ENTRY_MAX]; /* of our command: also the run's id */
    char last_run[YQ_ENTRY_MAX];
    char last_error[200]; /* told already */
};

/* Puts the command on the queue, like any event. */
static int push_command(struct waiting *w, const struct yq_subject *subject, struct yq_error *err)
{
    struct yq_event e;
    uint8_t random[16];
    char id[33];
    if (yq_secret_random(random, sizeof(random)) != 0)
        return yq_error_set(err, YQ_ERROR_RETRY, _("no randomness is to be had"));
    yq_hex_encode(random, sizeof(random), id);
    yq_event_init(&e);
    e.kind = YQ_EVENT_COMMAND_SYNC;
    e.subject = *subject;
    e.source = "command";
    e.at = yq_wall_ms(w->cli->clock) / 1000;
    yq_buf_addf(&e.data, "{\"run\":\"%.8s-%.4s-%.4s-%.4s-%.12s\"}", id, id + 8, id + 12, id + 16,
                id + 20);
    int result = yq_queue_push(w->cli->redis, &w->cli->keys, w->id, &e, w->entry, err);
    yq_event_release(&e);
    return result;
}

/* ---- the end of the run ---- */

static enum yq_exit exit_of(const char *outcome)
{
    if (strcmp(outcome, "done") == 0)
        return YQ_EXIT_DONE;
    return strcmp(outcome, "held") == 0 ? YQ_EXIT_HELD : YQ_EXIT_FAILED;
}

static void print_run(struct yq_cli *cli, const cJSON *run, const char *outcome)
{
    const cJSON *line;
    cJSON_ArrayForEach (line, yq_json_get(run, "summary")) {
        if (cJSON_IsString(line))
            fprintf(cli->out, "%s\n", line->valuestring);
    }
    if (strcmp(outcome, "done") == 0)
        fputs(_("done\n"), cli->out);
    else if (strcmp(outcome, "held") == 0)
        fputs(_("held by the guard: yunqiao queue shows the plan that waits for approval\n"),
              cli->out);
    else if (strcmp(outcome, "waiting") == 0)
        fputs(_("not settled yet, and tried again later: yunqiao explain tells how it ends\n"),
              cli->out);
    else
        fputs(_("failed; it is tried again: yunqiao explain tells how it ends\n"), cli->out);
}

/* Looks for our run among new entries. Returns true with the exit status when it is there. */
static bool find_run(struct waiting *w, const struct yq_stream_entries *runs, enum yq_exit *ret)
{
    for (size_t i = 0; i < runs->count; i++) {
        const struct yq_pairs *fields = &runs->items[i].fields;
        const char *json = yq_pairs_get(fields, "data");
        if (json == NULL)
            json = yq_pairs_get(fields, "run");
        cJSON *run = json != NULL ? yq_json_parse(json, strlen(json), NULL) : NULL;
        const cJSON *id = yq_json_get(run, "run"), *outcome = yq_json_get(run, "outcome");
        memcpy(w->last_run, runs->items[i].entry, YQ_ENTRY_MAX);
        bool ours =
            cJSON_IsString(id) && strcmp(id->valuestring, w->entry) == 0 && cJSON_IsString(outcome);
        if (ours) {
            *ret = exit_of(outcome->valuestring);
            if (!w->cli->json)
                print_run(w->cli, run, outcome->valuestring);
        }
        if (ours && w->cli->json) {
            yq_print_json(run, w->cli->out);
            run = NULL;
        }
        cJSON_Delete(run);
        if (ours)
            return true;
    }
    return false;
}

/* ---- meanwhile ---- */

static bool is_dead_letter(struct waiting *w, struct yq_error *err)
{
    struct yq_stream_entries dead = {0};
    struct yq_stream_range range = {"dead", w->entry, "+", false, 1000};
    bool found = false;
    if (yq_store_read_stream(w->cli->redis, &w->cli->keys, w->id, &range, &dead, err) == 0) {
        for (size_t i = 0; i < dead.count && !found; i++) {
            const char *event = yq_pairs_get(&dead.items[i].fields, "event");
            const char *error = yq_pairs_get(&dead.items[i].fields, "error");
            found = event != NULL && strcmp(event, w->entry) == 0;
            if (found)
                (void)yq_cli_fail(w->cli, _("set aside as a dead letter: %s"),
                                  error != NULL ? error : "?");
        }
    }
    yq_stream_entries_release(&dead);
    return found;
}

/* Says why the last attempt failed, once per reason. */
static void tell_progress(struct waiting *w, struct yq_error *err)
{
    struct yq_attempts all = {0};
    if (yq_store_load_attempts(w->cli->redis, &w->cli->keys, w->id, &all, err) != 0)
        return;
    for (size_t i = 0; i < all.count; i++) {
        const struct yq_attempt *a = &all.items[i];
        if (strcmp(a->key, w->subject) != 0 || strcmp(a->error, w->last_error) == 0 ||
            a->error[0] == '\0')
            continue;
        snprintf(w->last_error, sizeof(w->last_error), "%s", a->error);
        fprintf(w->cli->err, _("attempt %u: %s\n"), a->attempts, a->error);
    }
    yq_attempts_release(&all);
}

/* True when nobody will do it now; the reason is printed. */
static bool is_hopeless(struct waiting *w, struct yq_error *err)
{
    bool paused = false;
    int workers = yq_cli_count_workers(w->cli);
    if (workers < 0)
        return true;
    if (workers == 0) {
        (void)yq_cli_fail(w->cli,
                          _("no worker is alive: command %s waits on the queue until one starts"),
                          w->entry);
        return true;
    }
    if (yq_store_get_paused(w->cli->redis, &w->cli->keys, w->id, &paused, err) == 0 && paused) {
        (void)yq_cli_fail(w->cli,
                          _("%s is paused: command %s waits on the queue until it is resumed"),
                          w->id, w->entry);
        return true;
    }
    return is_dead_letter(w, err);
}

static enum yq_exit wait_for_run(struct waiting *w)
{
    enum yq_exit status = YQ_EXIT_FAILED;
    for (;;) {
        struct yq_stream_entries runs = {0};
        struct yq_error err = {0};
        bool ended = yq_store_wait_stream(w->cli->redis, &w->cli->keys, w->id, "runs", w->last_run,
                                          LOOK_MS, &runs, &err) != 0;
        bool waited = runs.count == 0;
        if (!ended)
            ended = find_run(w, &runs, &status);
        yq_stream_entries_release(&runs);
        if (!ended && waited) {
            tell_progress(w, &err);
            ended = err.kind != YQ_ERROR_NONE || is_hopeless(w, &err);
        }
        if (err.kind != YQ_ERROR_NONE)
            return yq_cli_fail(w->cli, "%s", err.text);
        if (ended)
            return status;
    }
}

static int parse_subject(const char *member, const char *department, struct yq_subject *ret)
{
    uint32_t number;
    if (member != NULL && yq_userid_valid(member, strlen(member))) {
        *ret = yq_subject_member(member);
        return 0;
    }
    if (department != NULL && yq_wecom_id_parse(department, strlen(department), &number) == 0) {
        *ret = yq_subject_department(number);
        return 0;
    }
    return -1;
}

enum yq_exit yq_command_sync(struct yq_cli *cli, int argc, char **argv)
{
    const char *member = NULL, *department = NULL;
    bool dry_run = false, no_wait = false;
    const struct yq_argument known[] = {{"--member", &member, NULL},
                                        {"--department", &department, NULL},
                                        {"--dry-run", NULL, &dry_run},
                                        {"--no-wait", NULL, &no_wait},
                                        {NULL, NULL, NULL}};
    struct waiting w = {.cli = cli};
    struct yq_subject subject;
    struct yq_error err = {0};
    if (yq_cli_arguments(cli, known, &argc, argv, (int[]){1, 1}) != 0)
        return YQ_EXIT_USAGE;
    if (dry_run || (member == NULL && department == NULL))
        return yq_cli_usage(cli, _("a dry run, and a sync of everybody, come with the full "
                                   "reconcile: name one --member or --department"));
    if ((member != NULL) == (department != NULL))
        return yq_cli_usage(cli, _("one of --member and --department is needed"));
    if (parse_subject(member, department, &subject) != 0)
        return yq_cli_usage(cli, _("\"%.80s\" is no userid or department id"),
                            member != NULL ? member : department);
    if (yq_cli_open(cli) != 0 || yq_cli_connection(cli, argv[0]) == NULL)
        return YQ_EXIT_FAILED;
    w.id = argv[0];
    yq_subject_key(&subject, w.subject);
    if (yq_store_last_entry(cli->redis, &cli->keys, w.id, "runs", w.last_run, &err) != 0 ||
        push_command(&w, &subject, &err) != 0)
        return yq_cli_fail(cli, "%s", err.text);
    if (!no_wait)
        return wait_for_run(&w);
    fprintf(cli->out, cli->json ? "{\"run\":\"%s\"}\n" : "%s\n", w.entry);
    return YQ_EXIT_DONE;
}
