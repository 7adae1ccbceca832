/* Access tokens: the same one inside its validity, ended early on demand (wecom.md §3). */
#include <stdio.h>
#include <string.h>

#include "wecom_sim.h"

/* A token of long ago is still known by its form, so that 42001 and 40014 can be told apart. */
#define MARK "simtoken"

static void make_token(struct wecom *w, enum wecom_kind kind)
{
    struct wecom_token *t = &w->tokens[kind];
    t->expires_ms = sim_now_ms() + w->settings.token_life_s * 1000;
    snprintf(t->text, sizeof t->text, MARK "-%d-%lld-%016llx%016llx", (int)kind,
             (long long)t->expires_ms, (unsigned long long)sim_random_next(&w->random),
             (unsigned long long)sim_random_next(&w->random));
}

int wecom_gettoken(struct wecom_call *c)
{
    struct wecom *w = c->w;
    const char *corp = sim_query(c->request, "corpid");
    const char *secret = sim_query(c->request, "corpsecret");
    enum wecom_kind kind = WECOM_APP;
    if (secret == NULL || secret[0] == '\0')
        return 41004;
    if (corp == NULL || corp[0] == '\0')
        return 41002;
    if (strcmp(corp, w->corp_id) != 0)
        return 40013;
    while (kind < WECOM_KINDS && strcmp(secret, w->secrets[kind]) != 0)
        kind++;
    if (kind == WECOM_KINDS)
        return 40001;
    struct wecom_token *t = &w->tokens[kind];
    int64_t now = sim_now_ms();
    if (t->text[0] == '\0' || now >= t->expires_ms)
        make_token(w, kind);
    wecom_put_text(c->out, "access_token", t->text);
    wecom_put_int(c->out, "expires_in", (t->expires_ms - now) / 1000);
    return 0;
}

int wecom_token_check(struct wecom *w, const char *token, enum wecom_kind *ret)
{
    int kind;
    long long expires;
    if (token == NULL || token[0] == '\0')
        return 41001;
    for (enum wecom_kind k = 0; k < WECOM_KINDS; k++) {
        if (strcmp(token, w->tokens[k].text) != 0)
            continue;
        *ret = k;
        return sim_now_ms() < w->tokens[k].expires_ms ? 0 : 42001;
    }
    if (sscanf(token, MARK "-%d-%lld-", &kind, &expires) == 2 && sim_now_ms() >= expires)
        return 42001;
    return 40014;
}

void wecom_token_end(struct wecom *w, enum wecom_kind kind, bool expired)
{
    if (expired)
        w->tokens[kind].expires_ms = 0;
    else
        w->tokens[kind].text[0] = '\0';
}
