/* One history, from the company's first day to the judgement. */
#include "history.h"

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "support/wait.h"

#define SETTINGS_RETRIES 100000 /* WeCom repeats until it is acknowledged: loss is excluded */
#define CALLS_MS 400            /* how long the calls before a kill are awaited */

static const char *const quirks[] = {"creation_burst", "delete_update", "main_department_only",
                                     "no_cdata",       "blank_cdata",   "random_order"};

/* ---- words ---- */

uint32_t history_below(struct history *h, uint32_t n)
{
    h->random += 0x9e3779b97f4a7c15u; /* splitmix64 */
    uint64_t z = h->random;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return (uint32_t)((z ^ (z >> 31)) % n);
}

bool history_percent(struct history *h, uint32_t p)
{
    return history_below(h, 100) < p;
}

void history_say(struct history *h, const char *format, ...)
{
    char *line = NULL;
    va_list args;
    va_start(args, format);
    if (vasprintf(&line, format, args) < 0)
        abort();
    va_end(args);
    yq_buf_addf(&h->story, "%s\n", line);
    if (h->talks)
        (void)printf("%s\n", line);
    free(line);
}

void history_complain(struct history *h, const char *format, ...)
{
    char *text = NULL;
    va_list args;
    va_start(args, format);
    if (vasprintf(&text, format, args) < 0)
        abort();
    va_end(args);
    yq_buf_adds(&h->complaints, text);
    free(text);
}

static void tell(struct history *h, enum stage_peer peer, const char *path, const char *body)
{
    cJSON_Delete(stage_call(h->s, peer, path, "%s", body));
}

/* ---- daemons ---- */

/* WeCom's manner of writing, and the address; the stage knows only the latter. */
static void point_callback(struct history *h, int index)
{
    struct yq_buf list = YQ_BUF_INIT;
    uint64_t kept = h->random;
    h->random = h->seed * 77; /* the same whenever it is asked */
    for (size_t i = 0; i < sizeof(quirks) / sizeof(quirks[0]); i++)
        yq_buf_addf(&list, "%s\"%s\":%s", i > 0 ? "," : "", quirks[i],
                    history_percent(h, 30) ? "true" : "false");
    h->random = kept;
    cJSON_Delete(stage_call(h->s, STAGE_WECOM, "/_sim/callback",
                            "{\"url\":\"%s/wecom/callback/acme\",\"token\":\"FlowToken\","
                            "\"encoding_aes_key\":\"abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG\","
                            "\"mode\":\"full\",\"quirks\":{%s}}",
                            stage_public_url(h->s, index), yq_buf_text(&list)));
    yq_buf_release(&list);
}

static void start_daemon(struct history *h, int index)
{
    history_say(h, "daemon %d starts", index);
    stage_start_daemon(h->s, index);
    h->daemons[index] = true;
    point_callback(h, index);
    if (h->daemons[!index])
        h->hits[HISTORY_TWO_DAEMONS]++;
}

static void kill_daemon(struct history *h, int index)
{
    history_say(h, "daemon %d is killed", index);
    stage_kill_daemon(h->s, index, SIGKILL);
    h->daemons[index] = false;
    h->hits[HISTORY_KILLED]++;
    if (h->daemons[!index])
        point_callback(h, !index);
}

static void end_daemons(struct history *h)
{
    for (int i = 0; i < 2; i++) {
        if (stage_daemon_runs(h->s, i))
            stage_kill_daemon(h->s, i, SIGTERM);
        h->daemons[i] = false;
    }
}

struct calls {
    struct history *h;
    int64_t until;
};

static int64_t calls_of_eteams(struct history *h)
{
    int64_t n = 0;
    cJSON *json = stage_call(h->s, STAGE_ETEAMS, "/_sim/calls", NULL);
    const cJSON *path;
    if (!yq_json_int(json, "calls", &n))
        cJSON_ArrayForEach (path, yq_json_get(json, "calls"))
            n += (int64_t)path->valuedouble;
    cJSON_Delete(json);
    return n;
}

static bool called(void *arg)
{
    struct calls *c = arg;
    return calls_of_eteams(c->h) >= c->until;
}

/* Kills in the middle of the work: after some calls of eteams, if there are so many. */
static void kill_at_work(struct history *h)
{
    int index = h->daemons[0] && (!h->daemons[1] || history_percent(h, 50)) ? 0 : 1;
    struct calls c = {h, calls_of_eteams(h) + history_below(h, 14)};
    (void)yq_wait_until(called, &c, (int)history_below(h, CALLS_MS)); /* in vain is well, too */
    kill_daemon(h, index);
    if (!h->daemons[!index] || history_percent(h, 70))
        start_daemon(h, index);
}

/* ---- one step ---- */

void history_deliver(struct history *h)
{
    int64_t events = 0, duplicates = 0, lost = 0;
    static const uint32_t rates[] = {0, 10, 40};
    uint32_t duplicate = rates[history_below(h, 3)], flying = 1 + history_below(h, 4);
    uint32_t lose = history_lose_percent(h);
    bool shuffled = history_percent(h, 80);
    cJSON *json = stage_call(h->s, STAGE_WECOM, "/_sim/deliver",
                             "{\"order\":\"%s\",\"seed\":%u,\"duplicate_percent\":%u,"
                             "\"max_in_flight\":%u,\"lose_percent\":%u}",
                             shuffled ? "shuffle" : "fifo", history_below(h, 1000000), duplicate,
                             flying, lose);
    (void)yq_json_int(json, "events", &events);
    (void)yq_json_int(json, "duplicates", &duplicates);
    (void)yq_json_int(json, "lost", &lost);
    h->hits[HISTORY_DUPLICATE] += (uint64_t)duplicates;
    h->hits[HISTORY_LOST] += (uint64_t)lost;
    history_say(h, "%lld events are delivered%s, %lld of them twice, %lld are lost, %u at a time",
                (long long)events, shuffled ? " in any order" : "", (long long)duplicates,
                (long long)lost, flying);
    cJSON_Delete(json);
}

static bool never(void *arg)
{
    (void)arg;
    return false;
}

/* Lets the daemons work for a moment while the clock runs. */
static void let_work(struct history *h)
{
    uint32_t rounds = 1 + history_below(h, 4);
    for (uint32_t i = 0; i < rounds; i++) {
        uint32_t ms = history_below(h, 4000);
        if (history_percent(h, 5)) {
            ms = 45000; /* longer than a lease */
            h->hits[HISTORY_CLOCK]++;
        }
        (void)yq_wait_until(never, NULL, (int)(20 + history_below(h, 60)));
        stage_advance(h->s, ms);
    }
}

static void step(struct history *h)
{
    uint32_t changes = history_percent(h, 20) ? 10 + history_below(h, 10) : 1 + history_below(h, 8);
    for (uint32_t i = 0; i < changes; i++)
        history_change(h);
    if (history_percent(h, 40)) {
        history_faults_end(h);
        history_faults_begin(h);
    }
    if (history_percent(h, 12) && !(h->daemons[0] && h->daemons[1]))
        start_daemon(h, h->daemons[0] ? 1 : 0);
    if (history_percent(h, 20)) /* nobody takes them for a while: WeCom repeats */
        kill_daemon(h, h->daemons[0] ? 0 : 1);
    if (history_percent(h, 75))
        history_deliver(h);
    if (!h->daemons[0] && !h->daemons[1])
        start_daemon(h, (int)history_below(h, 2));
    if (h->beside && history_percent(h, 40))
        history_meanwhile(h);
    if (history_percent(h, 25))
        kill_at_work(h);
    else if (history_percent(h, 80))
        let_work(h);
}

/* ---- from the first day to the last ---- */

static void begin(struct history *h)
{
    uint32_t people = 10 + history_below(h, 51), departments = 4 + history_below(h, 9);
    bool mirrored = history_percent(h, 50);
    h->cold = history_percent(h, 30) && !h->guard;
    h->hidden = history_percent(h, 25) && !h->loses; /* only events tell what is hidden */
    history_say(h, "seed %llu: %u people, %u departments, eteams %s, links %s%s",
                (unsigned long long)h->seed, people, departments, mirrored ? "mirrored" : "empty",
                h->cold ? "none" : "made first", h->hidden ? ", mobiles hidden" : "");
    end_daemons(h);
    free(stage_redis_text(h->s, "FLUSHALL"));
    cJSON_Delete(stage_call(h->s, STAGE_WECOM, "/_sim/reset",
                            "{\"seed\":%u,\"people\":%u,\"departments\":%u}", (unsigned)h->seed,
                            people, departments));
    cJSON_Delete(stage_call(h->s, STAGE_ETEAMS, "/_sim/reset",
                            "{\"seed\":%u,\"people\":%u,\"departments\":%u}", (unsigned)h->seed,
                            mirrored ? people : 0, mirrored ? departments : 1));
    cJSON_Delete(
        stage_call(h->s, STAGE_WECOM, "/_sim/delivery",
                   "{\"mode\":\"hold\",\"retries\":%d,\"retry_ms\":50,\"envelope\":\"%s\"}",
                   SETTINGS_RETRIES, history_percent(h, 50) ? "same" : "reencrypted"));
    tell(h, STAGE_WECOM, "/_sim/settings",
         h->hidden ? "{\"sensitive\":false}" : "{\"sensitive\":true}");
    start_daemon(h, 0);
    history_touch_all(h);
    tell(h, STAGE_WECOM, "/_sim/deliver", "{\"order\":\"shuffle\"}");
    stage_settle(h->s, true);
    history_remember(h);
    cJSON_Delete(h->touched);
    h->touched = cJSON_CreateObject();
}

/* Who was there three times when we killed the worker was set aside: an operator has his events
 * sent again, the oldest first. Whatever else was given up stays, and is wrong. */
static void ask_again(struct history *h)
{
    char *text = NULL, *said = NULL;
    (void)stage_command(h->s, &text, "dead", "list", "acme", "--limit", "100000", "--json", NULL);
    cJSON *letters = cJSON_Parse(text);
    bool asked = false;
    for (int i = cJSON_GetArraySize(letters); i-- > 0;) {
        const cJSON *letter = cJSON_GetArrayItem(letters, i);
        const char *event = cJSON_GetObjectItemCaseSensitive(letter, "event")->valuestring;
        const char *error = cJSON_GetObjectItemCaseSensitive(letter, "error")->valuestring;
        if (strcmp(error, "its worker died with it three times") != 0)
            continue;
        (void)stage_command(h->s, &said, "dead", "retry", "acme", event, NULL);
        history_say(h, "was set aside, and an operator has it sent again: %s", said);
        free(said);
        asked = true;
    }
    cJSON_Delete(letters);
    free(text);
    if (asked)
        stage_settle(h->s, true);
}

/* Every third history is sent again as a whole before it is judged: hints once more, and late. */
static void replay(struct history *h)
{
    char *said = NULL;
    if (h->seed % 3 != 0)
        return;
    if (stage_command(h->s, &said, "replay", "acme", "--from", "0", NULL) != 0)
        yq_buf_addf(&h->complaints, "replay: %s", said);
    history_say(h, "everything is replayed: %s", said);
    free(said);
    stage_settle(h->s, true);
}

static void finish(struct history *h)
{
    history_faults_end(h);
    if (!h->daemons[0] && !h->daemons[1])
        start_daemon(h, 0);
    if (h->loses)
        history_deliver(h);
    else
        tell(h, STAGE_WECOM, "/_sim/deliver", "{\"order\":\"shuffle\"}");
    history_say(h, "the peers work again, and all is delivered");
    stage_settle(h->s, true);
    ask_again(h);
    if (h->loses)
        history_heal(h);
    replay(h);
    history_judge(h);
    end_daemons(h);
}

static void release(struct history *h)
{
    cJSON *trees[] = {h->touched, h->renamed,          h->deleted,     h->edits,
                      h->before,  h->department_links, h->member_links};
    for (size_t i = 0; i < sizeof(trees) / sizeof(trees[0]); i++)
        cJSON_Delete(trees[i]);
    yq_buf_release(&h->story);
    yq_buf_release(&h->complaints);
}

bool history_run(struct history *h)
{
    h->random = h->seed * 0x2545f4914f6cdd1du;
    h->touched = cJSON_CreateObject();
    h->renamed = cJSON_CreateObject();
    h->deleted = cJSON_CreateArray();
    h->edits = cJSON_CreateArray();
    begin(h);
    uint32_t steps = 6 + history_below(h, 10);
    history_faults_begin(h);
    for (uint32_t i = 0; i < steps; i++) {
        history_say(h, "step %u of %u", i + 1, steps);
        step(h);
    }
    finish(h);
    bool well = h->complaints.len == 0;
    if (!well || h->talks)
        history_print(h);
    if (!well)
        (void)printf("---- seed %llu: wrong\n%s", (unsigned long long)h->seed,
                     yq_buf_text(&h->complaints));
    (void)fflush(stdout);
    release(h);
    return well;
}
