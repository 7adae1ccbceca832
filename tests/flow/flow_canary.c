/* A canary in everything that must not be told: 1,000 mobiles and e-mails, names, secrets, tokens.
 * At the most talkative level of the log, through creation, failures of both peers that echo what
 * they were sent, dead letters, cases, held plans, alarms, the spool and wrong requests: none of
 * them stands in a line of the log, a metric, a page, an alarm, or what a command prints. */
#include "story.h"

#include <ctype.h>
#include <signal.h>

#include "base/buf.h"
#include "base/json.h"
#include "base/memory.h"
#include "canary_relay.h"
#include "support/talk.h"
#include "support/temp_redis.h"
#include "support/wait.h"

#define BY_EVENTS 60 /* of the people */
#define PEOPLE 500   /* each with a mobile and an e-mail */
#define MOBILE "13977%06d"
#define EMAIL "canary.%d@nest.example"
#define NAME "金丝雀%d"
#define AWAIT_MS 60000

static const char admin_token[] = "aTcanary6b2f8e4d0c7a3916f5e1b8d4c";
static const char redis_password[] = "rPcanary1d9c5b3f7e2a8064d6b0f9c3e";
static const char guessed_token[] = "gTcanary7a1c9e3f5b2d80466e0d8f2b4";
static const char other_key[] = "iOcanary4Gx8Ks2Wm6Zq0Eu5Ty9Rp3Vb7Nc1Ld";
static const char callback_token[] = "FlowToken"; /* as the stage has them */
static const char callback_key[] = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG";
static const char hook_key[] = "hKcanary3e7d1b9f5a2c8046";

/* ---- what is looked for ---- */

static void expect_not(const char *text, const char *secret, const char *where)
{
    const char *at = strstr(text, secret);
    if (at == NULL)
        return;
    while (at > text && at[-1] != '\n')
        at--;
    fail_msg("%s holds %s: %.*s", where, secret, (int)strcspn(at, "\n"), at);
}

/* Planted mobiles begin alike, and so do e-mails and names; whole ones only: masked ones are fine.
 */
static void expect_no_mobile(const char *text, const char *where)
{
    for (const char *at = text; (at = strstr(at, "13977")) != NULL; at++) {
        size_t digits = 0;
        while (isdigit((unsigned char)at[digits]))
            digits++;
        if (digits >= 11)
            expect_not(text, at, where);
    }
}

struct searched {
    const char *text, *where;
};

static void expect_no_token(void *context, const char *token)
{
    const struct searched *x = context;
    expect_not(x->text, token, x->where);
}

/* names: also those of people, which an administrator may read in what commands print. */
static void expect_clean(const char *text, const char *where, bool names)
{
    static const char *const secrets[] = {admin_token,    redis_password, guessed_token, other_key,
                                          callback_token, callback_key,   hook_key};
    for (size_t i = 0; i < sizeof(secrets) / sizeof(secrets[0]); i++)
        expect_not(text, secrets[i], where);
    for (size_t i = 0; i < SECRETS; i++) {
        expect_not(text, swapped[i].ours, where);
        expect_not(text, swapped[i].theirs, where);
    }
    issued_each(expect_no_token, &(struct searched){text, where});
    expect_no_mobile(text, where);
    expect_not(text, "canary.", where);
    if (!names)
        return;
    expect_not(text, "金丝雀", where);
    expect_not(text, "nest.example", where);
}

/* ---- servers ---- */

static struct relay relays[2];
static struct peer_server *sink;

static void take_alarm(void *context, const struct peer_request *rq, struct peer_reply *reply)
{
    (void)context, (void)rq;
    reply->body = "thanks";
}

static int open_servers(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        relays[i] = (struct relay){.wecom = i == STAGE_WECOM, .easy = curl_easy_init()};
        relays[i].server = peer_server_new(relay, &relays[i]);
    }
    sink = peer_server_new(take_alarm, NULL);
    issued_forget();
    return 0;
}

static int close_servers(void **state)
{
    (void)story_over(state);
    for (int i = 0; i < 2; i++) {
        peer_server_free(relays[i].server);
        curl_easy_cleanup(relays[i].easy);
    }
    peer_server_free(sink);
    return 0;
}

/* ---- the story ---- */

/* The configuration with one text in the place of another, from `*from_at` on. */
static void swap_in_config(struct stage *s, const char *from, const char *to, char *ret_old,
                           size_t size)
{
    char text[8192] = "";
    FILE *f = fopen(stage_config(s), "r");
    assert_non_null(f);
    text[fread(text, 1, sizeof(text) - 1, f)] = '\0';
    (void)fclose(f);
    char *at = strstr(text, from);
    assert_non_null(at);
    size_t skip = strlen(from);
    if (ret_old != NULL) { /* up to the end of the word */
        size_t word = strcspn(at + skip, " \"\n}");
        (void)snprintf(ret_old, size, "%.*s", (int)word, at + skip);
    }
    size_t old = ret_old != NULL ? strlen(ret_old) : 0;
    f = fopen(stage_config(s), "w");
    assert_non_null(f);
    (void)fprintf(f, "%.*s%s%s", (int)(at - text), text, to, at + skip + old);
    assert_int_equal(fclose(f), 0);
}

static void put_relays(struct stage *s)
{
    char line[300];
    (void)snprintf(line, sizeof(line), "api_base: \"%s", peer_server_url(relays[0].server));
    swap_in_config(s, "api_base: \"", line, relays[0].target, sizeof(relays[0].target));
    (void)snprintf(line, sizeof(line), "open_base: %s", peer_server_url(relays[1].server));
    swap_in_config(s, "open_base: ", line, relays[1].target, sizeof(relays[1].target));
    (void)snprintf(line, sizeof(line),
                   "agent_id: 1000002\n      app_secret: %s\n      contacts_secret: %s\n",
                   swapped[APP].ours, swapped[CONTACTS].ours);
    swap_in_config(s,
                   "agent_id: 1000002\n      app_secret: sim-app-secret\n      contacts_secret: "
                   "sim-contacts-secret\n",
                   line, NULL, 0);
    (void)snprintf(line, sizeof(line), "app_key: %s\n      app_secret: %s\n", swapped[KEY].ours,
                   swapped[ETEAMS].ours);
    swap_in_config(s, "app_key: sim-app-key\n      app_secret: sim-app-secret\n", line, NULL, 0);
    swap_in_config(s, "sim-admin-token", admin_token, NULL, 0);
}

static void allow_redis(struct stage *s)
{
    free(stage_redis_text(s, "ACL SETUSER yunqiao on >%s ~yq:* &* +@all", redis_password));
}

static struct stage *begin(void **state)
{
    static char yaml[300], redis[120];
    struct stage_options o = {.seed = 1, .no_daemon = true};
    (void)snprintf(yaml, sizeof(yaml),
                   "log: { level: debug }\nretry: { attempts: 2, first: 100ms, max: 1s }\n"
                   "alarms: { webhooks: [\"%s/hook?key=%s\"] }\n",
                   peer_server_url(sink), hook_key);
    (void)snprintf(redis, sizeof(redis), "user: yunqiao, password: %s", redis_password);
    struct stage *s = story_with(state, &o);
    allow_redis(s);
    o.top_yaml = yaml;
    o.redis_yaml = redis;
    o.connection_yaml = "    sync: { removals: { max: 4, percent: 100 } }";
    stage_configure(s, &o);
    put_relays(s);
    stage_start_daemon(s, 0);
    return s;
}

static void add_person(struct yq_buf *out, int i)
{
    yq_buf_addf(out,
                "\"userid\":\"u%d\",\"name\":\"" NAME "\",\"departments\":[1],\"mobile\":\"" MOBILE
                "\",\"email\":\"" EMAIL "\"}",
                i, i, i, i);
}

/* Some come by events, the others by a reconcile. */
static void people_come(struct stage *s)
{
    struct yq_buf all = YQ_BUF_INIT;
    for (int i = 0; i < BY_EVENTS; i++) {
        yq_buf_adds(&all, i > 0 ? ",{\"do\":\"create_member\"," : "[{\"do\":\"create_member\",");
        add_person(&all, i);
    }
    yq_buf_adds(&all, "]");
    stage_wecom_change(s, "%s", all.data);
    stage_settle(s, true);
    yq_buf_clear(&all);
    for (int i = 0; i < PEOPLE; i++) {
        yq_buf_adds(&all, i > 0 ? ",{" : "{\"members\":[{");
        add_person(&all, i);
    }
    yq_buf_adds(&all, "]}");
    tell(s, STAGE_WECOM, "/_sim/load", "%s", all.data);
    yq_buf_release(&all);
    expect_command(s, 0, "sync", "acme", NULL);
    assert_int_equal(ask(s, STAGE_ETEAMS, "/_sim/writes", "creates"), PEOPLE);
}

static void rename_some(struct stage *s, int from, int to, int round)
{
    for (int i = from; i < to; i++)
        stage_wecom_change(s,
                           "{\"do\":\"update_member\",\"userid\":\"u%d\",\"name\":\"" NAME
                           "\",\"mobile\":\"" MOBILE "\",\"email\":\"" EMAIL "\"}",
                           i, 1000 * round + i + 1000, 1000 * round + i + 1000,
                           1000 * round + i + 1000);
}

struct failing {
    struct stage *s;
    struct relay *relay;
    unsigned until;
};

static bool has_failed(void *arg)
{
    struct failing *f = arg;
    stage_advance(f->s, 500); /* to the next attempt */
    return f->relay->echoes >= f->until;
}

/* A call fails in every way, with changes of these people under way; then all is well again. */
static void fail_for_a_while(struct stage *s, enum stage_peer peer, const char *call, int round)
{
    struct failing f = {s, &relays[peer], relays[peer].echoes + WAYS};
    relays[peer].way = 0; /* what is passing first */
    relays[peer].spoilt = call;
    rename_some(s, 2 * round, 2 * round + 2, round);
    if (!yq_wait_until(has_failed, &f, AWAIT_MS))
        fail_msg("%s is not called", call);
    relays[peer].spoilt = NULL;
    stage_settle(s, true);
}

/* Both peers fail, and say why at length; rows that eteams refuses end as dead letters. */
static void peers_echo(struct stage *s)
{
    relays[STAGE_ETEAMS].spoilt = "/syncEmployee";
    rename_some(s, 0, 2, 0);
    stage_settle(s, true);
    relays[STAGE_ETEAMS].spoilt = NULL;
    fail_for_a_while(s, STAGE_ETEAMS, "/queryEmployee", 1);
    fail_for_a_while(s, STAGE_WECOM, "/user/get", 2);
    tell(s, STAGE_ETEAMS, "/_sim/tokens", "{\"revoke\":true}");
    fail_for_a_while(s, STAGE_ETEAMS, "/access_token", 3);
    tell(s, STAGE_WECOM, "/_sim/tokens", "{\"end\":\"all\",\"as\":\"dead\"}");
    fail_for_a_while(s, STAGE_WECOM, "/gettoken", 4);
}

static void a_person_must_decide(struct stage *s)
{
    tell(s, STAGE_ETEAMS, "/_sim/load",
         "{\"members\":[{\"id\":\"4200000000000000001\",\"username\":\"金丝雀9001\",\"account\":"
         "\"v1\"},{\"id\":\"4200000000000000003\",\"username\":\"金丝雀9002\",\"mobile\":"
         "\"13977900001\"}]}");
    stage_wecom_change(s, "{\"do\":\"create_member\",\"userid\":\"v1\",\"name\":\"金丝雀9001\","
                          "\"departments\":[1],\"mobile\":\"13977900001\"}");
    stage_settle(s, true);
}

static void too_many_leave(struct stage *s)
{
    hold_events(s);
    for (int i = 100; i < 110; i++)
        stage_wecom_change(s, "{\"do\":\"delete_member\",\"userid\":\"u%d\"}", i);
    release_together(s, "{}");
    stage_settle(s, true);
    tell(s, STAGE_WECOM, "/_sim/delivery", "{\"mode\":\"auto\"}");
}

static bool has_spooled(struct stage *s)
{
    char *log = stage_daemon_log(s, 0);
    bool has = strstr(log, "spool.began") != NULL;
    free(log);
    return has;
}

/* Redis goes, and comes back without knowing the password, before all is well again. */
static void redis_is_away(struct stage *s)
{
    yq_temp_redis_stop(stage_redis(s));
    stage_wecom_change(s,
                       "{\"do\":\"update_member\",\"userid\":\"u20\",\"mobile\":\"13977920020\"}");
    await(s, has_spooled, "the spool");
    expect_command(s, 1, "queue", "acme", NULL);
    assert_true(yq_temp_redis_start(stage_redis(s)));
    expect_command(s, 1, "queue", "acme", NULL);
    allow_redis(s);
    stage_settle(s, true);
}

/* ---- what is told ---- */

static void get(struct stage *s, bool admin, const char *path, const char *headers, int status)
{
    struct talk_answer a;
    const char *url = admin ? stage_admin_url(s, 0) : stage_public_url(s, 0);
    int is = talk_once(url, "GET", path, headers, NULL, 0, &a);
    if (status != 0 && is != status)
        fail_msg("%s answers %d, not %d", path, is, status);
    expect_clean(yq_buf_text(&a.head), path[0] == '/' ? "a page's head" : path, true);
    expect_clean(yq_buf_text(&a.body), strlen(path) < 40 ? path : "a page", true);
    talk_answer_release(&a);
}

static void pages_keep_them(struct stage *s)
{
    char header[120];
    (void)snprintf(header, sizeof(header), "Authorization: Bearer %s\r\n", admin_token);
    get(s, true, "/metrics", NULL, 200);
    get(s, true, "/healthz", NULL, 200);
    get(s, true, "/readyz", NULL, 0);
    get(s, true, "/api/connections", header, 200);
    get(s, true, "/api/spool", header, 200);
    (void)snprintf(header, sizeof(header), "Authorization: Bearer %s\r\n", guessed_token);
    for (int i = 0; i < 12; i++)
        get(s, true, "/api/connections", header, i < 10 ? 401 : 429);
    get(s, false, "/13977000001/canary.1@nest.example", NULL, 404);
    get(s, false, "/wecom/callback/13977000002", NULL, 404);
    get(s, false,
        "/wecom/callback/acme?msg_signature=FlowToken&timestamp=13977000003&nonce=canary.3&"
        "echostr=iOcanary4Gx8Ks2Wm6Zq0Eu5Ty9Rp3Vb7Nc1Ld",
        NULL, 403);
    get(s, false, "/canary. nest.example 13977000004", NULL, 400);
}

#define expect_output(s, ...)                                                                      \
    do {                                                                                           \
        char *out_;                                                                                \
        (void)stage_command(s, &out_, __VA_ARGS__, NULL);                                          \
        expect_clean(out_, "what a command prints", false);                                        \
        free(out_);                                                                                \
    } while (0)

/* The first word of the first line that begins with a digit: an id. */
static char *first_id(struct stage *s, const char *key)
{
    char *ids = stage_redis_text(s, "XRANGE %s - + COUNT 1", key);
    ids[strcspn(ids, "\n")] = '\0';
    return ids;
}

static void commands_keep_them(struct stage *s)
{
    char *dead = first_id(s, "yq:{acme}:dead"), *event = first_id(s, "yq:{acme}:events");
    char *hash = stage_redis_text(s, "HKEYS yq:{acme}:held");
    assert_int_equal(strlen(hash), 32);
    expect_output(s, "queue");
    expect_output(s, "queue", "acme", "--json");
    expect_output(s, "doctor");
    expect_output(s, "doctor", "acme", "--json");
    expect_output(s, "events", "list", "acme");
    expect_output(s, "events", "list", "acme", "--json");
    expect_output(s, "events", "show", "acme", event);
    expect_output(s, "events", "show", "acme", event, "--json");
    expect_output(s, "dead", "list", "acme");
    expect_output(s, "dead", "show", "acme", dead);
    expect_output(s, "dead", "show", "acme", dead, "--json");
    for (int i = 0; i < 20; i += 2) {
        char userid[24];
        (void)snprintf(userid, sizeof(userid), "u%d", i);
        expect_output(s, "explain", "acme", "member", userid);
        expect_output(s, "explain", "acme", "member", userid, "--json");
    }
    expect_output(s, "explain", "acme", "member", "v1");
    expect_output(s, "cases", "acme");
    expect_output(s, "cases", "acme", "--json");
    expect_output(s, "plans", "acme");
    expect_output(s, "plans", "acme", hash);
    expect_output(s, "links", "acme");
    expect_output(s, "sync", "acme", "--dry-run");
    expect_output(s, "check");
    free(dead);
    free(event);
    free(hash);
}

/* A secret in the wrong place, or mistyped, is not repeated. */
static void faults_keep_them(struct stage *s)
{
    static const char *const lines[] = {
        "encoding_aes_key: iOcanary4Gx8Ks2Wm6Zq0Eu5Ty9Rp3Vb7Nc1Ld",
        "encoding_aes_key: [ iOcanary4Gx8Ks2Wm6Zq0Eu5Ty9Rp3Vb7Nc1Ld ]",
        "encoding_aes_key: \"iOcanary4Gx8Ks2Wm6Zq0Eu5Ty9Rp3Vb7Nc1Ld"};
    char good[100];
    (void)snprintf(good, sizeof(good), "encoding_aes_key: %s", callback_key);
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        char *out;
        swap_in_config(s, good, lines[i], NULL, 0);
        assert_int_equal(stage_command(s, &out, "check", NULL), 1);
        expect_clean(out, "what check prints", true);
        free(out);
        (void)kill(stage_daemon_pid(s, 0), SIGHUP);
        swap_in_config(s, lines[i], good, NULL, 0);
    }
}

static void alarms_keep_them(void)
{
    char *text;
    assert_true(peer_server_count(sink, "/hook") > 0);
    for (int i = 0; (text = peer_server_request(sink, "/hook", i)) != NULL; i++) {
        expect_clean(strchr(text, '\n'), "an alarm", true);
        free(text);
    }
}

static void the_log_keeps_them(struct stage *s)
{
    char *log = stage_daemon_log(s, 0);
    assert_non_null(strstr(log, " debug "));
    assert_non_null(strstr(log, "member:u1"));
    assert_non_null(strstr(log, "event.dead"));
    assert_non_null(strstr(log, "“*”")); /* where a peer repeated them */
    expect_clean(log, "the log", true);
    print_message("searched %zu bytes of the log for %d mobiles and e-mails and %zu tokens\n",
                  strlen(log), 2 * PEOPLE, issued_total());
    free(log);
}

static bool alarm_came(void *arg)
{
    (void)arg;
    return peer_server_count(sink, "/hook") >= 3; /* dead, cases, held */
}

static void nothing_planted_is_told(void **state)
{
    struct stage *s = begin(state);
    people_come(s);
    peers_echo(s);
    a_person_must_decide(s);
    too_many_leave(s);
    redis_is_away(s);
    assert_true(yq_wait_until(alarm_came, NULL, AWAIT_MS));
    assert_true(issued_total() >= 5);
    commands_keep_them(s);
    pages_keep_them(s);
    faults_keep_them(s);
    alarms_keep_them();
    the_log_keeps_them(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(nothing_planted_is_told, open_servers, close_servers),
    };
    (void)curl_global_init(CURL_GLOBAL_DEFAULT);
    return cmocka_run_group_tests_name("canary", tests, NULL, NULL);
}
