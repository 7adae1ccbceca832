/* People as digests: what counts as the same, doubles, memberships, finding them again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "model/snapshot.h"

#define KNOWN(field) YQ_FIELD_BIT(YQ_FIELD_##field)

struct fixture {
    struct yq_snapshot s;
    struct yq_arena *arena;
};

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    yq_snapshot_init(&f->s);
    f->arena = yq_arena_new();
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    yq_snapshot_release(&f->s);
    yq_arena_free(f->arena);
    free(f);
    return 0;
}

static void add(struct fixture *f, const char *userid, const char *name, const char *mobile)
{
    char key[YQ_USERID_MAX + 1];
    yq_userid_key(userid, key);
    uint32_t departments[] = {7};
    struct yq_wecom_member m = {.key = key,
                                .userid = userid,
                                .fact = YQ_PRESENT,
                                .known = KNOWN(NAME) | KNOWN(MOBILE) | KNOWN(DEPARTMENTS),
                                .name = name,
                                .mobile = mobile,
                                .status = 1,
                                .main_department = 7,
                                .departments = departments,
                                .department_count = 1};
    yq_snapshot_add_wecom(&f->s, f->arena, &m);
}

static void add_eteams(struct fixture *f, const char *id, const char *name,
                       const char *const *departments, size_t count)
{
    struct yq_eteams_member m = {.id = id,
                                 .fact = YQ_PRESENT,
                                 .name = name,
                                 .mobile = "",
                                 .email = "",
                                 .sex = "",
                                 .in_service = true,
                                 .departments = departments,
                                 .department_count = count};
    yq_snapshot_add_eteams(&f->s, f->arena, &m);
}

static const struct yq_snapshot_person *find(struct fixture *f, const char *userid)
{
    return yq_snapshot_find(&f->s, yq_userid_hash(userid));
}

/* Both sides come to the same digests, whatever form they like. */
static void the_same_in_other_forms(void **state)
{
    struct fixture *f = *state;
    uint32_t departments[] = {7, 9};
    struct yq_wecom_member w = {.key = "li.na",
                                .userid = "Li.Na",
                                .known = ~0u,
                                .name = " 李娜\xEF\xBD\x9C"
                                        "e\xCC\x81 ",
                                .mobile = "+86 138-0000-0001",
                                .email = "Li.Na@Example.COM",
                                .gender = "2",
                                .status = 4,
                                .main_department = 9,
                                .departments = departments,
                                .department_count = 2};
    struct yq_eteams_member e = {.id = "4000000000000000001",
                                 .name = "李娜|\xC3\xA9",
                                 .mobile = "13800000001",
                                 .email = "li.na@example.com",
                                 .sex = "female",
                                 .in_service = true};
    yq_snapshot_add_wecom(&f->s, f->arena, &w);
    yq_snapshot_add_eteams(&f->s, f->arena, &e);
    for (int i = 0; i < YQ_DIGEST_COUNT; i++) {
        assert_int_not_equal(f->s.people[0].digests[i], 0);
        assert_int_equal(f->s.people[0].digests[i], f->s.people[1].digests[i]);
    }
    assert_int_equal(f->s.people[0].status, 4);
    assert_int_equal(f->s.people[0].main, 9);
    assert_int_equal(f->s.people[0].part_count, 2);
    assert_memory_equal(yq_snapshot_parts(&f->s, &f->s.people[0]), departments, 8);
    assert_string_equal(yq_snapshot_id(&f->s, &f->s.people[0]), "Li.Na");
}

static void unknown_and_empty_are_nothing(void **state)
{
    struct fixture *f = *state;
    struct yq_wecom_member w = {
        .key = "a", .userid = "a", .name = NULL, .mobile = "", .gender = "0"};
    yq_snapshot_add_wecom(&f->s, f->arena, &w);
    for (int i = 0; i < YQ_DIGEST_COUNT; i++)
        assert_int_equal(f->s.people[0].digests[i], 0);
    assert_false(f->s.people[0].departments_known);
    w.known = KNOWN(DEPARTMENTS);
    yq_snapshot_add_wecom(&f->s, f->arena, &w);
    assert_true(f->s.people[1].departments_known);
    assert_int_equal(f->s.people[1].part_count, 0);
    assert_false(f->s.has_parts);
}

static void hashes_tell_ids_apart(void **state)
{
    struct fixture *f = *state;
    char id[32];
    assert_int_equal(yq_userid_hash("Li.Na"), yq_userid_hash("lI.nA"));
    assert_int_equal(yq_userid_hash("Li.Na"), yq_id_hash("li.na"));
    assert_int_equal(yq_digest(""), 0);
    assert_int_equal(yq_digest(NULL), 0);
    /* Ids that differ in one digit, or are each other's beginning: all different. */
    for (int i = 0; i < 30000; i++) {
        snprintf(id, sizeof(id), "4%018d", i);
        yq_snapshot_add_membership(&f->s, id, 1);
        snprintf(id, sizeof(id), "u%.*d", i % 20 + 1, i);
        yq_snapshot_add_membership(&f->s, id, 1);
    }
    yq_snapshot_seal(&f->s);
    assert_int_equal(f->s.count, 60000);
}

static void the_last_of_doubles_is_kept(void **state)
{
    struct fixture *f = *state;
    add(f, "li.na", "old", "1");
    add(f, "wang", "w", "2");
    add(f, "Li.Na", "older", "1");
    add(f, "LI.NA", "new", "1");
    yq_snapshot_seal(&f->s);
    assert_int_equal(f->s.count, 2);
    assert_int_equal(find(f, "li.na")->digests[YQ_DIGEST_NAME], yq_digest("new"));
    assert_string_equal(yq_snapshot_id(&f->s, find(f, "li.na")), "LI.NA");
    add(f, "li.na", "newest", "1");
    add(f, "zhao", "z", "3");
    assert_false(f->s.sealed);
    yq_snapshot_seal(&f->s);
    assert_int_equal(f->s.count, 3);
    assert_int_equal(find(f, "li.na")->digests[YQ_DIGEST_NAME], yq_digest("newest"));
    assert_non_null(find(f, "zhao"));
    yq_snapshot_clear(&f->s);
    yq_snapshot_seal(&f->s);
    assert_null(find(f, "li.na"));
    const char *const first[] = {"11"}, *const second[] = {"12", "13"};
    add_eteams(f, "41", "a", first, 1);
    add_eteams(f, "41", "b", second, 2);
    yq_snapshot_seal(&f->s);
    assert_int_equal(f->s.count, 1);
    assert_int_equal(f->s.people[0].main, yq_digest("12"));
    assert_int_equal(*yq_snapshot_parts(&f->s, &f->s.people[0]), yq_digest("13"));
}

static void memberships_become_one_row(void **state)
{
    struct fixture *f = *state;
    yq_snapshot_add_membership(&f->s, "Li.Na", 7);
    yq_snapshot_add_membership(&f->s, "wang", 1);
    yq_snapshot_add_membership(&f->s, "li.na", 12);
    yq_snapshot_add_membership(&f->s, "li.na", 7);
    for (int again = 0; again < 2; again++) {
        yq_snapshot_seal(&f->s);
        assert_int_equal(f->s.count, 2);
        const struct yq_snapshot_person *p = find(f, "li.na");
        assert_int_equal(p->part_count, 2);
        const uint32_t *parts = yq_snapshot_parts(&f->s, p);
        assert_int_equal(parts[0] + parts[1], 19);
        assert_int_equal(*yq_snapshot_parts(&f->s, find(f, "wang")), 1);
        assert_true(p->departments_known);
    }
}

static void everybody_is_found_and_nobody_else(void **state)
{
    struct fixture *f = *state;
    char id[32];
    yq_snapshot_seal(&f->s);
    assert_null(find(f, "a"));
    for (int size = 1; size < 20000; size = size * 5 + 1) {
        yq_snapshot_clear(&f->s);
        for (int i = 0; i < size; i++) {
            snprintf(id, sizeof(id), "user%d", i * 2);
            add(f, id, id, "1");
        }
        yq_snapshot_seal(&f->s);
        assert_int_equal(f->s.count, size);
        for (int i = 0; i < 2 * size; i++) {
            snprintf(id, sizeof(id), "user%d", i);
            const struct yq_snapshot_person *p = find(f, id);
            assert_int_equal(p != NULL, i % 2 == 0);
            if (p != NULL)
                assert_string_equal(yq_snapshot_id(&f->s, p), id);
        }
    }
    assert_true(yq_snapshot_bytes(&f->s) > f->s.count * sizeof(struct yq_snapshot_person));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(the_same_in_other_forms),    TEST(unknown_and_empty_are_nothing),
        TEST(hashes_tell_ids_apart),      TEST(the_last_of_doubles_is_kept),
        TEST(memberships_become_one_row), TEST(everybody_is_found_and_nobody_else),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
