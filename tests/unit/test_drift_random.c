/* Who differs? At random, against a comparison without digests. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "drift_company.h"

static uint64_t seed;

static unsigned below(unsigned n)
{
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(seed >> 33) % n;
}

static const char *const names[] = {"", "李娜", " 李娜", "王伟", "E\xCC\x81mile", "\xC3\x89mile"};
static const int same_name[] = {0, 1, 1, 2, 3, 3}; /* of equal numbers are the same */
static const char *const mobiles[] = {NULL, "", "13800000001", "+8613800000001", "13800000002"};
static const int same_mobile[] = {0, 0, 1, 1, 2};

struct someone {
    int name_w, name_e, mobile_w, mobile_e;
    unsigned status;
    bool in_wecom, in_eteams, linked, left, person_left, numbered;
    uint32_t departments_w[PARTS_MAX], main_w, departments_e[PARTS_MAX], posts[PARTS_MAX];
    char userid[16], id[16];
};

static size_t length(const uint32_t *list)
{
    size_t n = 0;
    while (n < PARTS_MAX && list[n] != 0)
        n++;
    return n;
}

static bool in(const uint32_t *list, uint32_t value)
{
    for (size_t i = 0; i < length(list); i++) {
        if (list[i] == value)
            return true;
    }
    return false;
}

static void random_departments(uint32_t *list, unsigned from, unsigned most, unsigned highest)
{
    unsigned count = from + below(most - from + 1), n = 0;
    while (n < count) {
        uint32_t d = 1 + below(highest);
        if (!in(list, d))
            list[n++] = d;
    }
}

static void make_someone(struct someone *s, unsigned number)
{
    static const unsigned statuses[] = {1, 1, 1, 2, 4, 5};
    *s = (struct someone){.name_w = (int)below(6), .mobile_w = (int)below(5)};
    s->status = statuses[below(6)];
    bool agrees = below(2) == 0;
    s->name_e = agrees ? s->name_w : (int)below(6);
    s->mobile_e = agrees ? s->mobile_w : (int)below(5);
    s->in_wecom = below(8) != 0;
    s->in_eteams = below(8) != 0;
    s->linked = below(6) != 0;
    s->left = below(10) == 0;
    s->person_left = below(10) == 0;
    random_departments(s->departments_w, 0, 3, 6);
    s->main_w = length(s->departments_w) > 0 && below(3) != 0 ? s->departments_w[0] : 0;
    if (agrees)
        memcpy(s->departments_e, s->departments_w, sizeof(s->departments_e));
    else
        random_departments(s->departments_e, 0, 3, 5);
    if (below(3) == 0)
        random_departments(s->posts, 0, 2, 5);
    s->numbered = below(3) != 0;
    snprintf(s->userid, sizeof(s->userid), "%s%u", number % 2 ? "User" : "user", number);
    snprintf(s->id, sizeof(s->id), "%u", 8000 + number);
}

static bool naive_place_differs(const struct someone *s, const struct yq_policy *policy)
{
    uint32_t root[PARTS_MAX] = {1}, main = s->departments_e[0];
    const uint32_t *wanted = length(s->departments_w) > 0 ? s->departments_w : root;
    if (in(wanted, 6))
        return true; /* has nothing in eteams */
    if (s->main_w != 0 ? s->main_w != main : !in(wanted, main))
        return true;
    if (policy->part_time == YQ_PART_TIME_NONE)
        return false;
    for (size_t i = 0; i < length(wanted); i++) {
        if (wanted[i] != main && !in(s->departments_e, wanted[i]))
            return true;
    }
    for (size_t i = 0; i < length(s->posts); i++) {
        if (!in(wanted, s->posts[i]) || s->posts[i] == main)
            return true;
    }
    for (size_t i = 1; i < length(s->departments_e); i++) {
        if (policy->part_time == YQ_PART_TIME_FULL && !in(wanted, s->departments_e[i]))
            return true;
    }
    return false;
}

/* The same question, answered from the values themselves. */
static enum yq_drift_kind naive(const struct someone *s, const struct yq_policy *policy)
{
    bool leaves =
        s->status == 5 || (s->status == 2 && policy->disabled_members == YQ_DISABLED_RESIGN);
    bool serves = s->in_eteams && !s->person_left;
    if (!s->in_wecom)
        return s->linked && !s->left ? YQ_DRIFT_GONE : NOTHING;
    if (!s->linked)
        return leaves ? NOTHING : YQ_DRIFT_NEW;
    if (leaves)
        return serves ? YQ_DRIFT_LEFT : NOTHING;
    if (s->left)
        return YQ_DRIFT_RETURNED;
    if (!serves)
        return YQ_DRIFT_STALE;
    int name = same_name[s->name_w], mobile = same_mobile[s->mobile_w];
    if ((name != 0 && name != same_name[s->name_e]) ||
        (mobile != 0 && mobile != same_mobile[s->mobile_e]))
        return YQ_DRIFT_CHANGED;
    if (policy->write_job_num == YQ_JOB_NUM_ALWAYS && !s->numbered)
        return YQ_DRIFT_CHANGED;
    return naive_place_differs(s, policy) ? YQ_DRIFT_CHANGED : NOTHING;
}

static void put_someone(struct drift_company *c, const struct someone *s)
{
    struct drift_member m = {.userid = s->userid,
                             .name = names[s->name_w],
                             .mobile = mobiles[s->mobile_w],
                             .main = s->main_w,
                             .status = (int)s->status};
    struct drift_person p = {.id = s->id,
                             .name = names[s->name_e],
                             .mobile = mobiles[s->mobile_e],
                             .job_num = s->numbered ? s->id : NULL,
                             .left = s->person_left};
    struct drift_link l = {.eteams = s->id, .left = s->left};
    memcpy(m.departments, s->departments_w, sizeof(m.departments));
    memcpy(p.departments, s->departments_e, sizeof(p.departments));
    memcpy(l.posts, s->posts, sizeof(l.posts));
    for (unsigned again = 0; s->in_wecom && again < 1 + below(2); again++)
        drift_add_member(c, &m);
    if (s->in_eteams)
        drift_add_person(c, &p);
    if (s->linked)
        drift_add_link(c, s->userid, &l);
}

static enum yq_drift_kind kind_of(const struct drift_outcome *o, const char *userid)
{
    enum yq_drift_kind kind = NOTHING;
    for (size_t i = 0; i < o->count; i++) {
        if (o->found[i].member != yq_userid_hash(userid))
            continue;
        assert_int_equal(kind, NOTHING); /* once at most */
        kind = o->found[i].kind;
        if (kind != YQ_DRIFT_GONE)
            assert_string_equal(o->found[i].userid, userid);
    }
    return kind;
}

static void at_random(void **state)
{
    (void)state;
    size_t told[YQ_DRIFT_KINDS + 1] = {0};
    for (uint64_t round = 1; round <= 4000; round++) {
        seed = round * 0x9e3779b97f4a7c15u;
        struct drift_company c;
        struct drift_outcome o;
        struct someone people[24];
        size_t count = below(24) + 1, expected = 0;
        struct yq_policy policy = {.part_time = (enum yq_part_time)below(3),
                                   .disabled_members = (enum yq_disabled_members)below(2),
                                   .write_job_num = (enum yq_write_job_num)below(3)};
        drift_open(&c);
        for (size_t i = 0; i < count; i++) {
            make_someone(&people[i], (unsigned)i);
            put_someone(&c, &people[i]);
        }
        /* Somebody with a part-time department, so that eteams is seen to tell them. */
        drift_add_person(&c, &(struct drift_person){.id = "1", .departments = {1, 2}});
        drift_find(&c, &policy, &o);
        for (size_t i = 0; i < count; i++) {
            enum yq_drift_kind kind = naive(&people[i], &policy);
            if (kind_of(&o, people[i].userid) != kind)
                fail_msg("round %llu: %s is of kind %d, not %d", (unsigned long long)round,
                         people[i].userid, (int)kind_of(&o, people[i].userid), (int)kind);
            expected += kind != NOTHING;
            told[kind]++;
        }
        assert_int_equal(o.count, expected);
        drift_close(&c);
    }
    for (int k = 0; k <= YQ_DRIFT_KINDS; k++)
        assert_true(told[k] > 200); /* every kind was tried */
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(at_random)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
