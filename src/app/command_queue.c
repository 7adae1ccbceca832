/* queue: how the connections stand, and what in them needs eyes. */
#include <stdlib.h>
#include <string.h>

#include "alarm_words.h"
#include "base/json.h"
#include "base/memory.h"
#include "clients/lease.h"
#include "clients/queue.h"
#include "clients/store.h"
#include "clients/store_inspect.h"
#include "commands.h"
#include "printing.h"
#include "spools.h"
#include "when.h"

struct standing { /* of one connection */
    const char *id;
    struct yq_queue_stats stats;
    struct yq_attempts attempts;
    struct yq_pairs held, owed, alarms;
    int64_t cases;
    bool paused;
    cJSON *lease; /* NULL: nobody works on it */
};

static void release(struct standing *s)
{
    yq_attempts_release(&s->attempts);
    yq_pairs_release(&s->held);
    yq_pairs_release(&s->owed);
    yq_pairs_release(&s->alarms);
    cJSON_Delete(s->lease);
}

/* The plan behind a held hash ends by itself; its hash field may outlive it. */
static int drop_expired_plans(struct yq_cli *cli, struct standing *s, struct yq_error *err)
{
    size_t kept = 0;
    int result = 0;
    for (size_t i = 0; i < s->held.count; i++) {
        char name[128], *plan = NULL;
        snprintf(name, sizeof(name), "plan:%.100s", s->held.items[i].name);
        if (result == 0)
            result = yq_store_read_text(cli->redis, &cli->keys, s->id, name, NULL, &plan, err);
        if (plan != NULL || result != 0) {
            s->held.items[kept++] = s->held.items[i];
        } else {
            free(s->held.items[i].name);
            free(s->held.items[i].value);
        }
        free(plan);
    }
    s->held.count = kept;
    return result;
}

static int load(struct yq_cli *cli, const char *id, struct standing *s, struct yq_error *err)
{
    struct yq_redis *r = cli->redis;
    const struct yq_keys *keys = &cli->keys;
    *s = (struct standing){.id = id};
    if (yq_queue_stats(r, keys, id, yq_wall_ms(cli->clock), &s->stats, err) != 0 ||
        yq_store_load_attempts(r, keys, id, &s->attempts, err) != 0 ||
        yq_store_read_hash(r, keys, id, "held", &s->held, err) != 0 ||
        yq_store_read_hash(r, keys, id, "owed", &s->owed, err) != 0 ||
        yq_store_read_hash(r, keys, id, "alarms", &s->alarms, err) != 0 ||
        yq_store_count_hash(r, keys, id, "cases", &s->cases, err) != 0 ||
        yq_store_get_paused(r, keys, id, &s->paused, err) != 0 ||
        drop_expired_plans(cli, s, err) != 0)
        return -1;
    char *holder = yq_lease_holder(r, keys, id, err);
    if (holder == NULL)
        return -1;
    s->lease = holder[0] != '\0' ? yq_json_or_text(holder) : NULL;
    free(holder);
    return 0;
}

/* Of all connections, its held.count alone of the lists. */
static struct standing sum_of(const struct standing *all, size_t count)
{
    struct standing sum = {.id = _("all")};
    for (size_t i = 0; i < count; i++) {
        yq_queue_stats_add(&sum.stats, &all[i].stats);
        sum.held.count += all[i].held.count;
        sum.cases += all[i].cases;
    }
    return sum;
}

/* ---- JSON ---- */

static cJSON *retries_as_json(const struct yq_attempts *a)
{
    cJSON *list = cJSON_CreateArray();
    for (size_t i = 0; i < a->count; i++) {
        cJSON *item = cJSON_CreateObject();
        cJSON_AddStringToObject(item, "subject", a->items[i].key);
        cJSON_AddNumberToObject(item, "attempts", a->items[i].attempts);
        cJSON_AddNumberToObject(item, "deaths", a->items[i].deaths);
        cJSON_AddBoolToObject(item, "running", a->items[i].running);
        cJSON_AddNumberToObject(item, "next_ms", (double)a->items[i].next_ms);
        cJSON_AddStringToObject(item, "error", a->items[i].error);
        cJSON_AddItemToArray(list, item);
    }
    return list;
}

static cJSON *pairs_as_json(const struct yq_pairs *pairs, const char *name, const char *value)
{
    cJSON *list = cJSON_CreateArray();
    for (size_t i = 0; i < pairs->count; i++) {
        cJSON *item = cJSON_CreateObject();
        cJSON_AddStringToObject(item, name, pairs->items[i].name);
        if (strcmp(value, "since_ms") == 0)
            cJSON_AddNumberToObject(item, value, strtod(pairs->items[i].value, NULL));
        else
            cJSON_AddStringToObject(item, value, pairs->items[i].value);
        cJSON_AddItemToArray(list, item);
    }
    return list;
}

struct listed { /* alarms of one connection */
    const char *id;
    cJSON *list;
    FILE *out;
};

static void add_alarm_json(void *context, const struct yq_alarm *a)
{
    const struct listed *l = context;
    cJSON_AddItemToArray(l->list, yq_alarm_as_json(l->id, a));
}

static cJSON *alarms_as_json(const struct standing *s)
{
    struct listed l = {.id = s->id, .list = cJSON_CreateArray()};
    yq_each_alarm(&s->alarms, add_alarm_json, &l);
    return l.list;
}

static void add_numbers(cJSON *object, const struct yq_queue_stats *s)
{
    cJSON_AddNumberToObject(object, "length", (double)s->length);
    cJSON_AddNumberToObject(object, "waiting", (double)s->waiting);
    cJSON_AddNumberToObject(object, "pending", (double)s->pending);
    cJSON_AddNumberToObject(object, "retrying", (double)s->retrying);
    cJSON_AddNumberToObject(object, "dead", (double)s->dead);
    cJSON_AddNumberToObject(object, "oldest_ms", (double)s->oldest_ms);
}

static cJSON *as_json(struct standing *s)
{
    cJSON *object = cJSON_CreateObject();
    cJSON_AddStringToObject(object, "id", s->id);
    add_numbers(object, &s->stats);
    cJSON_AddNumberToObject(object, "cases", (double)s->cases);
    cJSON_AddBoolToObject(object, "paused", s->paused);
    cJSON_AddItemToObject(object, "lease", s->lease != NULL ? s->lease : cJSON_CreateNull());
    s->lease = NULL;
    cJSON_AddItemToObject(object, "retries", retries_as_json(&s->attempts));
    cJSON_AddItemToObject(object, "held", pairs_as_json(&s->held, "hash", "summary"));
    cJSON_AddItemToObject(object, "owed", pairs_as_json(&s->owed, "reason", "since_ms"));
    cJSON_AddItemToObject(object, "alarms", alarms_as_json(s));
    return object;
}

/* ---- for people ---- */

static void add_head(struct yq_table *t)
{
    const char *const heads[] = {_("CONNECTION"), _("KEPT"), _("WAITING"), _("PENDING"),
                                 _("RETRYING"),   _("DEAD"), _("HELD"),    _("CASES"),
                                 _("OLDEST"),     _("STATE")};
    t->columns = sizeof(heads) / sizeof(heads[0]);
    t->right = 0x1FE;
    for (size_t i = 0; i < t->columns; i++)
        yq_table_add(t, heads[i]);
}

static void add_row(struct yq_table *t, const struct standing *s, const char *state)
{
    char age[YQ_WHEN_MAX];
    yq_table_add(t, s->id);
    yq_table_add_number(t, s->stats.length);
    yq_table_add_number(t, s->stats.waiting);
    yq_table_add_number(t, s->stats.pending);
    yq_table_add_number(t, s->stats.retrying);
    yq_table_add_number(t, s->stats.dead);
    yq_table_add_number(t, (int64_t)s->held.count);
    yq_table_add_number(t, s->cases);
    yq_table_add(t, s->stats.oldest_ms > 0 ? yq_when_show_age(s->stats.oldest_ms, age) : "-");
    yq_table_add(t, state);
}

static void add_connection(struct yq_table *t, const struct standing *s)
{
    struct yq_buf state = YQ_BUF_INIT;
    if (s->paused)
        yq_buf_adds(&state, _("paused"));
    else if (s->lease == NULL)
        yq_buf_adds(&state, _("idle"));
    if (s->lease != NULL) {
        const cJSON *host = yq_json_get(s->lease, "host"), *pid = yq_json_get(s->lease, "pid");
        yq_buf_addf(&state, "%s%s", s->paused ? ", " : "", _("worked on"));
        if (cJSON_IsString(host) && cJSON_IsNumber(pid))
            yq_buf_addf(&state, " (%s:%d)", host->valuestring, pid->valueint);
    }
    add_row(t, s, yq_buf_text(&state));
    yq_buf_release(&state);
}

static void print_retry(struct yq_cli *cli, const char *id, const struct yq_attempt *a)
{
    char next[YQ_WHEN_MAX];
    if (a->running)
        fprintf(cli->out, _("%s: %s: attempt %u is running\n"), id, a->key, a->attempts);
    else
        fprintf(cli->out, _("%s: %s: %u attempts, the next one at %s; the last one: %s\n"), id,
                a->key, a->attempts, yq_when_show(a->next_ms, next), a->error);
}

static void print_alarm(void *context, const struct yq_alarm *a)
{
    const struct listed *l = context;
    char since[YQ_WHEN_MAX], *words = yq_words_of_alarm(l->id, a, "    ");
    fprintf(l->out, _("%s: alarm since %s: %s\n"), l->id, yq_when_show(a->at, since), words);
    free(words);
}

static void print_details(struct yq_cli *cli, const struct standing *s)
{
    char since[YQ_WHEN_MAX];
    struct listed l = {.id = s->id, .out = cli->out};
    yq_each_alarm(&s->alarms, print_alarm, &l);
    for (size_t i = 0; i < s->attempts.count; i++)
        print_retry(cli, s->id, &s->attempts.items[i]);
    for (size_t i = 0; i < s->held.count; i++)
        fprintf(cli->out, _("%s: held by the guard, plan %s: %s\n"), s->id, s->held.items[i].name,
                s->held.items[i].value);
    for (size_t i = 0; i < s->owed.count; i++)
        fprintf(cli->out, _("%s: a reconcile is owed since %s: %s\n"), s->id,
                yq_when_show(strtoll(s->owed.items[i].value, NULL, 10), since),
                s->owed.items[i].name);
}

static void print_all(struct yq_cli *cli, const struct standing *all, size_t count, int workers,
                      const cJSON *spools)
{
    struct yq_table t = {0};
    add_head(&t);
    for (size_t i = 0; i < count; i++)
        add_connection(&t, &all[i]);
    const struct standing sum = sum_of(all, count);
    if (count > 1)
        add_row(&t, &sum, "");
    yq_table_print(&t, cli->out);
    yq_table_release(&t);
    for (size_t i = 0; i < count; i++)
        print_details(cli, &all[i]);
    yq_spools_print(cli, spools);
    if (workers == 0)
        fputs(_("no worker is alive: what waits is not worked on\n"), cli->out);
}

static void print_all_json(struct yq_cli *cli, struct standing *all, size_t count, int workers,
                           const cJSON *spools)
{
    cJSON *root = cJSON_CreateObject(), *list = cJSON_AddArrayToObject(root, "connections");
    const struct standing sum = sum_of(all, count);
    for (size_t i = 0; i < count; i++)
        cJSON_AddItemToArray(list, as_json(&all[i]));
    cJSON *object = cJSON_AddObjectToObject(root, "all");
    add_numbers(object, &sum.stats);
    cJSON_AddNumberToObject(object, "cases", (double)sum.cases);
    cJSON_AddNumberToObject(object, "held_plans", (double)sum.held.count);
    cJSON_AddNumberToObject(root, "workers", workers);
    cJSON_AddItemToObject(root, "spools", cJSON_Duplicate(spools, true));
    yq_print_json(root, cli->out);
}

/* Without Redis nothing is known here; the daemon goes on, and what it takes is on its disk. */
static enum yq_exit fail(struct yq_cli *cli, const struct yq_error *err)
{
    enum yq_exit status = yq_cli_fail(cli, "%s", err->text);
    if (err->kind == YQ_ERROR_RETRY)
        fputs(_("while Redis is away: yunqiao health --ready tells how the daemon on this machine "
                "stands, GET /api/spool of its admin listener what it keeps on disk\n"),
              cli->err);
    return status;
}

enum yq_exit yq_command_queue(struct yq_cli *cli, int argc, char **argv)
{
    struct yq_error err = {0};
    if (yq_cli_arguments(cli, NULL, &argc, argv, (int[]){0, 1}) != 0)
        return YQ_EXIT_USAGE;
    if (yq_cli_open(cli) != 0 || (argc == 1 && yq_cli_connection(cli, argv[0]) == NULL))
        return YQ_EXIT_FAILED;
    size_t count = argc == 1 ? 1 : cli->settings->connection_count, done = 0;
    struct standing *all = yq_calloc(count, sizeof(*all));
    enum yq_exit status = YQ_EXIT_DONE;
    for (; done < count && status == YQ_EXIT_DONE; done++) {
        const char *id = argc == 1 ? argv[0] : cli->settings->connections[done].id;
        if (load(cli, id, &all[done], &err) != 0)
            status = fail(cli, &err);
    }
    int workers = status == YQ_EXIT_DONE ? yq_cli_count_workers(cli) : -1;
    cJSON *spools = workers >= 0 ? yq_spools_read(cli) : NULL;
    if (spools == NULL)
        status = YQ_EXIT_FAILED;
    else if (cli->json)
        print_all_json(cli, all, count, workers, spools);
    else
        print_all(cli, all, count, workers, spools);
    cJSON_Delete(spools);
    for (size_t i = 0; i < done; i++)
        release(&all[i]);
    free(all);
    return status;
}
