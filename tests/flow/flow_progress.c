/* Whoever waits for a reconcile sees how far it is: lines of JSON, or a bar on a terminal, and at
 * the end what it did, in words. */
#include "grown.h"

#include <errno.h>
#include <pty.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/json.h"

static struct stage *slow(void **state)
{
    struct stage *s = story_with(state, &(struct stage_options){.seed = 7,
                                                                .people = 300,
                                                                .departments = 80,
                                                                .pace = "per_second: 20, "
                                                                        "in_flight: 2"});
    tell(s, STAGE_ETEAMS, "/_sim/delay", "{\"ms\":1000}"); /* a hundred people a second */
    return s;
}

struct phase { /* as the lines of JSON tell it */
    int64_t least, most, total;
};

static void take_line(struct phase *p, const char *phase, const cJSON *line)
{
    const cJSON *name = yq_json_get(line, "phase");
    int64_t done = 0, total = 0;
    if (!cJSON_IsString(name) || strcmp(name->valuestring, phase) != 0)
        return;
    assert_true(yq_json_int(line, "done", &done));
    assert_true(yq_json_int(line, "total", &total));
    if (total == 0)
        return;
    assert_in_range(done, 0, total);
    assert_true(done >= p->most); /* never back */
    if (done > 0 && (p->least == 0 || done < p->least))
        p->least = done;
    p->most = done;
    p->total = total;
}

/* Some line tells that it is under way, with this total. */
static void expect_progress(const char *output, const char *phase, int64_t total)
{
    struct phase p = {0};
    for (const char *line = output; *line != '\0';) {
        size_t len = strcspn(line, "\n");
        cJSON *json = *line == '{' ? yq_json_parse(line, len, NULL) : NULL;
        take_line(&p, phase, json);
        cJSON_Delete(json);
        line += len + (line[len] != '\0');
    }
    if (p.least == 0 || p.least >= p.total || p.total != total)
        fail_msg("%s: from %lld to %lld of %lld, expected %lld:\n%s", phase, (long long)p.least,
                 (long long)p.most, (long long)p.total, (long long)total, output);
}

static void lines_tell_how_far_it_is(void **state)
{
    struct stage *s = slow(state);
    char *text;
    assert_int_equal(stage_command(s, &text, "sync", "acme", NULL), 0);
    expect_progress(text, "members", 80);
    expect_progress(text, "writing", 300);
    free(text);
    assert_int_equal(linked(s), 300);
}

/* Runs the command on a terminal of its own. */
static char *on_a_terminal(struct stage *s, const char *language)
{
    struct yq_buf output = YQ_BUF_INIT;
    char part[4096];
    int terminal, status = -1;
    pid_t child = forkpty(&terminal, NULL, NULL, NULL);
    assert_true(child >= 0);
    if (child == 0) {
        (void)setenv("LC_ALL", language, 1);
        (void)execl(YQ_PROGRAM, "yunqiao", "sync", "acme", "-c", stage_config(s), (char *)NULL);
        _exit(127);
    }
    for (ssize_t n; (n = read(terminal, part, sizeof(part))) > 0 || (n < 0 && errno == EINTR);)
        yq_buf_add(&output, part, n > 0 ? (size_t)n : 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    (void)close(terminal);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        fail_msg("it ended with %d:\n%s", status, yq_buf_text(&output));
    return yq_buf_steal(&output);
}

static void expect_words(const char *text, ...)
{
    va_list words;
    va_start(words, text);
    for (const char *word; (word = va_arg(words, const char *)) != NULL;) {
        if (strstr(text, word) == NULL)
            fail_msg("\"%s\" is missing in\n%s", word, text);
    }
    va_end(words);
}

static void a_bar_fills_on_a_terminal(void **state)
{
    struct stage *s = slow(state);
    char *text = on_a_terminal(s, "zh_CN.UTF-8");
    expect_words(text, "[#", "# ", "] 正在逐部门读取企业微信成员 ", "/80", "/300",
                 "300 个成员是新的", "完成", NULL);
    if (strstr(text, "\"phase\"") != NULL || strstr(text, "members are") != NULL)
        fail_msg("%s", text);
    free(text);
    assert_int_equal(linked(s), 300);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORY(lines_tell_how_far_it_is),
        STORY(a_bar_fills_on_a_terminal),
    };
    return cmocka_run_group_tests_name("progress", tests, NULL, NULL);
}
