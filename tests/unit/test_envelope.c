/* From query and body to the plain text, and every refusal on the way. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../vectors/malformed_callbacks.h"
#include "../vectors/wecom_vectors.h"
#include "base/memory.h"
#include "model/envelope.h"
#include "model/event.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static struct yq_envelope_opener *opener;
static char scratch[65536];

static int set_up(void **state)
{
    (void)state;
    opener = yq_envelope_opener_new();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    yq_envelope_opener_free(opener);
    yq_envelope_opener_free(NULL);
    return 0;
}

static void add_key(struct yq_envelope_keys *keys, const char *token, const char *aes_key)
{
    strcpy(keys->keys[keys->count].token, token);
    assert_int_equal(yq_wecom_key(aes_key, strlen(aes_key), keys->keys[keys->count].aes_key), 0);
    keys->count++;
}

static void add_receiver(struct yq_envelope_keys *keys, const char *receiver)
{
    strcpy(keys->receivers[keys->receiver_count++], receiver);
}

static struct yq_envelope_keys keys_of(const struct wecom_vector *v)
{
    struct yq_envelope_keys keys = {0};
    add_key(&keys, v->token, v->aes_key);
    add_receiver(&keys, v->receiver);
    return keys;
}

static const struct wecom_vector *vector(const char *name)
{
    for (size_t i = 0; i < COUNT(wecom_vectors); i++) {
        if (strcmp(wecom_vectors[i].name, name) == 0)
            return &wecom_vectors[i];
    }
    fail_msg("no vector %s", name);
    return NULL;
}

static struct yq_envelope_query parse(const char *query)
{
    struct yq_envelope_query q;
    yq_envelope_query_parse(query, strlen(query), scratch, &q);
    return q;
}

static struct yq_envelope_query query_of(const struct wecom_vector *v)
{
    return (struct yq_envelope_query){malformed_text(v->signature), malformed_text(v->timestamp),
                                      malformed_text(v->nonce), malformed_text(v->encrypted)};
}

static void expect(struct yq_text text, const char *value)
{
    assert_non_null(text.data);
    assert_int_equal(text.len, strlen(value));
    assert_memory_equal(text.data, value, text.len);
}

static void test_query_values(void **state)
{
    (void)state;
    struct yq_envelope_query q =
        parse("echostr=a%2Bb%2fc%3D%3D+d&x=1&nonce=%E4%BD%A0&timestamp=140&msg_signature=ab");
    expect(q.echostr, "a+b/c==+d"); /* a literal '+' stays */
    expect(q.nonce, "\xe4\xbd\xa0");
    expect(q.timestamp, "140");
    expect(q.msg_signature, "ab");
    q = parse("echostr=a=b==&&nonce=1&nonce=2&timestamp&msg_signature=%25%32%30");
    expect(q.echostr, "a=b=="); /* only the first '=' separates */
    expect(q.nonce, "1");       /* the first counts */
    expect(q.timestamp, "");
    expect(q.msg_signature, "%20"); /* decoded once, not twice */
    q = parse("");
    assert_null(q.echostr.data);
    assert_null(q.nonce.data);
    q = parse("nonce=%0&timestamp=%&echostr=%zz&msg_signature=%2");
    assert_null(q.nonce.data);
    assert_null(q.timestamp.data);
    assert_null(q.echostr.data);
    assert_null(q.msg_signature.data);
}

/* The scratch is as large as promised, and the values stay within it. */
static void test_query_room(void **state)
{
    (void)state;
    const char *query = "msg_signature=aaaa&timestamp=bb%41&nonce=c&echostr=ddddddddd&echostr=e";
    size_t len = strlen(query);
    char *exact = malloc(len + 4);
    char *copy = malloc(len); /* not NUL-ended */
    memcpy(copy, query, len);
    struct yq_envelope_query q;
    yq_envelope_query_parse(copy, len, exact, &q);
    expect(q.timestamp, "bbA");
    expect(q.echostr, "ddddddddd");
    free(copy);
    free(exact);
}

static void test_vectors(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(wecom_vectors); i++) {
        const struct wecom_vector *v = &wecom_vectors[i];
        if (v->token == NULL || v->signature == NULL)
            continue;
        struct yq_envelope_keys keys = keys_of(v);
        struct yq_envelope_query q = query_of(v);
        struct yq_text plain;
        if (v->get) {
            assert_int_equal(yq_envelope_open_echo(opener, &keys, &q, &plain), YQ_REFUSAL_NONE);
        } else {
            char *body = yq_printf(v->message[0] == '{'
                                       ? "{\"tousername\":\"x\",\"encrypt\":\"%s\",\"agentid\":218}"
                                       : "<xml><Encrypt>%s</Encrypt></xml>",
                                   v->encrypted);
            assert_int_equal(yq_envelope_open_body(opener, &keys, &q, body, strlen(body), &plain),
                             YQ_REFUSAL_NONE);
            free(body);
        }
        assert_int_equal(plain.len, v->message_len);
        assert_string_equal(plain.data, v->message);
    }
}

/* A1 as it goes over the wire, escaped and with its plus signs bare. */
static void test_verification_as_sent(void **state)
{
    (void)state;
    static const char *const queries[] = {
        "msg_signature=5c45ff5e21c57e6ad56bac8758b79b1d9ac89fd3&timestamp=1409659589&nonce="
        "263014780"
        "&echostr=P9nAzCzyDtyTWESHep1vC5X9xho%2FqYX3Zpb4yKa9SKld1DsH3Iyt3tP3zNdtp%"
        "2B4RPcs8TgAE7OaBO%"
        "2BFZXvnaqQ%3D%3D",
        "echostr=P9nAzCzyDtyTWESHep1vC5X9xho/"
        "qYX3Zpb4yKa9SKld1DsH3Iyt3tP3zNdtp+4RPcs8TgAE7OaBO+FZXvn"
        "aqQ==&nonce=263014780&timestamp=1409659589&"
        "msg_signature=5c45ff5e21c57e6ad56bac8758b79b1d9ac89fd3",
        "msg_signature=5c45ff5e21c57e6ad56bac8758b79b1d9ac89fd3&nonce=%32%36%33014780&nonce=1&"
        "timestamp=1409659589&other=%zz"
        "&echostr=P9nAzCzyDtyTWESHep1vC5X9xho/"
        "qYX3Zpb4yKa9SKld1DsH3Iyt3tP3zNdtp%2b4RPcs8TgAE7OaBO%2bF"
        "ZXvnaqQ%3d%3d",
    };
    struct yq_envelope_keys keys = keys_of(vector("A1"));
    for (size_t i = 0; i < COUNT(queries); i++) {
        struct yq_envelope_query q = parse(queries[i]);
        struct yq_text plain;
        assert_int_equal(yq_envelope_open_echo(opener, &keys, &q, &plain), YQ_REFUSAL_NONE);
        expect(plain, "1616140317555161061");
    }
}

/* $ stands for the ciphertext. */
static char *with_ciphertext(const char *body, const char *encrypted)
{
    const char *at = strchr(body, '$');
    return yq_printf("%.*s%s%s", (int)(at - body), body, encrypted, at + 1);
}

static void test_envelopes_of_every_make(void **state)
{
    (void)state;
    static const char *const bodies[] = {
        "<xml><ToUserName><![CDATA[wx5823bf96d3bd56c7]]></ToUserName><Encrypt><![CDATA[$]]></"
        "Encrypt>"
        "<AgentID><![CDATA[218]]></AgentID></xml>",
        "<xml><ToUserName><![CDATA[wx5823bf96d3bd56c7]]></ToUserName>\n<AgentID><![CDATA[218]]>"
        "</AgentID>\n<Encrypt><![CDATA[$]]></Encrypt>\n</xml>\n",
        "\r\n <xml>\r\n<Encrypt>\r\n  <![CDATA[$]]>\r\n</Encrypt>\r\n<AgentID></AgentID></xml>\r\n",
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><xml><Encrypt>$</Encrypt></xml>",
        "\xef\xbb\xbf<xml><Encrypt> $ </Encrypt></xml>",
        "<xml><New "
        "a=\"1\"><Encrypt>inner</Encrypt></New><Encrypt>$</Encrypt><Encrypt>2</Encrypt></xml>",
        "{\"tousername\":\"wx5823bf96d3bd56c7\",\"encrypt\":\"$\",\"agentid\":\"218\"}",
        "{\"ToUserName\":\"wx5823bf96d3bd56c7\",\"Encrypt\":\"$\",\"AgentID\":218}",
        " \n{ \"agentid\" : 12345678901234567890, \"encrypt\" : \"$\" } \n",
        "{\"Encrypt\":\"other\",\"encrypt\":\"$\"}",
    };
    const struct wecom_vector *v = vector("A2");
    struct yq_envelope_keys keys = keys_of(v);
    struct yq_envelope_query q = query_of(v);
    for (size_t i = 0; i < COUNT(bodies); i++) {
        char *body = with_ciphertext(bodies[i], v->encrypted);
        struct yq_text plain;
        if (yq_envelope_open_body(opener, &keys, &q, body, strlen(body), &plain) != YQ_REFUSAL_NONE)
            fail_msg("body %zu was refused", i);
        assert_string_equal(plain.data, v->message);
        free(body);
    }
}

/* JSON may escape the slashes of the Base64. */
static void test_json_with_escaped_slashes(void **state)
{
    (void)state;
    const struct wecom_vector *v = vector("A3");
    struct yq_envelope_keys keys = keys_of(v);
    struct yq_envelope_query q = query_of(v);
    struct yq_buf body = YQ_BUF_INIT;
    yq_buf_adds(&body, "{\"encrypt\":\"");
    for (const char *c = v->encrypted; *c != '\0'; c++)
        yq_buf_adds(&body, *c == '/' ? "\\/" : (char[]){*c, '\0'});
    yq_buf_adds(&body, "\"}");
    struct yq_text plain;
    assert_int_equal(yq_envelope_open_body(opener, &keys, &q, body.data, body.len, &plain),
                     YQ_REFUSAL_NONE);
    assert_string_equal(plain.data, v->message);
    yq_buf_release(&body);
}

static enum yq_refusal open_a1(const struct yq_envelope_keys *keys)
{
    struct yq_envelope_query q = query_of(vector("A1"));
    struct yq_text plain = {"untouched", 9};
    enum yq_refusal refusal = yq_envelope_open_echo(opener, keys, &q, &plain);
    expect(plain, refusal == YQ_REFUSAL_NONE ? "1616140317555161061" : "untouched");
    return refusal;
}

static void test_two_keys_while_rotating(void **state)
{
    (void)state;
    const struct wecom_vector *a = vector("A1"), *b = vector("B1");
    struct yq_envelope_keys keys = {0};
    assert_int_equal(open_a1(&keys), YQ_REFUSAL_SIGNATURE); /* none at all */
    add_key(&keys, b->token, b->aes_key);
    assert_int_equal(open_a1(&keys), YQ_REFUSAL_SIGNATURE);
    add_key(&keys, a->token, a->aes_key);
    assert_int_equal(open_a1(&keys), YQ_REFUSAL_NONE);
    /* Only the AES key changes: both have the same token. */
    keys = (struct yq_envelope_keys){0};
    add_key(&keys, a->token, b->aes_key);
    assert_int_equal(open_a1(&keys), YQ_REFUSAL_CIPHERTEXT);
    add_key(&keys, a->token, a->aes_key);
    assert_int_equal(open_a1(&keys), YQ_REFUSAL_NONE);
    /* The right one first, then one that does not fit. */
    keys = (struct yq_envelope_keys){0};
    add_key(&keys, a->token, a->aes_key);
    add_key(&keys, b->token, b->aes_key);
    assert_int_equal(open_a1(&keys), YQ_REFUSAL_NONE);
    add_receiver(&keys, "ww0");
    assert_int_equal(open_a1(&keys), YQ_REFUSAL_RECEIVER); /* how far the best of them got */
}

static void test_set_of_receivers(void **state)
{
    (void)state;
    const struct wecom_vector *a = vector("A1");
    struct yq_envelope_keys keys = {0};
    add_key(&keys, a->token, a->aes_key);
    assert_int_equal(open_a1(&keys), YQ_REFUSAL_NONE); /* none configured: not compared */
    add_receiver(&keys, "wwsuite0000000001");
    add_receiver(&keys, "");
    assert_int_equal(open_a1(&keys), YQ_REFUSAL_RECEIVER);
    add_receiver(&keys, "wx5823bf96d3bd56c");
    assert_int_equal(open_a1(&keys), YQ_REFUSAL_RECEIVER);
    add_receiver(&keys, "wx5823bf96d3bd56c7");
    assert_int_equal(open_a1(&keys), YQ_REFUSAL_NONE);
}

static void test_empty_receiver_is_a_receiver(void **state)
{
    (void)state;
    struct malformed_callback m = {"personal developer", .receiver = "",
                                   .refusal = YQ_REFUSAL_NONE};
    struct malformed_request r;
    malformed_build(&m, &r);
    struct yq_envelope_keys keys = {0};
    add_key(&keys, MALFORMED_TOKEN, MALFORMED_AES_KEY);
    add_receiver(&keys, "");
    struct yq_envelope_query q = parse(r.query.data);
    struct yq_text plain;
    assert_int_equal(yq_envelope_open_body(opener, &keys, &q, r.body.data, r.body.len, &plain),
                     YQ_REFUSAL_NONE);
    malformed_release(&r);
}

static enum yq_refusal run(const struct malformed_callback *m, struct yq_event_reader *reader,
                           struct yq_event *event, const char **ret_why)
{
    struct yq_envelope_keys keys = {0};
    struct malformed_request r;
    struct yq_envelope_query q;
    struct yq_text plain;
    add_key(&keys, MALFORMED_TOKEN, MALFORMED_AES_KEY);
    add_receiver(&keys, MALFORMED_RECEIVER);
    malformed_build(m, &r);
    yq_envelope_query_parse(yq_buf_text(&r.query), r.query.len, scratch, &q);
    enum yq_refusal refusal =
        r.get ? yq_envelope_open_echo(opener, &keys, &q, &plain)
              : yq_envelope_open_body(opener, &keys, &q, yq_buf_text(&r.body), r.body.len, &plain);
    if (refusal == YQ_REFUSAL_NONE)
        yq_event_read(reader, plain.data, plain.len, event, ret_why);
    malformed_release(&r);
    return refusal;
}

static void test_malformed_callbacks(void **state)
{
    (void)state;
    struct yq_event_reader *reader = yq_event_reader_new();
    struct yq_event event;
    const char *why = NULL;
    size_t counts[YQ_REFUSAL_COUNT] = {0};
    yq_event_init(&event);
    /* The control: without a fault the same way opens. */
    assert_int_equal(run(&well_formed_delivery, reader, &event, &why), YQ_REFUSAL_NONE);
    assert_int_equal(event.kind, YQ_EVENT_MEMBER_UPDATED);
    assert_null(why);
    assert_int_equal(run(&well_formed_verification, reader, &event, &why), YQ_REFUSAL_NONE);
    for (size_t i = 0; i < MALFORMED_COUNT; i++) {
        const struct malformed_callback *m = &malformed_callbacks[i];
        why = NULL;
        enum yq_refusal refusal = run(m, reader, &event, &why);
        if (refusal != m->refusal)
            fail_msg("%s: %s instead of %s", m->name, yq_refusal_name(refusal),
                     yq_refusal_name(m->refusal));
        if (refusal == YQ_REFUSAL_NONE &&
            (event.kind != YQ_EVENT_UNKNOWN || why == NULL || event.subject.kind != YQ_SUBJECT_ALL))
            fail_msg("%s: became %s", m->name, yq_event_kind_name(event.kind));
        counts[refusal]++;
    }
    print_message("%zu malformed callbacks:", MALFORMED_COUNT);
    for (int r = 0; r < YQ_REFUSAL_COUNT; r++)
        print_message(" %s %zu", r == YQ_REFUSAL_NONE ? "unknown" : yq_refusal_name(r), counts[r]);
    print_message("\n");
    yq_event_release(&event);
    yq_event_reader_free(reader);
}

static void test_refusal_names(void **state)
{
    (void)state;
    assert_string_equal(yq_refusal_name(YQ_REFUSAL_NONE), "none");
    assert_string_equal(yq_refusal_name(YQ_REFUSAL_STALE), "stale");
    assert_string_equal(yq_refusal_name(YQ_REFUSAL_COUNT), "?");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_query_values),
        cmocka_unit_test(test_query_room),
        cmocka_unit_test(test_vectors),
        cmocka_unit_test(test_verification_as_sent),
        cmocka_unit_test(test_envelopes_of_every_make),
        cmocka_unit_test(test_json_with_escaped_slashes),
        cmocka_unit_test(test_two_keys_while_rotating),
        cmocka_unit_test(test_set_of_receivers),
        cmocka_unit_test(test_empty_receiver_is_a_receiver),
        cmocka_unit_test(test_malformed_callbacks),
        cmocka_unit_test(test_refusal_names),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
