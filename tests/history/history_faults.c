/* The peers fail: classes of faults by name, and how often each really happened. */
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "history.h"

static const struct kind {
    enum stage_peer peer;
    const char *name;
    enum history_fault fault;
} kinds[] = {
    {STAGE_ETEAMS, "lost_answer", HISTORY_ANSWER_LOST},
    {STAGE_WECOM, "cut_after", HISTORY_CUT},
    {STAGE_ETEAMS, "token_dead_top", HISTORY_TOKEN_DEAD},
    {STAGE_ETEAMS, "token_dead_message", HISTORY_TOKEN_DEAD},
    {STAGE_ETEAMS, "http_401", HISTORY_TOKEN_DEAD},
    {STAGE_WECOM, "token_dead", HISTORY_TOKEN_DEAD},
    {STAGE_WECOM, "token_expired", HISTORY_TOKEN_DEAD},
    {STAGE_WECOM, "freq", HISTORY_QUOTA},
    {STAGE_WECOM, "concurrency", HISTORY_CONCURRENCY},
    {STAGE_ETEAMS, "rate", HISTORY_RATE},
    {STAGE_ETEAMS, "http_429", HISTORY_RATE},
    {STAGE_ETEAMS, "cut", HISTORY_CUT},
    {STAGE_WECOM, "cut", HISTORY_CUT},
    {STAGE_ETEAMS, "rows_shuffled", HISTORY_ROWS_SHUFFLED},
    {STAGE_ETEAMS, "rows_missing", HISTORY_ROWS_INCOMPLETE},
    {STAGE_ETEAMS, "extkeymap_missing", HISTORY_ROWS_INCOMPLETE},
    {STAGE_ETEAMS, "row_failed", HISTORY_ROW_FAILED},
    {STAGE_ETEAMS, "garbage", HISTORY_GARBAGE},
    {STAGE_ETEAMS, "html", HISTORY_GARBAGE},
    {STAGE_ETEAMS, "truncated", HISTORY_GARBAGE},
    {STAGE_ETEAMS, "nul_escape", HISTORY_GARBAGE},
    {STAGE_WECOM, "garbage", HISTORY_GARBAGE},
    {STAGE_WECOM, "html", HISTORY_GARBAGE},
    {STAGE_WECOM, "truncated", HISTORY_GARBAGE},
    {STAGE_WECOM, "nul_escape", HISTORY_GARBAGE},
    {STAGE_WECOM, "deep", HISTORY_GARBAGE},
    {STAGE_ETEAMS, "http_500", HISTORY_SERVER_ERROR},
    {STAGE_ETEAMS, "http_502", HISTORY_SERVER_ERROR},
    {STAGE_ETEAMS, "http_503", HISTORY_SERVER_ERROR},
    {STAGE_ETEAMS, "http_504", HISTORY_SERVER_ERROR},
    {STAGE_ETEAMS, "internal", HISTORY_SERVER_ERROR},
    {STAGE_WECOM, "http_500", HISTORY_SERVER_ERROR},
    {STAGE_WECOM, "http_502", HISTORY_SERVER_ERROR},
    {STAGE_WECOM, "busy", HISTORY_SERVER_ERROR},
    {STAGE_WECOM, "conflict", HISTORY_SERVER_ERROR},
    {STAGE_ETEAMS, "errcode_number", HISTORY_FORM},
    {STAGE_ETEAMS, "only_acesstoken", HISTORY_FORM},
    {STAGE_ETEAMS, "total_changes", HISTORY_FORM},
    {STAGE_WECOM, "errcode_missing", HISTORY_FORM},
    {STAGE_ETEAMS, "slow", HISTORY_SLOW},
    {STAGE_WECOM, "slow", HISTORY_SLOW},
};
#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

#define SLOW_MS 300 /* in real time */

const char *history_fault_name(enum history_fault f)
{
    static const char *const names[] = {
#define X(name, text) text,
        HISTORY_FAULTS(X)
#undef X
    };
    return names[f];
}

/* Some kinds of one peer as a JSON list; by_rate: not those that need a time of their own. */
static void choose(struct history *h, enum stage_peer peer, struct yq_buf *out)
{
    uint32_t chance = history_percent(h, 50) ? 100 : 30;
    const char *comma = "";
    for (size_t i = 0; i < KINDS; i++) {
        bool own_time = strcmp(kinds[i].name, "slow") == 0;
        if (kinds[i].peer != peer || own_time || !history_percent(h, chance))
            continue;
        yq_buf_addf(out, "%s\"%s\"", comma, kinds[i].name);
        comma = ",";
    }
}

static void make_slow(struct history *h, enum stage_peer peer)
{
    cJSON_Delete(stage_call(h->s, peer, "/_sim/faults",
                            "{\"path\":\"*\",\"kind\":\"slow\",\"count\":1,\"skip\":%u,"
                            "\"delay_ms\":%d}",
                            history_below(h, 5), SLOW_MS));
}

/* Rows are written seldom: what can happen to them is asked for by name. */
static void spoil_rows(struct history *h)
{
    static const char *const names[] = {"rows_shuffled",     "rows_shuffled", "rows_missing",
                                        "extkeymap_missing", "row_failed",    "row_failed",
                                        "lost_answer"};
    uint32_t n = history_below(h, 3);
    for (uint32_t i = 0; i < n; i++) {
        const char *name = names[history_below(h, sizeof(names) / sizeof(names[0]))];
        bool member = history_percent(h, 70);
        cJSON_Delete(stage_call(h->s, STAGE_ETEAMS, "/_sim/faults",
                                "{\"path\":\"/api/hrm/restful/%s\",\"kind\":\"%s\",\"skip\":%u}",
                                member ? "syncEmployee" : "syncDepartment", name,
                                history_below(h, 3)));
        history_say(h, "%s: %s", member ? "syncEmployee" : "syncDepartment", name);
    }
}

void history_faults_begin(struct history *h)
{
    spoil_rows(h);
    for (int peer = STAGE_WECOM; peer <= STAGE_ETEAMS; peer++) {
        struct yq_buf list = YQ_BUF_INIT;
        uint32_t rate = 3 + history_below(h, 20), seed = history_below(h, 1000000);
        choose(h, (enum stage_peer)peer, &list);
        if (history_percent(h, 30))
            make_slow(h, (enum stage_peer)peer);
        cJSON_Delete(stage_call(h->s, (enum stage_peer)peer, "/_sim/faults",
                                "{\"rate_percent\":%u,\"kinds\":[%s],\"seed\":%u}", rate,
                                yq_buf_text(&list), seed));
        history_say(h, "%s fails in %u %% of its calls: %s",
                    peer == STAGE_WECOM ? "WeCom" : "eteams", rate, yq_buf_text(&list));
        yq_buf_release(&list);
    }
}

void history_faults_end(struct history *h)
{
    for (int peer = STAGE_WECOM; peer <= STAGE_ETEAMS; peer++) {
        cJSON *json = stage_call(h->s, (enum stage_peer)peer, "/_sim/faults", NULL);
        const cJSON *hits = yq_json_get(json, "hits");
        for (size_t i = 0; i < KINDS; i++) {
            int64_t n = 0;
            if ((int)kinds[i].peer == peer && yq_json_int(hits, kinds[i].name, &n))
                h->hits[kinds[i].fault] += (uint64_t)n;
        }
        cJSON_Delete(json);
        cJSON_Delete(stage_call(h->s, (enum stage_peer)peer, "/_sim/faults", "{\"clear\":true}"));
    }
}
