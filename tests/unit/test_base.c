/* base: buffers, arenas, back-off, and JSON without lost digits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/backoff.h"
#include "base/buf.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/sort.h"

static void test_buf(void **state)
{
    (void)state;
    struct yq_buf b = YQ_BUF_INIT;
    assert_string_equal(yq_buf_text(&b), "");
    for (int i = 0; i < 1000; i++)
        yq_buf_addf(&b, "%d,", i % 10);
    assert_int_equal(b.len, 2000);
    yq_buf_clear(&b);
    yq_buf_add_json_string(&b, "a\"b\\c\n\x01 名");
    assert_string_equal(yq_buf_text(&b), "\"a\\\"b\\\\c\\n\\u0001 名\"");
    char *own = yq_buf_steal(&b);
    assert_int_equal(b.len, 0);
    free(own);
    yq_buf_add_json_string(&b, NULL);
    assert_string_equal(b.data, "null");
    yq_buf_release(&b);
}

static void test_arena(void **state)
{
    (void)state;
    struct yq_arena *a = yq_arena_new();
    char *first = yq_arena_strdup(a, "first");
    for (int i = 0; i < 5000; i++) {
        void *p = yq_arena_alloc(a, 24);
        assert_int_equal((uintptr_t)p % _Alignof(max_align_t), 0);
        memset(p, 0xff, 24);
    }
    char *large = yq_arena_alloc(a, 100000);
    assert_int_equal(large[99999], 0);
    assert_string_equal(yq_arena_printf(a, "%s-%d", first, 7), "first-7");
    assert_null(yq_arena_strdup(a, NULL));
    assert_true(yq_arena_size(a) > 220000);
    yq_arena_free(a);
    yq_arena_free(NULL);
}

static void test_backoff(void **state)
{
    (void)state;
    const struct yq_backoff b = {1000, 60000};
    int64_t want = 1000;
    for (unsigned attempt = 1; attempt < 100; attempt++) {
        for (uint64_t seed = 0; seed < 50; seed++) {
            int64_t d = yq_backoff_ms(&b, attempt, seed);
            assert_in_range(d, want / 2, want);
        }
        want = want * 2 > 60000 ? 60000 : want * 2;
    }
    assert_int_not_equal(yq_backoff_ms(&b, 8, 1), yq_backoff_ms(&b, 8, 2));
}

static const char *member(struct yq_arena *a, const char *json, const char *key, cJSON **tree)
{
    *tree = yq_json_parse(json, strlen(json), NULL);
    assert_non_null(*tree);
    return yq_json_text(a, *tree, key);
}

static void test_long_integers_stay_text(void **state)
{
    (void)state;
    struct yq_arena *a = yq_arena_new();
    static const char *const cases[][2] = {
        {"{\"id\":4000000000000000001}", "4000000000000000001"},
        {"{\"id\": -9223372036854775807 }", "-9223372036854775807"},
        {"{\"id\":[1],\"x\":{\"id\":9007199254740993}, \"id\":7}", NULL},
        {"{\"id\":\"4000000000000000001\"}", "4000000000000000001"},
        {"{\"id\":12}", "12"},
        {"{\"id\":true}", "1"},
        {"{\"id\":null}", NULL},
        {"{\"id\":1.5}", NULL},
        {"{\"Id\":12}", NULL},
        {"{\"id\":\"say \\\"1234567890123456789\\\" \"}", "say \"1234567890123456789\" "},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        cJSON *tree;
        const char *text = member(a, cases[i][0], "id", &tree);
        if (cases[i][1] == NULL)
            assert_null(text);
        else
            assert_string_equal(text, cases[i][1]);
        cJSON_Delete(tree);
    }
    cJSON *tree;
    const char *decimal = "[0.12345678901234567890,1e22,12345678901234567890.5]";
    tree = yq_json_parse(decimal, strlen(decimal), NULL);
    assert_non_null(tree);
    assert_true(cJSON_IsNumber(cJSON_GetArrayItem(tree, 0)));
    assert_true(cJSON_IsNumber(cJSON_GetArrayItem(tree, 2)));
    cJSON_Delete(tree);
    yq_arena_free(a);
}

static void test_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t len;
    } cases[] = {
        {"", 0},
        {"{", 1},
        {"{}x", 3},
        {"{} \0", 4},
        {"\"a\0b\"", 5},
        {"{\"a\":\"x\\u0000y\"}", 16},
        {"[1,]", 4},
        {"\"\xff\"", 3},
        {"\"\xc0\xaf\"", 4},
        {"\"\xed\xa0\x80\"", 5},
        {"\"\xf5\x80\x80\x80\"", 6},
        {"nul", 3},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct yq_error err = {0};
        cJSON *tree = yq_json_parse(cases[i].text, cases[i].len, &err);
        if (tree != NULL)
            fail_msg("case %zu was taken", i);
        assert_int_equal(err.kind, YQ_ERROR_INVALID);
    }
    const char *fine = "\"a\\\\u0000\""; /* an escaped backslash, then text */
    cJSON *tree = yq_json_parse(fine, strlen(fine), NULL);
    assert_non_null(tree);
    cJSON_Delete(tree);
}

static int compare_keys(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

/* Keys of all sorts: spread, few, equal, close together; the rest of a row stays with its key. */
static void test_sort(void **state)
{
    (void)state;
    static const uint64_t masks[] = {~(uint64_t)0, 0xff, 0xffff, 0, 0xf000000000000001u, 7u << 20};
    uint64_t x = 1;
    for (size_t words = 1; words <= 8; words += words == 1 ? 1 : 3) {
        for (size_t count = 0; count < 9000; count = count * 3 + 1) {
            uint64_t *rows = yq_malloc((count + 1) * words * 8);
            uint64_t *keys = yq_malloc((count + 1) * 8);
            uint64_t mask = masks[(count + words) % 6];
            for (size_t i = 0; i < count; i++) {
                x = x * 6364136223846793005u + 1442695040888963407u;
                uint64_t key = (x ^ x >> 29) & mask;
                for (size_t w = 0; w < words; w++)
                    rows[i * words + w] = key + w;
                keys[i] = key;
            }
            yq_sort_by_key(rows, count, words * 8);
            qsort(keys, count, 8, compare_keys);
            for (size_t i = 0; i < count; i++) {
                for (size_t w = 0; w < words; w++)
                    assert_true(rows[i * words + w] == keys[i] + w);
            }
            free(rows);
            free(keys);
        }
    }
}

static void test_arena_clear(void **state)
{
    (void)state;
    struct yq_arena *a = yq_arena_new();
    yq_arena_clear(a);
    for (int round = 0; round < 3; round++) {
        for (size_t size = 1; size < 100000; size = size * 2 + 1) {
            unsigned char *bytes = yq_arena_alloc(a, size);
            for (size_t i = 0; i < size; i++)
                assert_int_equal(bytes[i], 0);
            memset(bytes, 0xff, size);
        }
        yq_arena_clear(a);
        assert_true(yq_arena_size(a) <= 40000);
    }
    yq_arena_free(a);
}

/* Wherever it stands in a string of whatever length, beside ASCII or not. */
static void test_refused_anywhere(void **state)
{
    (void)state;
    static const char *const spoilt[] = {"\xff", "\xe4\xb8", "\\u0000", "\xc0\x80"};
    static const char *const fine[] = {"x", "\xe6\x9d\x8e", "\\\\", "\\\"", "\\u0001"};
    for (size_t before = 0; before < 20; before++) {
        for (size_t after = 0; after < 20; after++) {
            for (size_t i = 0; i < 9; i++) {
                const char *part = i < 4 ? spoilt[i] : fine[i - 4];
                char *text = yq_printf("[\"%.*s%s%.*s\",1]", (int)before, "abcdefghijklmnopqrst",
                                       part, (int)after, "0123456789.123456789");
                cJSON *tree = yq_json_parse(text, strlen(text), NULL);
                if ((tree != NULL) != (i >= 4))
                    fail_msg("%s", text);
                cJSON_Delete(tree);
                free(text);
            }
        }
    }
}

/* However short it is cut, nothing is read behind its end: the sanitizer watches. */
static void test_cut_anywhere(void **state)
{
    (void)state;
    const char *whole = "{\"a\":\"\\\"\xe6\x9d\x8e\",\"id\":-1234567890123456789,\"x\":[1.5e+3]}";
    for (size_t len = 0; len < strlen(whole); len++) {
        char *part = yq_malloc(len + 1);
        memcpy(part, whole, len);
        cJSON *tree = yq_json_parse(len ? part : "", len, NULL);
        assert_null(tree);
        free(part);
        part = yq_malloc(len ? len : 1); /* not NUL-ended */
        memcpy(part, whole, len);
        assert_null(yq_json_parse(part, len, NULL));
        free(part);
    }
}

static void test_json_pick(void **state)
{
    (void)state;
    static const char *const keys[] = {"id", "name", "nam", "parent", "none"};
    const char *text = "{\"x\":0,\"parent\":3,\"id\":1,\"NAME\":9,\"name\":2,\"id\":8,\"nam\":4}";
    cJSON *tree = yq_json_parse(text, strlen(text), NULL);
    const cJSON *items[5];
    yq_json_pick(tree, keys, 5, items);
    for (size_t i = 0; i < 5; i++)
        assert_ptr_equal(items[i], yq_json_get(tree, keys[i]));
    assert_non_null(items[0]);
    yq_json_pick(NULL, keys, 5, items);
    assert_null(items[0]);
    cJSON_Delete(tree);
}

static void test_json_values(void **state)
{
    (void)state;
    const char *text = "{\"n\":\"42\",\"b\":\"1\",\"f\":0,\"t\":true,\"x\":\" 1\",\"big\":1e300}";
    cJSON *tree = yq_json_parse(text, strlen(text), NULL);
    int64_t n = 0;
    assert_true(yq_json_int(tree, "n", &n) && n == 42);
    assert_false(yq_json_int(tree, "x", &n));
    assert_false(yq_json_int(tree, "big", &n));
    assert_true(yq_json_bool(tree, "b", false));
    assert_false(yq_json_bool(tree, "f", true));
    assert_true(yq_json_bool(tree, "t", false));
    assert_true(yq_json_bool(tree, "missing", true));
    assert_null(yq_json_get(NULL, "n"));
    cJSON_Delete(tree);
}

static void test_errors(void **state)
{
    (void)state;
    struct yq_error err;
    assert_int_equal(yq_error_set(&err, YQ_ERROR_RETRY, "%0300d", 1), -1);
    assert_int_equal(strlen(err.text), sizeof(err.text) - 1);
    yq_error_set(&err, YQ_ERROR_LIMIT, "why");
    yq_error_prefix(&err, "where");
    assert_string_equal(err.text, "where: why");
    assert_int_equal(err.kind, YQ_ERROR_LIMIT);
    assert_int_equal(yq_error_set(NULL, YQ_ERROR_RETRY, "x"), -1);
}

#define expect_hidden(said, shown)                                                                 \
    do {                                                                                           \
        char out_[40];                                                                             \
        yq_error_hide_words(said, out_, sizeof(out_));                                             \
        assert_string_equal(out_, shown);                                                          \
    } while (0)

static void test_words_are_hidden(void **state)
{
    (void)state;
    expect_hidden("", "");
    expect_hidden("no words", "no words");
    expect_hidden("sync: 410004 “李娜”", "sync: 410004 “*”");
    expect_hidden("“a”, “b” and (“c”).", "“*”, “*” and (“*”).");
    expect_hidden("cut: 1 “李娜 was c", "cut: 1 “*”");
    expect_hidden("cut “李娜 (twice “x”) end", "cut “*”) end");
    expect_hidden("“李娜”", "“*”");
    expect_hidden("a text of more than forty byte, cut “李娜” here",
                  "a text of more than forty byte, cut “");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_buf),
        cmocka_unit_test(test_arena),
        cmocka_unit_test(test_backoff),
        cmocka_unit_test(test_long_integers_stay_text),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_sort),
        cmocka_unit_test(test_arena_clear),
        cmocka_unit_test(test_refused_anywhere),
        cmocka_unit_test(test_cut_anywhere),
        cmocka_unit_test(test_json_pick),
        cmocka_unit_test(test_json_values),
        cmocka_unit_test(test_errors),
        cmocka_unit_test(test_words_are_hidden),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
