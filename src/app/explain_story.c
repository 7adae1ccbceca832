/* The story of one subject: its events, and what each led to. */
#include "explain_story.h"

#include <stdlib.h>
#include <string.h>

#include "answers.h"
#include "explain_words.h"
#include "mask.h"
#include "plan/held.h"
#include "printing.h"
#include "when.h"

static void tell_event(struct yq_cli *cli, const struct yq_explain_event *e)
{
    char when[YQ_WHEN_MAX];
    const char *what =
        e->gone ? _("an event came in that is no longer kept") : yq_words_of_event(e->kind);
    fprintf(cli->out, "%s  %s", yq_when_show(e->ms, when), what);
    if (strcmp(e->source, "replay") == 0)
        fputs(_(" (replayed)"), cli->out);
    fprintf(cli->out, _(" (event %s)"), e->entry);
    if (e->state == YQ_ENTRY_WAITING)
        fputs(_(": no worker has read it yet"), cli->out);
    else if (e->state == YQ_ENTRY_PENDING)
        fputs(_(": not settled yet"), cli->out);
    fputs("\n", cli->out);
}

/* Several attempts that failed alike are one line: the first with the time of the last. */
struct attempts {
    size_t count;
    int64_t last_ms;
};

static void tell_failure(struct yq_cli *cli, const struct attempts *a)
{
    char last[YQ_WHEN_MAX];
    if (a->count == 1)
        fputs(_("tried, and failed: "), cli->out);
    else
        fprintf(cli->out, _("tried %zu times, the last time at %s, and failed: "), a->count,
                yq_when_show(a->last_ms, last));
}

/* What eteams was asked, and answered. */
static void tell_answer(struct yq_cli *cli, const struct yq_explain_step *s)
{
    struct yq_buf words = YQ_BUF_INIT;
    if (s->call == NULL)
        return;
    if (s->answer.code != 0)
        yq_buf_addf(&words, "%d%s", s->answer.code, s->answer.words[0] != '\0' ? " " : "");
    yq_mask_text(s->answer.words, &words);
    fprintf(cli->out, _("    call %s, answer: %s\n"), s->call,
            s->answer.ok     ? _("ok")
            : s->answer.lost ? _("none, it was lost")
                             : yq_buf_text(&words));
    yq_buf_release(&words);
}

/* a: how often it failed; NULL where it did not. */
static void tell_step(struct yq_cli *cli, const struct yq_explain_step *s, const struct attempts *a)
{
    char when[YQ_WHEN_MAX], *why = yq_words_of_reason(&s->reason);
    const char *did = yq_words_of_operation(s->op), *rule = yq_words_of_rule(s->rule);
    fprintf(cli->out, "%s  ", yq_when_show(s->ms, when));
    if (a != NULL)
        tell_failure(cli, a);
    if (a != NULL && did != NULL) /* it was not */
        did = yq_words_of_planned(s->op);
    fputs(did != NULL ? did : yq_words_of_verdict(s->word), cli->out);
    if (why[0] != '\0')
        fprintf(cli->out, ": %s", why);
    if (rule != NULL)
        fprintf(cli->out, _(" [rule %s: %s]"), s->rule, rule);
    else if (s->rule[0] == 'D' && did != NULL)
        fprintf(cli->out, _(" [decision %s]"), s->rule + 1);
    fputs("\n", cli->out);
    for (size_t i = 0; i < s->change_count; i++)
        yq_words_print_change(cli->out, &s->changes[i]);
    tell_answer(cli, s);
    free(why);
}

static bool is_failure(const struct yq_explain_step *s)
{
    return strcmp(s->word, "failed") == 0;
}

static bool same_text(const char *a, const char *b)
{
    return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

static bool same_changes(const struct yq_explain_step *a, const struct yq_explain_step *b)
{
    for (size_t i = 0; i < a->change_count && i < b->change_count; i++) {
        const struct yq_explain_change *x = &a->changes[i], *y = &b->changes[i];
        if (!same_text(x->field, y->field) || !same_text(x->before, y->before) ||
            !same_text(x->after, y->after))
            return false;
    }
    return a->change_count == b->change_count;
}

/* The same was tried, and failed for the same reason. */
static bool failed_alike(const struct yq_explain_step *a, const struct yq_explain_step *b)
{
    bool same = a->reason.code == b->reason.code && same_text(a->op, b->op) &&
                same_text(a->rule, b->rule) && same_changes(a, b);
    for (size_t i = 0; i < 3; i++)
        same = same && same_text(a->reason.args[i], b->reason.args[i]);
    return same;
}

/* Failures between which nothing else happened: each is told once, where it first stands. */
static void tell_failures(struct yq_cli *cli, const struct yq_explain_step *steps, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct attempts a = {0};
        bool told = false;
        for (size_t k = 0; k < count; k++) {
            if (!failed_alike(&steps[i], &steps[k]))
                continue;
            told = told || k < i;
            a.count++;
            a.last_ms = steps[k].ms;
        }
        if (!told)
            tell_step(cli, &steps[i], &a);
    }
}

/* Events and steps in the order of their time; an event comes before what it led to. */
static void tell_story(struct yq_cli *cli, const struct yq_explain *e)
{
    size_t event = 0, step = 0;
    while (event < e->event_count || step < e->step_count) {
        int64_t next_event = event < e->event_count ? e->events[event].ms : INT64_MAX;
        size_t failures = 0;
        while (step + failures < e->step_count && is_failure(&e->steps[step + failures]) &&
               e->steps[step + failures].ms < next_event)
            failures++;
        tell_failures(cli, &e->steps[step], failures);
        step += failures;
        if (failures > 0)
            continue;
        if (step == e->step_count || next_event <= e->steps[step].ms)
            tell_event(cli, &e->events[event++]);
        else
            tell_step(cli, &e->steps[step++], NULL);
    }
}

/* ---- how it stands ---- */

static void tell_link(struct yq_cli *cli, const struct yq_explain *e)
{
    char when[YQ_WHEN_MAX];
    if (e->link.eteams == NULL)
        return;
    fprintf(cli->out, _("linked with record %s in eteams since %s, %s\n"), e->link.eteams,
            yq_when_show(e->link.ms, when), yq_words_of_link(e->link.how));
    if (e->link.left)
        fputs(_("the person has been resigned in eteams by the bridge\n"), cli->out);
}

/* The newest word about it: "held", "none", …; "" without any. */
static const char *last_word(const struct yq_explain *e)
{
    return e->step_count > 0 ? e->steps[e->step_count - 1].word : "";
}

/* What a peer said may name a mobile or an e-mail; the caller's. */
static char *shown_error(const char *error)
{
    struct yq_buf text = YQ_BUF_INIT;
    yq_mask_text(error, &text);
    return yq_buf_steal(&text);
}

static void tell_retry(struct yq_cli *cli, const struct yq_explain *e)
{
    char when[YQ_WHEN_MAX], *error = shown_error(e->retry.error);
    if (e->retry.running)
        fprintf(cli->out, _("now: attempt %u is running\n"), e->retry.attempts);
    else
        fprintf(cli->out, _("now: waits for its next attempt at %s, after %u; the last one: %s\n"),
                yq_when_show(e->retry.next_ms, when), e->retry.attempts, error);
    free(error);
}

bool yq_explain_is_held(struct yq_cli *cli, const struct yq_explain *e)
{
    return e->held.hash != NULL && yq_wall_ms(cli->clock) - e->held.ms <= YQ_HELD_MS;
}

static void tell_answers(struct yq_cli *cli, const char *id, const struct yq_explain *e)
{
    struct yq_answer answers[YQ_ANSWERS_MAX];
    size_t count =
        yq_answers_of(id, &e->subject, &e->open_case.reason, e->link.eteams != NULL, answers);
    for (size_t i = 0; i < count; i++)
        fprintf(cli->out, "    %s  (%s)\n", answers[i].command, answers[i].meaning);
}

static void tell_dead(struct yq_cli *cli, const char *id, const struct yq_explain *e)
{
    char when[YQ_WHEN_MAX];
    if (e->dead.entry == NULL)
        return;
    char *error = shown_error(e->dead.error);
    fprintf(cli->out, _("set aside as a dead letter at %s after %s attempts (event %s): %s\n"),
            yq_when_show(e->dead.ms, when), e->dead.attempts, e->dead.entry, error);
    fprintf(cli->out, _("    yunqiao dead retry %s %s  (sends it again)\n"), id, e->dead.entry);
    free(error);
}

/* Nothing waits. What was written behind the last comparison was compared when it was planned. */
static void tell_rest(struct yq_cli *cli, const struct yq_explain *e)
{
    char when[YQ_WHEN_MAX];
    int64_t step_ms = e->step_count > 0 ? e->steps[e->step_count - 1].ms : 0;
    if (!yq_explain_is_in_step(e) || (e->compared_ms == 0 && step_ms == 0))
        fputs(_("now: nothing waits\n"), cli->out);
    else if (e->compared_ms >= step_ms)
        fprintf(cli->out, _("now: nothing waits; both sides were last compared at %s\n"),
                yq_when_show(e->compared_ms, when));
    else
        fprintf(cli->out, _("now: nothing waits; both sides agreed at %s\n"),
                yq_when_show(step_ms, when));
}

/* What only the reconcile found out; no event asked for it. */
static void tell_left(struct yq_cli *cli, const struct yq_explain *e)
{
    char when[YQ_WHEN_MAX];
    char *why = yq_words_of_reason(&e->found.reason);
    fprintf(cli->out,
            e->found.waits ? _("now: waits, as the reconcile found that ended at %s: %s\n")
                           : _("now: left as it is by the reconcile that ended at %s: %s\n"),
            yq_when_show(e->found.ms, when), why);
    free(why);
}

static void tell_stranger(struct yq_cli *cli, const struct yq_explain *e, const char *subject)
{
    char when[YQ_WHEN_MAX];
    fprintf(cli->out, _("%s: nothing is known of it: no event in the last %d days, no link\n"),
            subject, (int)(cli->settings->retention_ms / 86400000));
    if (yq_explain_is_left(e))
        tell_left(cli, e);
    else if (e->compared_ms != 0)
        fprintf(cli->out, _("both sides were last compared at %s, and it was linked with nobody\n"),
                yq_when_show(e->compared_ms, when));
    else
        fputs(_("both sides were never compared as a whole: yunqiao sync does so\n"), cli->out);
}

static void tell_end(struct yq_cli *cli, const char *id, const struct yq_explain *e)
{
    char when[YQ_WHEN_MAX];
    size_t open = 0;
    for (size_t i = 0; i < e->event_count; i++)
        open += e->events[i].state != YQ_ENTRY_DONE;
    tell_dead(cli, id, e);
    if (e->open_case.there) {
        char *why = yq_words_of_reason(&e->open_case.reason);
        fprintf(cli->out, _("now: a case that a person must decide, since %s: %s\n"),
                yq_when_show(e->open_case.ms, when), why);
        free(why);
        tell_answers(cli, id, e);
    } else if (e->retry.there) {
        tell_retry(cli, e);
    } else if (open > 0) {
        fprintf(cli->out, _("now: events that are not settled yet: %zu\n"), open);
    } else if (yq_explain_is_held(cli, e)) {
        fprintf(cli->out, _("now: held by the guard since %s, with others: %zu in all\n"),
                yq_when_show(e->held.ms, when), e->held.people);
        fprintf(cli->out, _("    yunqiao plans %s %s  (shows them)\n"), id, e->held.hash);
        fprintf(cli->out, _("    yunqiao approve %s %s  (has it done)\n"), id, e->held.hash);
    } else if (strcmp(last_word(e), "held") == 0) {
        fputs(_("now: held by the guard, but its plan has expired: yunqiao sync asks anew\n"),
              cli->out);
    } else if (yq_explain_is_left(e)) {
        tell_left(cli, e);
    } else if (e->link.eteams == NULL) {
        fputs(_("now: not linked with anything in eteams\n"), cli->out);
    } else {
        tell_rest(cli, e);
    }
}

bool yq_explain_is_unheard_of(const struct yq_explain *e)
{
    return e->event_count == 0 && e->step_count == 0 && e->link.eteams == NULL &&
           !e->open_case.there && !e->retry.there && e->dead.entry == NULL;
}

void yq_explain_tell(struct yq_cli *cli, const char *id, const struct yq_explain *e)
{
    char subject[YQ_SUBJECT_MAX];
    yq_subject_format(&e->subject, subject);
    if (yq_explain_is_unheard_of(e)) {
        tell_stranger(cli, e, subject);
        return;
    }
    fprintf(cli->out, "%s\n", subject);
    tell_link(cli, e);
    tell_story(cli, e);
    tell_end(cli, id, e);
}
