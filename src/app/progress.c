/* The progress of a reconcile, on a terminal and for programs. */
#include "progress.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/json.h"
#include "clients/store_inspect.h"

#define BAR_WIDTH 30

static const struct {
    const char *name, *words;
} phases[] = {
    {"begins", N_("it begins")},
    {"departments", N_("departments are compared")},
    {"members", N_("members are read in WeCom, department by department")},
    {"people", N_("people are read in eteams")},
    {"leavers", N_("who has left is looked for")},
    {"writing", N_("members are brought in step")},
    {"replay", N_("stored events are read again")},
    {"superiors", N_("superiors are taken over, or put back")},
};

static const char *phase_words(const char *name)
{
    for (size_t i = 0; i < sizeof(phases) / sizeof(phases[0]); i++) {
        if (strcmp(phases[i].name, name) == 0)
            return _(phases[i].words);
    }
    return name;
}

static const char *text(const struct yq_pairs *hash, const char *name)
{
    const char *value = yq_pairs_get(hash, name);
    return value != NULL ? value : "";
}

static void draw_bar(struct yq_cli *cli, const struct yq_pairs *hash)
{
    long done = atol(text(hash, "done")), total = atol(text(hash, "total"));
    int filled = total > 0 && done <= total ? (int)(done * BAR_WIDTH / total) : 0;
    char bar[BAR_WIDTH + 1];
    memset(bar, ' ', BAR_WIDTH);
    memset(bar, '#', (size_t)filled);
    bar[BAR_WIDTH] = '\0';
    fprintf(cli->err, "\r\033[K[%s] %s", bar, phase_words(text(hash, "phase")));
    if (total > 0)
        fprintf(cli->err, " %ld/%ld", done, total);
    (void)fflush(cli->err);
}

static void describe(const struct yq_pairs *hash, struct yq_buf *out)
{
    static const char *const numbers[] = {"done", "total", "applied", "failed", "held", "calls"};
    yq_buf_adds(out, "{\"run\":");
    yq_buf_add_json_string(out, text(hash, "run"));
    yq_buf_adds(out, ",\"phase\":");
    yq_buf_add_json_string(out, text(hash, "phase"));
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
        yq_buf_addf(out, ",\"%s\":%ld", numbers[i], atol(text(hash, numbers[i])));
    yq_buf_addc(out, '}');
}

void yq_progress_tell(struct yq_cli *cli, const char *id, const char *run, struct yq_progress *p)
{
    struct yq_pairs hash = {0};
    struct yq_buf json = YQ_BUF_INIT;
    if (yq_store_read_hash(cli->redis, &cli->keys, id, "reconcile", &hash, NULL) != 0)
        return; /* whoever waits is told by the next look */
    if (strcmp(text(&hash, "run"), run) == 0) {
        describe(&hash, &json);
        bool news = strncmp(yq_buf_text(&json), p->last, sizeof(p->last) - 1) != 0;
        snprintf(p->last, sizeof(p->last), "%s", yq_buf_text(&json));
        p->bar = isatty(fileno(cli->err)) != 0;
        if (news && p->bar)
            draw_bar(cli, &hash);
        else if (news)
            fprintf(cli->err, "%s\n", yq_buf_text(&json));
    }
    yq_buf_release(&json);
    yq_pairs_release(&hash);
}

void yq_progress_end(struct yq_cli *cli, struct yq_progress *p)
{
    if (p->bar)
        fputs("\r\033[K", cli->err);
    p->bar = false;
}

/* ---- the end ---- */

static const struct {
    const char *name, *words;
} counts[] = {
    {"departments", N_("departments differ")},
    {"new", N_("members are new")},
    {"changed", N_("members differ")},
    {"left", N_("members have left, as WeCom says")},
    {"gone", N_("members are gone from the company")},
    {"returned", N_("members have come back")},
    {"stale", N_("links lead to nobody in service")},
    {"applied", N_("operations carried out")},
    {"failed", N_("operations refused")},
    {"held", N_("operations held by the guard")},
    {"cases", N_("cases for a person to decide")},
    {"waiting", N_("subjects wait for the next reconcile")},
    {"superiors", N_("superiors cleared before they follow WeCom, or put back")},
};

void yq_print_reconcile(struct yq_cli *cli, const cJSON *run)
{
    const cJSON *all = yq_json_get(run, "counts"), *error = yq_json_get(run, "error");
    int64_t n;
    if (yq_json_get(run, "kind") == NULL)
        return;
    for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
        if (yq_json_int(all, counts[i].name, &n) && n > 0)
            fprintf(cli->out, "%8lld %s\n", (long long)n, _(counts[i].words));
    }
    if (yq_json_bool(run, "dry_run", false))
        fputs(_("a dry run: nothing was written\n"), cli->out);
    if (cJSON_IsString(error))
        fprintf(cli->out, _("not complete: %s\n"), error->valuestring);
}
