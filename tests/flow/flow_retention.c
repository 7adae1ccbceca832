/* How long what is settled stays, and how much of it: never what is not settled. */
#include "story.h"

#include "support/temp_redis.h"

#define TWO_HOURS_MS 7200000
#define MINUTE_MS 60000
#define MANY "3000"
#define MOST 1000
#define NODE 100 /* audit and runs are trimmed by whole nodes of the stream */

/* Nobody gives up while the clock is moved. */
#define TOP "retention: 1h\nretention_max: 1000\nretry: { attempts: 1000 }\n"

static long length(struct stage *s, const char *stream)
{
    char *text = stage_redis_text(s, "XLEN yq:{acme}:%s", stream);
    long n = strtol(text, NULL, 10);
    free(text);
    return n;
}

/* The id of the newest entry; caller frees. */
static char *newest(struct stage *s)
{
    char *text = stage_redis_text(s, "XREVRANGE yq:{acme}:events + - COUNT 1");
    text[strcspn(text, "\n")] = '\0';
    return text;
}

static bool has(struct stage *s, const char *entry)
{
    char *text = stage_redis_text(s, "XRANGE yq:{acme}:events %s %s", entry, entry);
    bool found = strstr(text, entry) != NULL;
    free(text);
    return found;
}

static char *first, *stuck, *later;

/* One event is settled, one fails, one is settled behind it. */
static struct stage *begin(void **state)
{
    struct stage *s = story_with(state, &(struct stage_options){.seed = 1, .top_yaml = TOP});
    wecom_member(s, "li.na", "李娜", "1");
    wecom_member(s, "wang.wei", "王伟", "1");
    stage_settle(s, false);
    first = newest(s);
    tell(s, STAGE_ETEAMS, "/_sim/change",
         "{\"do\":\"lock\",\"field\":\"username\",\"source\":\"manual\"}");
    stage_wecom_change(s, "{\"do\":\"update_member\",\"userid\":\"li.na\",\"name\":\"李小娜\"}");
    stage_settle(s, false);
    stuck = newest(s);
    stage_wecom_change(s, "{\"do\":\"update_member\",\"userid\":\"wang.wei\",\"mobile\":"
                          "\"13711112222\"}");
    stage_settle(s, false);
    later = newest(s);
    return s;
}

static void end(struct stage *s)
{
    expect_person(s, "li.na", "username", "李小娜", NULL);
    expect_person(s, "wang.wei", "mobile", "13711112222", NULL);
    expect_dead(s, 0);
    free(first);
    free(stuck);
    free(later);
}

static void mend(struct stage *s)
{
    tell(s, STAGE_ETEAMS, "/_sim/change", "{\"do\":\"unlock\",\"field\":\"username\"}");
    stage_settle(s, true);
}

static bool first_is_gone(struct stage *s)
{
    return !has(s, first);
}

static bool later_alone_is_left(struct stage *s)
{
    return length(s, "events") == 1;
}

static void what_is_old_and_settled_goes(void **state)
{
    struct stage *s = begin(state);
    assert_true(has(s, first));
    stage_advance(s, TWO_HOURS_MS);
    await(s, first_is_gone, "the settled event is trimmed");
    assert_true(has(s, stuck)); /* as old, and not settled */
    assert_true(has(s, later)); /* nothing behind that goes, either */
    assert_int_equal(length(s, "events"), 2);
    mend(s);
    stage_advance(s, MINUTE_MS);
    await(s, later_alone_is_left, "what was settled meanwhile is trimmed");
    assert_true(has(s, later)); /* the last one that was read marks how far */
    end(s);
}

/* Settled at once: in one step with being read. */
static void fill(struct stage *s)
{
    static const char script[] =
        "for i = 1, " MANY " do\n"
        "  redis.call('XADD', 'yq:{acme}:events', '*', 'v', '1')\n"
        "  redis.call('XADD', 'yq:{acme}:audit', '*', 'run', 'x')\n"
        "  redis.call('XADD', 'yq:{acme}:runs', '*', 'run', 'x')\n"
        "end\n"
        "return redis.call('XGROUP', 'SETID', 'yq:{acme}:events', 'sync', '$')\n";
    struct yq_redis *r = yq_redis_new(&stage_redis(s)->address, 60000);
    struct yq_error err = {0};
    redisReply *filled = yq_redis_command(r, &err, "EVAL %s 0", script);
    if (filled == NULL)
        fail_msg("%s", err.text);
    freeReplyObject(filled);
    yq_redis_free(r);
}

static bool audit_is_short(struct stage *s)
{
    return length(s, "audit") <= MOST + NODE && length(s, "runs") <= MOST + NODE;
}

static bool is_short(struct stage *s)
{
    return length(s, "events") == MOST;
}

static void no_more_than_so_many_stay(void **state)
{
    struct stage *s = begin(state);
    fill(s);
    assert_true(length(s, "events") > 3000);
    stage_advance(s, MINUTE_MS);
    await(s, audit_is_short, "the audit and the runs are trimmed");
    assert_true(has(s, stuck));
    assert_true(length(s, "events") > 3000); /* all of it is behind what is not settled */
    mend(s);
    stage_advance(s, MINUTE_MS);
    await(s, is_short, "the events are trimmed");
    assert_false(has(s, stuck));
    assert_in_range(length(s, "audit"), MOST, MOST + NODE);
    end(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORY(what_is_old_and_settled_goes),
        STORY(no_more_than_so_many_stay),
    };
    return cmocka_run_group_tests_name("retention", tests, NULL, NULL);
}
