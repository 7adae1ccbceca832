/* doctor: what waits for a person: alarms, dead letters, a pause, an owed reconcile, no worker. */
#include <stdlib.h>
#include <string.h>

#include "alarm_words.h"
#include "base/memory.h"
#include "clients/store_reconcile.h"
#include "doctor.h"
#include "when.h"

#define DEAD_SHOWN 3

struct standing {
    struct yq_doctor *d;
    const char *id;
};

static void store_fault(const struct standing *s, const struct yq_error *err)
{
    yq_doctor_find(s->d, &(struct yq_finding){.level = YQ_FINDING_FAULT,
                                              .part = "redis",
                                              .connection = s->id,
                                              .text = yq_strdup(err->text)});
}

static void take_alarm(void *context, const struct yq_alarm *a)
{
    const struct standing *s = context;
    char since[YQ_WHEN_MAX], *words = yq_words_of_alarm(s->id, a, "");
    char *commands = strchr(words, '\n');
    struct yq_finding f = {.level = YQ_FINDING_FAULT, .part = "alarm", .connection = s->id};
    if (commands != NULL)
        *commands++ = '\0';
    for (char *c = commands; c != NULL && (c = strchr(c, '\n')) != NULL;)
        *c = ';';
    f.text = yq_printf(_("alarm since %s: %s"), yq_when_show(a->at, since), words);
    f.advice = commands != NULL ? yq_strdup(commands) : NULL;
    yq_doctor_find(s->d, &f);
    free(words);
}

static void check_alarms(const struct standing *s)
{
    struct yq_pairs alarms = {0};
    struct yq_error err = {0};
    if (yq_store_read_hash(s->d->cli->redis, &s->d->cli->keys, s->id, "alarms", &alarms, &err) < 0)
        store_fault(s, &err);
    else if (alarms.count == 0)
        yq_doctor_find(s->d, &(struct yq_finding){.part = "alarm",
                                                  .connection = s->id,
                                                  .text = yq_strdup(_("no alarm is open"))});
    yq_each_alarm(&alarms, take_alarm, (void *)s);
    yq_pairs_release(&alarms);
}

/* The newest, with their reasons. */
static void check_dead(const struct standing *s)
{
    struct yq_stream_entries dead = {0};
    const struct yq_stream_range newest = {
        .name = "dead", .from = "-", .to = "+", .newest_first = true, .count = DEAD_SHOWN};
    struct yq_error err = {0};
    if (yq_store_read_stream(s->d->cli->redis, &s->d->cli->keys, s->id, &newest, &dead, &err) < 0)
        store_fault(s, &err);
    for (size_t i = 0; i < dead.count; i++) {
        const struct yq_pairs *fields = &dead.items[i].fields;
        const char *subject = yq_pairs_get(fields, "subject");
        const char *error = yq_pairs_get(fields, "error");
        const char *event = yq_pairs_get(fields, "event");
        yq_doctor_find(s->d,
                       &(struct yq_finding){
                           .level = YQ_FINDING_FAULT,
                           .part = "dead",
                           .connection = s->id,
                           .text = yq_printf(_("given up: %s: %s"), subject != NULL ? subject : "?",
                                             error != NULL ? error : "?"),
                           .advice = yq_printf(_("mend the reason, then yunqiao dead retry %s %s"),
                                               s->id, event != NULL ? event : "?")});
    }
    yq_stream_entries_release(&dead);
}

static void check_reconcile(const struct standing *s)
{
    struct yq_reconcile_state state;
    struct yq_error err = {0};
    char since[YQ_WHEN_MAX];
    if (yq_store_load_reconcile_state(s->d->cli->redis, &s->d->cli->keys, s->id, &state, &err) <
        0) {
        store_fault(s, &err);
        return;
    }
    if (state.paused)
        yq_doctor_find(s->d, &(struct yq_finding){.level = YQ_FINDING_NOTE,
                                                  .part = "work",
                                                  .connection = s->id,
                                                  .text = yq_strdup(_("paused: events wait")),
                                                  .advice = yq_printf("yunqiao resume %s", s->id)});
    if (state.owed_ms > 0)
        yq_doctor_find(s->d,
                       &(struct yq_finding){.level = YQ_FINDING_NOTE,
                                            .part = "reconcile",
                                            .connection = s->id,
                                            .text = yq_printf(_("a reconcile is owed since %s: %s"),
                                                              yq_when_show(state.owed_ms, since),
                                                              state.owed_reason)});
}

void yq_doctor_check_standing(struct yq_doctor *d, const struct yq_connection_settings *c)
{
    const struct standing s = {d, c->id};
    if (!d->redis_answers)
        return;
    check_alarms(&s);
    check_dead(&s);
    check_reconcile(&s);
}

void yq_doctor_check_workers(struct yq_doctor *d)
{
    int workers = d->redis_answers ? yq_cli_count_workers(d->cli) : -1;
    if (workers == 0)
        yq_doctor_find(d, &(struct yq_finding){
                              .level = YQ_FINDING_NOTE,
                              .part = "work",
                              .text = yq_strdup(_("no worker is alive: what waits is not worked "
                                                  "on")),
                              .advice = yq_strdup("yunqiao serve")});
}
