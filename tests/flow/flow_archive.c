/* An installation is moved: what its Redis holds goes along as files, and nothing is written to
 * eteams for it. */
#include "story.h"

#include <signal.h>

#include "base/buf.h"
#include "base/memory.h"

#define OLD 0 /* daemons */
#define NEW 1
#define MEMBERS 12
#define LINES 64

static char *path_of(struct stage *s, const char *name)
{
    return yq_printf("%s/%s", stage_directory(s), name);
}

/* What such an export prints, without what it says besides; caller frees. */
static char *exported(struct stage *s, const char *what)
{
    char *text, *end;
    assert_int_equal(stage_command(s, &text, what, "export", "acme", NULL), 0);
    assert_int_equal(*text, '{');
    end = strrchr(text, '}');
    end[1] = '\n'; /* there was one */
    end[2] = '\0';
    return text;
}

static char *export_to(struct stage *s, const char *what)
{
    char *text = exported(s, what), *path = path_of(s, what);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    assert_true(fputs(text, f) >= 0);
    assert_int_equal(fclose(f), 0);
    free(path);
    return text;
}

static void import_from(struct stage *s, const char *what)
{
    char *path = path_of(s, what);
    expect_command(s, 0, what, "import", "acme", path, NULL);
    free(path);
}

/* A userid that was changed is known by the link alone, a name that eteams has not by no other. */
static void live(struct stage *s)
{
    wecom_department(s, 2, "研发", 1);
    wecom_department(s, 3, "测试", 2);
    for (unsigned i = 0; i < MEMBERS; i++) {
        char userid[16], name[32];
        (void)snprintf(userid, sizeof(userid), "user.%u", i);
        (void)snprintf(name, sizeof(name), "员工%u", i);
        wecom_member(s, userid, name, i % 2 == 0 ? "2" : "3,2");
    }
    stage_settle(s, true);
    stage_wecom_change(s,
                       "{\"do\":\"rename_userid\",\"userid\":\"user.1\",\"new_userid\":\"anna\"}");
    stage_wecom_change(s, "{\"do\":\"update_member\",\"userid\":\"user.2\",\"name\":\"李娜\"}");
    stage_wecom_change(s, "{\"do\":\"delete_member\",\"userid\":\"user.3\"}");
    stage_settle(s, true);
}

static int64_t rows(struct stage *s)
{
    return ask(s, STAGE_ETEAMS, "/_sim/writes", "rows");
}

static bool is_compared(struct stage *s)
{
    char *owed = stage_redis_text(s, "HGETALL moved:{acme}:owed"), *log = stage_daemon_log(s, NEW);
    bool compared = *owed == '\0' && strstr(log, "reconcile.ended") != NULL;
    free(owed);
    free(log);
    return compared;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* All lines but the first, which says when it was made; Redis keeps no order. Where not the whole
 * of them is asked for: who is linked with what. Behind it stands what both sides agreed on, of
 * which the next run may learn more. */
static char *links_of(const char *archive, bool whole)
{
    char *copy = yq_strdup(archive), *rest = copy, *lines[LINES], *line;
    struct yq_buf all = YQ_BUF_INIT;
    size_t n = 0;
    (void)strsep(&rest, "\n");
    while ((line = strsep(&rest, "\n")) != NULL && *line != '\0' && n < LINES)
        lines[n++] = line;
    qsort(lines, n, sizeof(*lines), by_text);
    for (size_t i = 0; i < n; i++) {
        const char *agreed = strstr(lines[i], ",\"how\"");
        int len = (int)(whole || agreed == NULL ? strlen(lines[i]) : (size_t)(agreed - lines[i]));
        yq_buf_addf(&all, "%.*s\n", len, lines[i]);
    }
    free(copy);
    return yq_buf_steal(&all);
}

static void expect_links(struct stage *s, const char *archive, bool whole)
{
    char *again = exported(s, "links"), *are = links_of(again, whole),
         *were = links_of(archive, whole);
    assert_true(strlen(were) > (size_t)MEMBERS * 40);
    assert_string_equal(are, were);
    free(again);
    free(are);
    free(were);
}

static void an_installation_is_moved(void **state)
{
    struct stage_options o = {.seed = 1};
    struct stage *s = story_with(state, &o);
    live(s);
    char *told = stage_redis_text(s, "XLEN yq:{acme}:events");
    expect_command(s, 0, "pause", "acme", NULL);
    char *links = export_to(s, "links"), *events = export_to(s, "events");
    int64_t before = rows(s);
    stage_kill_daemon(s, OLD, SIGTERM);

    o.prefix = "moved";
    stage_configure(s, &o);
    import_from(s, "links");
    expect_links(s, links, true);
    stage_start_daemon(s, NEW);
    await(s, is_compared, "the reconcile that an import asks for");
    import_from(s, "events");
    char *moved = stage_redis_text(s, "XLEN moved:{acme}:events");
    assert_string_equal(moved, told); /* no commands */
    stage_settle(s, true);
    assert_int_equal(rows(s), before);
    expect_links(s, links, false);

    wecom_member(s, "zhao.lei", "赵雷", "3"); /* and it goes on */
    stage_wecom_change(s, "{\"do\":\"update_member\",\"userid\":\"anna\",\"name\":\"安娜\"}");
    stage_settle(s, true);
    expect_person(s, "zhao.lei", "department", "测试", NULL);
    expect_person(s, "anna", "username", "安娜", NULL);
    assert_int_equal(count_people(s, "员工1"), 0);
    assert_int_equal(stage_noop_rows(s), 0);
    free(links);
    free(events);
    free(told);
    free(moved);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORY(an_installation_is_moved),
    };
    return cmocka_run_group_tests_name("archive", tests, NULL, NULL);
}
