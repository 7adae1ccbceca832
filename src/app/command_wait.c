/* Commands that a worker carries out: put on the queue like any event, then waited for. */
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "clients/queue.h"
#include "clients/store.h"
#include "clients/store_inspect.h"
#include "commands.h"
#include "crypto/encoding.h"
#include "crypto/secret.h"
#include "explain_words.h"
#include "plan_words.h"
#include "printing.h"
#include "progress.h"

#define LOOK_MS 1000 /* how often the worker and the dead letters are looked at */

struct waiting {
    struct yq_cli *cli;
    const char *id;
    char subject[YQ_SUBJECT_MAX];
    char entry[YQ_ENTRY_MAX]; /* of our command: also the run's id */
    char last_run[YQ_ENTRY_MAX];
    char last_error[200]; /* told already */
    struct yq_progress progress;
};

/* Puts the command on the queue, like any event. `run` makes two equal commands differ. */
static int push_command(struct waiting *w, const struct yq_order *order, struct yq_error *err)
{
    struct yq_event e;
    uint8_t random[16];
    char id[33];
    if (yq_secret_random(random, sizeof(random)) != 0)
        return yq_error_set(err, YQ_ERROR_RETRY, _("no randomness is to be had"));
    yq_hex_encode(random, sizeof(random), id);
    yq_event_init(&e);
    e.kind = order->kind;
    e.subject = order->subject;
    e.source = "command";
    e.at = yq_wall_ms(w->cli->clock) / 1000;
    yq_buf_addf(&e.data, "{\"run\":\"%.8s-%.4s-%.4s-%.4s-%.12s\"", id, id + 8, id + 12, id + 16,
                id + 20);
    if (order->field != NULL) {
        yq_buf_addf(&e.data, ",\"%s\":", order->field);
        yq_buf_add_json_string(&e.data, order->value);
    }
    if (order->members != NULL)
        yq_buf_addf(&e.data, ",%s", order->members);
    yq_buf_addc(&e.data, '}');
    int result = yq_queue_push(w->cli->redis, &w->cli->keys, w->id, &e, w->entry, err);
    yq_event_release(&e);
    return result;
}

/* ---- the end of the run ---- */

static enum yq_exit exit_of(const cJSON *run, const char *outcome)
{
    int64_t refused = 0; /* of a reconcile that came to its end */
    (void)yq_json_int(yq_json_get(run, "counts"), "failed", &refused);
    if (strcmp(outcome, "done") == 0)
        return refused > 0 ? YQ_EXIT_FAILED : YQ_EXIT_DONE;
    return strcmp(outcome, "held") == 0 ? YQ_EXIT_HELD : YQ_EXIT_FAILED;
}

static void print_refusal(struct yq_cli *cli, const cJSON *refused)
{
    struct yq_reason reason = yq_words_read_reason(refused);
    char *text = yq_words_of_reason(&reason);
    fprintf(cli->out, _("refused: %s\n"), text);
    free(text);
}

static void print_run(struct waiting *w, const cJSON *run, const char *outcome)
{
    struct yq_cli *cli = w->cli;
    const cJSON *held = yq_json_get(run, "held_plan");
    yq_print_plan(cli, w->id, run);
    yq_print_reconcile(cli, run);
    if (yq_json_get(run, "refused") != NULL)
        print_refusal(cli, yq_json_get(run, "refused"));
    else if (strcmp(outcome, "done") == 0)
        fputs(_("done\n"), cli->out);
    else if (strcmp(outcome, "held") == 0)
        fprintf(cli->out,
                _("held by the guard: a plan waits for approval\n"
                  "  yunqiao plans %s %s    shows it\n  yunqiao approve %s %s  approves it\n"),
                w->id, cJSON_IsString(held) ? held->valuestring : "?", w->id,
                cJSON_IsString(held) ? held->valuestring : "?");
    else if (strcmp(outcome, "cancelled") == 0)
        fputs(_("cancelled\n"), cli->out);
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
            *ret = exit_of(run, outcome->valuestring);
            if (!w->cli->json)
                print_run(w, run, outcome->valuestring);
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
static void tell_attempts(struct waiting *w, struct yq_error *err)
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

void yq_cli_tell_who_reads(struct yq_cli *cli, const char *id)
{
    bool paused = false;
    if (yq_cli_count_workers(cli) == 0)
        fputs(_("no worker is alive: what waits is not worked on\n"), cli->err);
    else if (yq_store_get_paused(cli->redis, &cli->keys, id, &paused, NULL) == 0 && paused)
        fprintf(cli->err, _("%s is paused: events are taken and wait\n"), id);
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
        if (!ended && waited)
            yq_progress_tell(w->cli, w->id, w->entry, &w->progress);
        else
            yq_progress_end(w->cli, &w->progress);
        if (!ended)
            ended = find_run(w, &runs, &status);
        yq_stream_entries_release(&runs);
        if (!ended && waited) {
            tell_attempts(w, &err);
            ended = err.kind != YQ_ERROR_NONE || is_hopeless(w, &err);
        }
        if (err.kind != YQ_ERROR_NONE)
            return yq_cli_fail(w->cli, "%s", err.text);
        if (ended)
            return status;
    }
}

enum yq_exit yq_cli_order(struct yq_cli *cli, const char *id, const struct yq_order *order)
{
    struct waiting w = {.cli = cli, .id = id};
    struct yq_error err = {0};
    if (yq_store_last_entry(cli->redis, &cli->keys, w.id, "runs", w.last_run, &err) != 0 ||
        push_command(&w, order, &err) != 0)
        return yq_cli_fail(cli, "%s", err.text);
    if (order->kind == YQ_EVENT_COMMAND_APPROVE) /* a group of its own (service/scope.c) */
        snprintf(w.subject, sizeof(w.subject), "approve:%s", w.entry);
    else
        yq_subject_key(&order->subject, w.subject);
    if (!order->no_wait)
        return wait_for_run(&w);
    fprintf(cli->out, cli->json ? "{\"run\":\"%s\"}\n" : "%s\n", w.entry);
    return YQ_EXIT_DONE;
}
