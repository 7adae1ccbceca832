/* The configuration: what is taken, what is refused, and where the fault is said to be. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "app/config.h"

#define SECRET "Sesam0ffnedichS3cr3t"
#define KEY "jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C"
#define OLD_KEY "kWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C"

/* Lines 1 to 10 of every case that is about what stands elsewhere. */
#define CONNECTION                                                                                 \
    "connections:\n"                                                                               \
    "  - id: acme\n"                                                                               \
    "    wecom:\n"                                                                                 \
    "      corp_id: ww0123456789abcdef\n"                                                          \
    "      callback: {token: QDG6eK, encoding_aes_key: " KEY "}\n"                                 \
    "      app_secret: " SECRET "\n"                                                               \
    "    eteams:\n"                                                                                \
    "      corp_id: e1\n"                                                                          \
    "      app_key: k1\n"                                                                          \
    "      app_secret: " SECRET "\n"
#define PROGRAM(text) CONNECTION text
/* A connection of its own with `text` as further keys, from line 3 on. */
#define WECOM                                                                                      \
    "wecom: {corp_id: ww01, app_secret: " SECRET ", callback: {token: T, encoding_aes_key: " KEY   \
    "}}"
#define ETEAMS "eteams: {corp_id: e, app_key: k, app_secret: " SECRET "}"
#define WITH_WECOM(text) "connections:\n- {id: a, " ETEAMS ",\n  wecom: {" text "}}\n"
#define WITH_CALLBACK(text)                                                                        \
    WITH_WECOM("corp_id: ww01, app_secret: " SECRET ", callback:\n   {" text "}")
#define WITH_ETEAMS(text) "connections:\n- {id: a, " WECOM ",\n  eteams: {" text "}}\n"
#define WITH_SYNC(text) "connections:\n- {id: a, " WECOM ", " ETEAMS ",\n  sync: {" text "}}\n"

struct faulty {
    const char *text;
    size_t line;
    const char *key, *words; /* of the first fault */
    size_t count;
};

static const struct faulty faulty[] = {
    /* the file as a whole */
    {"", 1, "connections", "is missing", 1},
    {"# nothing\n", 1, "connections", "is missing", 1},
    {"- a\n- b\n", 1, "", "must hold keys and values", 2},
    {"just text\n", 1, "", "must hold keys and values", 2},
    {PROGRAM("---\nworkers: 1\n"), 12, "", "second document", 1},
    {"a: [1\nb: 2\n", 2, "", "is not YAML", 1},
    {"a: \"open\n", 2, "", "is not YAML", 1},
    {"a: *nobody\n", 1, "", "is not YAML", 1},
    {"\tworkers: 1\n", 1, "", "is not YAML", 1},
    {"a: \xff\xfe\n", 1, "", "is not YAML", 1},
    /* keys */
    {PROGRAM("worker: 4\n"), 11, "worker", "is no known key", 1},
    {PROGRAM("Workers: 4\n"), 11, "Workers", "is no known key", 1},
    {PROGRAM("redis.prefix: x\n"), 11, "redis.prefix", "is no known key", 1},
    {PROGRAM("connections[].eteams.app_key: x\n"), 11, "connections[].eteams.app_key",
     "is no known key", 1},
    {PROGRAM("connections[]: {id: x}\n"), 11, "connections[]", "is no known key", 1},
    {PROGRAM("redis: {adress: x}\n"), 11, "redis.adress", "is no known key", 1},
    {PROGRAM("? [a, b]\n: 1\n"), 11, "", "a key must be a single word", 1},
    {PROGRAM("listen_file: /x\n"), 11, "listen_file", "is no known key", 1},
    {PROGRAM("workers: 4\nlisten: \"a:1\"\nworkers: 5\n"), 13, "workers", "twice, first in line 11",
     1},
    {PROGRAM("redis: {prefix: a}\nredis: {prefix: b}\n"), 12, "redis", "twice, first in line 11",
     1},
    {PROGRAM("connections: []\n"), 11, "connections", "twice, first in line 1", 1},
    {PROGRAM("<<: {workers: 4}\n"), 11, "<<", "is no known key", 1},
    {PROGRAM("redis: 5\n"), 11, "redis", "must hold further keys", 1},
    {PROGRAM("redis: [1]\n"), 11, "redis", "must hold further keys", 1},
    {PROGRAM("\"wor\\nkers\": 4\n"), 11, "wor?kers", "is no known key", 1},
    /* values */
    {PROGRAM("workers: four\n"), 11, "workers", "from 1 to 256, not \"four\"", 1},
    {PROGRAM("workers: 0\n"), 11, "workers", "must be a whole number", 1},
    {PROGRAM("workers: 257\n"), 11, "workers", "must be a whole number", 1},
    {PROGRAM("workers: -1\n"), 11, "workers", "must be a whole number", 1},
    {PROGRAM("workers: 1.5\n"), 11, "workers", "must be a whole number", 1},
    {PROGRAM("workers: 99999999999999999999\n"), 11, "workers", "must be a whole number", 1},
    {PROGRAM("workers: [4]\n"), 11, "workers", "must be a single value", 1},
    {PROGRAM("workers: {a: 4}\n"), 11, "workers", "must be a single value", 1},
    {PROGRAM("workers: 65\nworkers_max: 64\n"), 11, "workers", "more than workers_max", 1},
    {PROGRAM("lease: 30\n"), 11, "lease", "must be a time", 1},
    {PROGRAM("lease: 30x\n"), 11, "lease", "must be a time", 1},
    {PROGRAM("lease: 1s\n"), 11, "lease", "from 2s to 10m", 1},
    {PROGRAM("retention: 99999999999d\n"), 11, "retention", "must be a time", 1},
    {PROGRAM("retry: {first: 2m, max: 1m}\n"), 11, "retry.first", "more than retry.max", 1},
    {PROGRAM("http: {max_body: 256KB}\n"), 11, "http.max_body", "must be a size", 1},
    {PROGRAM("http:\n  max_headers: 1B\n"), 12, "http.max_headers", "from 1KiB to 1MiB", 1},
    {PROGRAM("listen: \"8080\"\n"), 11, "listen", "HOST:PORT", 1},
    {PROGRAM("language: \"a\\nb\"\n"), 11, "language", "not \"a?b\"", 1},
    {PROGRAM("listen: \"h:70000\"\n"), 11, "listen", "HOST:PORT", 1},
    {PROGRAM("listen: \"a\\0b:1\"\n"), 11, "listen", "NUL", 1},
    {PROGRAM("language: de\n"), 11, "language", "must be one of auto|en|zh, not \"de\"", 1},
    {PROGRAM("log: {level: loud}\n"), 11, "log.level", "must be one of", 1},
    {PROGRAM("time_zone: Mars/Olympus\n"), 11, "time_zone", "time zone", 1},
    {PROGRAM("time_zone: ../../../etc/passwd\n"), 11, "time_zone", "time zone", 1},
    {PROGRAM("redis: {url: \"http://:" SECRET "@h\"}\n"), 11, "redis.url", "must be redis://", 1},
    {PROGRAM("redis: {prefix: \"a b\"}\n"), 11, "redis.prefix", "must be 1 to 31", 1},
    {PROGRAM("redis: {user: yunqiao}\n"), 11, "redis.password", "redis.user needs it", 1},
    {PROGRAM("redis: {timeout: 500ms, wait_replicas: 1}\n"), 11, "redis.wait_timeout",
     "must be less than redis.timeout", 1},
    {PROGRAM("redis: {sentinels: [\"a:1\", \"b:1\", \"c:1\", \"d:1\", \"e:1\", \"f:1\", \"g:1\", "
             "\"h:1\"]}\n"),
     11, "redis.sentinels", "more than 7", 1},
    {PROGRAM("wecom: {api_base: qyapi}\n"), 11, "wecom.api_base", "must be an address", 1},
    {PROGRAM("wecom: {api_base: \"https://h/\"}\n"), 11, "wecom.api_base", "slash", 1},
    {PROGRAM("suites: [{id: x}]\n"), 11, "suites", "not supported yet", 1},
    {PROGRAM("suites: x\n"), 11, "suites", "must be a list", 1},
    {PROGRAM("admin: {listen: \"127.0.0.1:1\"}\n"), 11, "admin.token", "is missing", 1},
    {PROGRAM("listen: \"h:1\"\nadmin: {listen: \"h:1\", token: t}\n"), 12, "admin.listen",
     "must differ", 1},
    /* the environment and files */
    {PROGRAM("listen: \"${YQ_NOT_SET}:1\"\n"), 11, "listen", "variable YQ_NOT_SET is not set", 1},
    {PROGRAM("listen: \"${}\"\n"), 11, "listen", "\"$${\"", 1},
    {PROGRAM("listen: \"${A B}\"\n"), 11, "listen", "\"$${\"", 1},
    {PROGRAM("listen: \"${A\"\n"), 11, "listen", "\"$${\"", 1},
    {PROGRAM("admin: {token: \"${" SECRET "\"}\n"), 11, "admin.token", "\"$${\"", 1},
    {PROGRAM("admin: {token: \"x${" SECRET "}\"}\n"), 11, "admin.token", "that is not set", 1},
    {PROGRAM("workers: ${YQ_SECRET_ENV}\n"), 11, "workers", "must be a whole number", 1},
    {PROGRAM("admin: {token: \"a b " SECRET "\"}\n"), 11, "admin.token", "blanks", 1},
    {PROGRAM("admin: {token_file: /no/such}\n"), 11, "admin.token_file", "cannot be read", 1},
    {PROGRAM("admin: {token_file: /}\n"), 11, "admin.token_file", "cannot be read", 1},
    {PROGRAM("admin:\n  token: a\n  token_file: b\n"), 13, "admin.token_file",
     "twice, first in line 12", 1},
    /* connections */
    {"connections: []\n", 1, "connections", "1 to 10000 connections", 1},
    {"connections: {id: a}\n", 1, "connections", "1 to 10000 connections", 1},
    {"connections:\n", 1, "connections", "1 to 10000 connections", 1},
    {"connections: [a]\n", 1, "connections[0]", "must hold further keys", 1},
    {"connections:\n- " WECOM "\n  " ETEAMS "\n", 2, "connections[0].id", "is missing", 1},
    {"connections:\n- id: Acme\n  " WECOM "\n  " ETEAMS "\n", 2, "connections[0].id", "1 to 40", 1},
    {"connections:\n- id:\n  " WECOM "\n  " ETEAMS "\n", 2, "connections[0].id", "has no value", 1},
    {"connections:\n- id: \"\"\n  " WECOM "\n  " ETEAMS "\n", 2, "connections[0].id", "empty", 1},
    {"connections:\n- {id: a, " WECOM ", " ETEAMS "}\n- {id: b, " WECOM ", " ETEAMS
     "}\n- {id: a, " WECOM ", " ETEAMS "}\n",
     4, "connections[2].id", "twice, first in line 2", 1},
    {"connections:\n- {id: a, " ETEAMS "}\n", 2, "connections[0].wecom.corp_id", "is missing", 4},
    {"connections:\n- {id: a, " WECOM "}\n", 2, "connections[0].eteams.corp_id", "is missing", 3},
    {WITH_WECOM("corp_id: ww01, callback: {token: T, encoding_aes_key: " KEY "}"), 2,
     "connections[0].wecom.app_secret", "contacts_secret too", 1},
    {WITH_CALLBACK("token: T"), 2, "connections[0].wecom.callback.encoding_aes_key", "is missing",
     1},
    {WITH_CALLBACK("token: T-1, encoding_aes_key: " KEY), 4, "connections[0].wecom.callback.token",
     "1 to 32", 1},
    {WITH_CALLBACK("token: T, encoding_aes_key: " KEY "x"), 4,
     "connections[0].wecom.callback.encoding_aes_key", "exactly 43", 1},
    {WITH_CALLBACK("token: T, encoding_aes_key: " SECRET), 4,
     "connections[0].wecom.callback.encoding_aes_key", "exactly 43", 1},
    {WITH_CALLBACK("token: T, encoding_aes_key: " KEY ", previous: {token: O}"), 2,
     "connections[0].wecom.callback.previous", "needs both", 1},
    {WITH_CALLBACK("token: T, encoding_aes_key: " KEY ", receive_ids: [a, b, c, d]"), 4,
     "connections[0].wecom.callback.receive_ids", "more than 3", 1},
    {WITH_CALLBACK("token: T, encoding_aes_key: " KEY ", receive_ids: [a, \"b c\"]"), 4,
     "connections[0].wecom.callback.receive_ids[1]", "must be 1 to 64", 1},
    {WITH_CALLBACK("token: T, encoding_aes_key: " KEY ", max_age: soon"), 4,
     "connections[0].wecom.callback.max_age", "must be a time", 1},
    {WITH_ETEAMS("corp_id: e, app_key: k"), 2, "connections[0].eteams.app_secret", "is missing", 1},
    {WITH_ETEAMS("static_token: t, open_base: x"), 3, "connections[0].eteams.open_base",
     "must be an address", 1},
    {WITH_ETEAMS("static_token: t, root_org_id: abc"), 3, "connections[0].eteams.root_org_id",
     "up to 20 digits", 1},
    {WITH_ETEAMS("static_token: t, extra_headers: [\"" SECRET "\"]"), 3,
     "connections[0].eteams.extra_headers[0]", "Name: value", 1},
    {WITH_ETEAMS("static_token: t, extra_headers: \"A: b\""), 3,
     "connections[0].eteams.extra_headers", "must be a list", 1},
    {WITH_ETEAMS("static_token: t, proxy: \"" SECRET "\""), 3, "connections[0].eteams.proxy",
     "http://HOST:PORT", 1},
    {WITH_ETEAMS("static_token: t, pace: {per_second: 0}"), 3,
     "connections[0].eteams.pace.per_second", "from 1 to 1000", 1},
    {WITH_SYNC("direction: two_way"), 3, "connections[0].sync.direction", "not supported yet", 1},
    {WITH_SYNC("direction: both"), 3, "connections[0].sync.direction", "must be one of", 1},
    {WITH_SYNC("superiors: yes"), 3, "connections[0].sync.superiors", "must be one of false|true",
     1},
    {WITH_SYNC("removals: {percent: 101}"), 3, "connections[0].sync.removals.percent",
     "from 0 to 100", 1},
    {WITH_SYNC("reconcile: {full_at: \"24:00\"}"), 3, "connections[0].sync.reconcile.full_at",
     "time of day", 1},
    {WITH_SYNC("reconcile: {full_at: 03:00:00}"), 3, "connections[0].sync.reconcile.full_at",
     "time of day", 1},
    {WITH_SYNC("never_touch: {members: [\"a b\"]}"), 3,
     "connections[0].sync.never_touch.members[0]", "must be a userid", 1},
    {WITH_SYNC("never_touch: {departments: [4294967296]}"), 3,
     "connections[0].sync.never_touch.departments[0]", "department id", 1},
    {WITH_SYNC("never_touch: {departments: [[1]]}"), 3,
     "connections[0].sync.never_touch.departments[0]", "single value", 1},
};

static size_t count_lines(const char *text)
{
    size_t count = 0;
    for (; *text != '\0'; text++)
        count += *text == '\n';
    return count;
}

static void test_faults(void **state)
{
    (void)state;
    setenv("YQ_SECRET_ENV", SECRET, 1);
    unsetenv("YQ_NOT_SET");
    for (size_t i = 0; i < sizeof(faulty) / sizeof(faulty[0]); i++) {
        const struct faulty *f = &faulty[i];
        struct yq_settings *s = NULL;
        struct yq_buf faults = YQ_BUF_INIT;
        char start[256];
        snprintf(start, sizeof(start), "f.yaml:%zu: %s%s", f->line, f->key, f->key[0] ? ": " : "");
        int result = yq_config_parse("f.yaml", f->text, strlen(f->text), &s, &faults);
        const char *said = yq_buf_text(&faults);
        bool good = result == -1 && strncmp(said, start, strlen(start)) == 0 &&
                    strstr(said, f->words) != NULL && count_lines(said) == f->count &&
                    strstr(said, SECRET) == NULL;
        if (!good)
            fail_msg("case %zu:\n%s\nexpected %s… %s (%zu)\ngot %s", i, f->text, start, f->words,
                     f->count, said);
        yq_buf_release(&faults);
    }
}

static struct yq_settings *must_parse(const char *text)
{
    struct yq_settings *s = NULL;
    struct yq_buf faults = YQ_BUF_INIT;
    if (yq_config_parse("g.yaml", text, strlen(text), &s, &faults) != 0)
        fail_msg("%s\n%s", text, yq_buf_text(&faults));
    assert_int_equal(faults.len, 0);
    yq_buf_release(&faults);
    return s;
}

static void test_every_fault_is_told(void **state)
{
    (void)state;
    struct yq_settings *s = NULL;
    struct yq_buf faults = YQ_BUF_INIT;
    static const char text[] =
        "workers: x\nlistn: y\nlease: 1s\nconnections:\n- {id: A, " WECOM ", " ETEAMS "}\n";
    assert_int_equal(yq_config_parse("a.yaml", text, strlen(text), &s, &faults), -1);
    assert_string_equal(yq_buf_text(&faults),
                        "a.yaml:1: workers: must be a whole number from 1 to 256, not \"x\"\n"
                        "a.yaml:2: listn: is no known key\n"
                        "a.yaml:3: lease: must be a time from 2s to 10m, in ms, s, m, h or d, not "
                        "\"1s\"\n"
                        "a.yaml:5: connections[0].id: must be 1 to 40 of a-z, 0-9, '_' and '-', "
                        "not \"A\"\n");
    yq_buf_release(&faults);
}

static void test_faults_are_bounded(void **state)
{
    (void)state;
    struct yq_settings *s = NULL;
    struct yq_buf text = YQ_BUF_INIT, faults = YQ_BUF_INIT;
    for (int i = 0; i < 20000; i++)
        yq_buf_addf(&text, "k%d: 1\n", i);
    assert_int_equal(yq_config_parse("a", text.data, text.len, &s, &faults), -1);
    assert_int_equal(count_lines(faults.data), 101);
    yq_buf_release(&text);
    yq_buf_release(&faults);
}

static void test_defaults(void **state)
{
    (void)state;
    struct yq_settings *s = must_parse(CONNECTION);
    const struct yq_connection_settings *c = yq_settings_connection(s, "acme");
    assert_string_equal(s->listen, "0.0.0.0:8080");
    assert_string_equal(s->admin_listen, "");
    assert_string_equal(s->redis_prefix, "yq");
    assert_int_equal(s->workers, 4);
    assert_int_equal(s->workers_max, 64);
    assert_int_equal(s->lease_ms, 30000);
    assert_int_equal(s->retention_ms, INT64_C(7) * 86400000);
    assert_int_equal(s->http.max_body, 256 * 1024);
    assert_int_equal(s->http.max_headers, 16 * 1024);
    assert_int_equal(s->http.deadline_ms, 5000);
    assert_non_null(c);
    assert_null(yq_settings_connection(s, "other"));
    assert_string_equal(c->wecom.app_secret, SECRET);
    assert_string_equal(c->wecom.contacts_secret, "");
    assert_string_equal(c->eteams.open_base, "https://api.eteams.cn");
    assert_string_equal(c->eteams.static_token, "");
    assert_int_equal(c->wecom.outgoing.pace.in_flight, 4);
    assert_true(c->eteams.outgoing.pace.per_second == 10);
    assert_null(c->eteams.outgoing.headers);
    assert_int_equal(c->callback.count, 1);
    assert_int_equal(c->callback.receiver_count, 1);
    assert_string_equal(c->callback.receivers[0], "ww0123456789abcdef");
    assert_int_equal(c->callback_max_age_ms, 0);
    assert_int_equal(c->policy.removals.max, 20);
    assert_int_equal(c->policy.removals.percent, 10);
    assert_int_equal(c->policy.removals.per_day, 0);
    assert_int_equal(c->policy.not_ready_ms, 600000);
    assert_int_equal(c->policy.part_time, YQ_PART_TIME_INCREMENTAL);
    assert_string_equal(c->reconcile_full_at, "03:00");
    yq_settings_free(s);
}

static void test_all_set(void **state)
{
    (void)state;
    setenv("YQ_PORT", "99", 1);
    struct yq_settings *s = must_parse(
        "listen: '[::1]:${YQ_PORT}'\nadmin: {listen: 'h:1', token: 'a$${b}$c'}\n"
        "redis: {url: 'unix:/run/redis.sock?db=3', timeout: 500ms}\nsuites: []\n"
        "http: {max_body: 1024, deadline: 0500ms}\nlanguage: zh\nlog:\n"
        "connections:\n- id: a-b_1\n  wecom:\n    corp_id: ww1\n    contacts_secret: c\n"
        "    agent_id: 1000002\n    pace: {per_second: 50, in_flight: 9}\n"
        "    proxy: 'http://u:p@h:3128'\n    ca_file: /etc/ca.pem\n    callback:\n"
        "      {token: New1, encoding_aes_key: " KEY ", max_age: 10m, receive_ids: [ww2, x_y],\n"
        "       previous: {token: Old1, encoding_aes_key: " OLD_KEY "}}\n"
        "  eteams: {static_token: st, root_org_id: 4821000000000000001,\n"
        "    extra_headers: ['A: b', 'C: $${d}'], protected_ids: ['1', '2']}\n"
        "  sync: {part_time: none, write_job_num: always, disabled_members: resign,\n"
        "    disable_departments: true, rename_root: true, superior_source: department,\n"
        "    superiors: true,\n"
        "    never_touch: {members: [Li.Na], departments: [4294967295, 7]},\n"
        "    removals: {max: 0, percent: 100, per_day: 5}}\n");
    const struct yq_connection_settings *c = &s->connections[0];
    assert_string_equal(s->listen, "[::1]:99");
    assert_string_equal(s->admin_token, "a${b}$c");
    assert_int_equal(s->redis_timeout_ms, 500);
    assert_int_equal(s->http.max_body, 1024);
    assert_int_equal(s->http.deadline_ms, 500);
    assert_string_equal(s->log_level, "info");
    assert_true(c->wecom.outgoing.pace.per_second == 50);
    assert_int_equal(c->wecom.outgoing.pace.in_flight, 9);
    assert_string_equal(c->wecom.outgoing.proxy, "http://u:p@h:3128");
    assert_int_equal(c->callback.count, 2);
    assert_string_equal(c->callback.keys[0].token, "New1");
    assert_string_equal(c->callback.keys[1].token, "Old1");
    assert_int_equal(c->callback.keys[0].aes_key[0], 0x8d);
    assert_int_equal(c->callback.keys[1].aes_key[0], 0x91);
    assert_int_equal(c->callback.receiver_count, 3);
    assert_string_equal(c->callback.receivers[2], "x_y");
    assert_int_equal(c->callback_max_age_ms, 600000);
    assert_string_equal(c->eteams.root_org_id, "4821000000000000001");
    assert_string_equal(c->eteams.outgoing.headers[1], "C: ${d}");
    assert_null(c->eteams.outgoing.headers[2]);
    assert_string_equal(c->policy.protected_ids[1], "2");
    assert_int_equal(c->policy.part_time, YQ_PART_TIME_NONE);
    assert_int_equal(c->policy.write_job_num, YQ_JOB_NUM_ALWAYS);
    assert_int_equal(c->policy.disabled_members, YQ_DISABLED_RESIGN);
    assert_int_equal(c->policy.superior_source, YQ_SUPERIOR_DEPARTMENT);
    assert_true(c->policy.superiors);
    assert_true(c->policy.disable_departments && c->policy.rename_root);
    assert_string_equal(c->policy.never_touch_members[0], "li.na");
    assert_int_equal(c->policy.never_touch_department_count, 2);
    assert_true(c->policy.never_touch_departments[0] == UINT32_MAX);
    assert_int_equal(c->policy.removals.per_day, 5);
    yq_settings_free(s);
}

static void test_sample_of_the_design(void **state)
{
    (void)state;
    setenv("YUNQIAO_ADMIN_TOKEN", "admin", 1);
    struct yq_settings *s = must_parse(
        "listen: \"0.0.0.0:8080\"            # WeCom callbacks, eteams notifications\n"
        "admin: { listen: \"127.0.0.1:8081\", token: \"${YUNQIAO_ADMIN_TOKEN}\" }\n"
        "redis: { url: \"redis://127.0.0.1:6379/0\", prefix: \"yq\" }\n"
        "spool_dir: \"/var/lib/yunqiao/spool\"\n"
        "workers: 4\n"
        "wecom: { api_base: \"https://qyapi.weixin.qq.com\" }\n"
        "suites: []                        # hosted authorisation\n"
        "connections:\n"
        "  - id: acme\n"
        "    wecom:\n"
        "      corp_id: \"ww0123456789abcdef\"\n"
        "      callback: { token: \"QDG6eK\", encoding_aes_key: \"" KEY "\" }\n"
        "      agent_id: 1000002\n"
        "      app_secret: \"x\"             # reads within the app's visible range (kind SB)\n"
        "      contacts_secret: \"y\"        # contacts-sync assistant (kind CS)\n"
        "    eteams:\n"
        "      open_base: \"https://api.eteams.cn\"\n"
        "      corp_id: \"c\"\n"
        "      app_key: \"k\"\n"
        "      app_secret: \"s\"\n"
        "      root_org_id: \"\"             # empty: the one root that queryOrg shows\n"
        "    sync:\n"
        "      superiors: false\n"
        "      direction: wecom_to_eteams  # or two_way\n"
        "      reconcile: { departments: 10m, members: 60m, full_at: \"03:00\" }\n"
        "      removals: { max: 20, percent: 10 }   # per_day follows from them\n");
    assert_string_equal(s->admin_token, "admin");
    assert_int_equal(s->connections[0].wecom.agent_id, 1000002);
    assert_int_equal(s->connections[0].reconcile_departments_ms, 600000);
    yq_settings_free(s);
}

static void write_file(const char *path, const char *text)
{
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

/* One newline is cut, no more; a relative path starts beside the configuration. */
static void test_secret_files(void **state)
{
    (void)state;
    char folder[] = "/tmp/yq-config-XXXXXX", path[64], config[64], text[1024];
    struct yq_settings *s = NULL;
    struct yq_buf faults = YQ_BUF_INIT;
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof(path), "%s/token", folder);
    snprintf(config, sizeof(config), "%s/c.yaml", folder);
    write_file(path, "abc\n");
    snprintf(text, sizeof(text), "%sadmin: {listen: 'h:1', token_file: token}\n", CONNECTION);
    write_file(config, text);
    assert_int_equal(yq_config_load(config, &s, &faults), 0);
    assert_string_equal(s->admin_token, "abc");
    yq_settings_free(s);
    write_file(path, SECRET " x\n\n");
    assert_int_equal(yq_config_load(config, &s, &faults), -1);
    assert_non_null(strstr(yq_buf_text(&faults), "c.yaml:11: admin.token_file: must not hold"));
    assert_null(strstr(yq_buf_text(&faults), SECRET));
    yq_buf_clear(&faults);
    char *large = calloc(70000, 1);
    assert_non_null(large);
    memset(large, 'x', 69999);
    write_file(path, large);
    free(large);
    assert_int_equal(yq_config_load(config, &s, &faults), -1);
    assert_non_null(strstr(yq_buf_text(&faults), "admin.token_file: is no file with a secret"));
    yq_buf_clear(&faults);
    unlink(path);
    unlink(config);
    assert_int_equal(yq_config_load(config, &s, &faults), -1);
    assert_non_null(strstr(yq_buf_text(&faults), "cannot be read"));
    yq_buf_release(&faults);
    rmdir(folder);
}

static void test_lists_are_bounded(void **state)
{
    (void)state;
    struct yq_settings *s = NULL;
    struct yq_buf text = YQ_BUF_INIT, faults = YQ_BUF_INIT;
    yq_buf_adds(&text, CONNECTION "    sync: { never_touch: { members: [");
    for (int i = 0; i <= 10000; i++)
        yq_buf_adds(&text, "a, ");
    yq_buf_adds(&text, "a] } }\n");
    assert_int_equal(yq_config_parse("c.yaml", yq_buf_text(&text), text.len, &s, &faults), -1);
    assert_non_null(strstr(yq_buf_text(&faults), "members: has more than 10000 elements"));
    yq_buf_release(&text);
    yq_buf_release(&faults);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_faults),
        cmocka_unit_test(test_every_fault_is_told),
        cmocka_unit_test(test_faults_are_bounded),
        cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_all_set),
        cmocka_unit_test(test_sample_of_the_design),
        cmocka_unit_test(test_secret_files),
        cmocka_unit_test(test_lists_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
