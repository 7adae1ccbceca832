/* Who differs? By cases that can be read, and at random against a comparison without digests. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "plan/drift.h"

/* Cases say only what matters, and what is not as in LI and NA. */
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"
#pragma GCC diagnostic ignored "-Woverride-init"

#define PARTS_MAX 4

/* One member, the link and the person; departments are numbers, in eteams 100 + number (0 = ends).
 */
struct member {
    const char *userid; /* NULL: WeCom has nobody */
    const char *name, *mobile, *email, *gender;
    uint32_t departments[PARTS_MAX], main;
    bool departments_unknown;
    int status; /* 0: taken as 1 */
};
struct person {
    const char *id; /* NULL: eteams has nobody */
    const char *name, *mobile, *email, *sex, *job_num;
    uint32_t departments[PARTS_MAX]; /* the main one first */
    bool left;
};
struct link {
    const char *eteams; /* NULL: none */
    const char *userid; /* NULL: the member's */
    bool left;
    uint32_t posts[PARTS_MAX];
};

struct outcome {
    size_t count;
    struct {
        enum yq_drift_kind kind;
        char userid[32]; /* "" = gone */
        uint64_t member;
    } found[64];
};

static void note(void *context, const struct yq_drift_found *found)
{
    struct outcome *o = context;
    assert_true(o->count < 64);
    o->found[o->count].kind = found->kind;
    o->found[o->count].member = found->member;
    snprintf(o->found[o->count++].userid, 32, "%s", found->userid ? found->userid : "");
}

static const char *const *eteams_ids(struct yq_arena *arena, const uint32_t *numbers, size_t *ret)
{
    const char **ids = yq_arena_alloc(arena, PARTS_MAX * sizeof(*ids));
    *ret = 0;
    while (*ret < PARTS_MAX && numbers[*ret] != 0) {
        ids[*ret] = yq_arena_printf(arena, "%u", 100 + numbers[*ret]);
        (*ret)++;
    }
    return ids;
}

static void add_member(struct yq_snapshot *s, struct yq_arena *arena, const struct member *m)
{
    char key[YQ_USERID_MAX + 1];
    yq_userid_key(m->userid, key);
    size_t count = 0;
    while (count < PARTS_MAX && m->departments[count] != 0)
        count++;
    uint32_t known = m->departments_unknown ? ~YQ_FIELD_BIT(YQ_FIELD_DEPARTMENTS) : ~0u;
    struct yq_wecom_member row = {.key = key,
                                  .userid = m->userid,
                                  .known = known,
                                  .name = m->name,
                                  .mobile = m->mobile,
                                  .email = m->email,
                                  .gender = m->gender,
                                  .status = m->status ? m->status : 1,
                                  .main_department = m->main,
                                  .departments = m->departments,
                                  .department_count = count};
    yq_snapshot_add_wecom(s, arena, &row);
}

static void add_person(struct yq_snapshot *s, struct yq_arena *arena, const struct person *p)
{
    struct yq_eteams_member row = {.id = p->id,
                                   .name = p->name ? p->name : "",
                                   .mobile = p->mobile ? p->mobile : "",
                                   .email = p->email ? p->email : "",
                                   .sex = p->sex ? p->sex : "",
                                   .job_num = p->job_num ? p->job_num : "",
                                   .in_service = !p->left};
    row.departments = eteams_ids(arena, p->departments, &row.department_count);
    yq_snapshot_add_eteams(s, arena, &row);
}

static void add_link(struct yq_drift_links *links, struct yq_arena *arena, const char *userid,
                     const struct link *l)
{
    size_t count;
    const char *const *posts = eteams_ids(arena, l->posts, &count);
    yq_drift_add_member(links, l->userid ? l->userid : userid, l->eteams, l->left, posts, count);
}

struct company {
    struct yq_arena *arena;
    struct yq_snapshot wecom, eteams;
    struct yq_drift_links links;
};

/* Departments 1 (the root) to 5 are linked, 6 and more are not. */
static void open_company(struct company *c)
{
    char id[16];
    c->arena = yq_arena_new();
    yq_snapshot_init(&c->wecom);
    yq_snapshot_init(&c->eteams);
    c->links = (struct yq_drift_links){0};
    for (uint32_t d = 5; d >= 1; d--) {
        snprintf(id, sizeof(id), "%u", 100 + d);
        yq_drift_add_department(&c->links, d, id);
    }
    c->wecom.complete = c->eteams.complete = true;
}

static void close_company(struct company *c)
{
    yq_snapshot_release(&c->wecom);
    yq_snapshot_release(&c->eteams);
    yq_drift_links_release(&c->links);
    yq_arena_free(c->arena);
}

static void find_drift(struct company *c, const struct yq_policy *policy, struct outcome *ret)
{
    bool wecom = c->wecom.complete, eteams = c->eteams.complete;
    yq_snapshot_seal(&c->wecom);
    yq_snapshot_seal(&c->eteams);
    assert_true(c->wecom.complete == wecom && c->eteams.complete == eteams);
    memset(ret, 0, sizeof(*ret));
    yq_drift_find(&c->wecom, &c->eteams, &c->links, policy, note, ret);
}

#define NOTHING YQ_DRIFT_KINDS
/* A member and a person who agree: cases say what is different. */
#define LI .userid = "li.na", .name = "李娜", .mobile = "13800000001", .main = 2
#define LI_AT_2 LI, .departments = {2}
#define NA .id = "801", .name = "李娜", .mobile = "13800000001"
#define NA_AT_2 NA, .departments = {2}

static const struct drift_case {
    const char *about;
    struct member w;
    struct person e;
    struct link l;
    struct yq_policy policy;
    bool wecom_incomplete, eteams_incomplete;
    const char *unseen; /* a department of eteams whose own WeCom does not show */
    enum yq_drift_kind expected;
} cases[] = {
    {"in step", {LI_AT_2}, {NA_AT_2}, {"801"}, .expected = NOTHING},
    {"spelling of the userid", {LI_AT_2}, {NA_AT_2}, {"801", "LI.Na"}, .expected = NOTHING},
    {"new", {LI_AT_2}, .expected = YQ_DRIFT_NEW},
    {"new, but left", {LI_AT_2, .status = 5}, .expected = NOTHING},
    {"new, not activated", {LI_AT_2, .status = 4}, .expected = YQ_DRIFT_NEW},
    {"new, but disabled, who are resigned",
     {LI_AT_2, .status = 2},
     .policy = {.disabled_members = YQ_DISABLED_RESIGN},
     .expected = NOTHING},
    {"unlinked in eteams alone", .e = {NA_AT_2}, .expected = NOTHING},
    {"name", {LI_AT_2, .name = "李纳"}, {NA_AT_2}, {"801"}, .expected = YQ_DRIFT_CHANGED},
    {"name with blanks", {LI_AT_2, .name = " 李娜 "}, {NA_AT_2}, {"801"}, .expected = NOTHING},
    {"mobile", {LI_AT_2, .mobile = "1"}, {NA_AT_2}, {"801"}, .expected = YQ_DRIFT_CHANGED},
    {"mobile not readable", {LI_AT_2, .mobile = NULL}, {NA_AT_2}, {"801"}, .expected = NOTHING},
    {"mobile emptied", {LI_AT_2, .mobile = ""}, {NA_AT_2}, {"801"}, .expected = NOTHING},
    {"mobile lacks in eteams",
     {LI_AT_2},
     {NA_AT_2, .mobile = ""},
     {"801"},
     .expected = YQ_DRIFT_CHANGED},
    {"e-mail only in eteams", {LI_AT_2}, {NA_AT_2, .email = "x@y"}, {"801"}, .expected = NOTHING},
    {"e-mail", {LI_AT_2, .email = "a@b"}, {NA_AT_2}, {"801"}, .expected = YQ_DRIFT_CHANGED},
    {"gender",
     {LI_AT_2, .gender = "1"},
     {NA_AT_2, .sex = "female"},
     {"801"},
     .expected = YQ_DRIFT_CHANGED},
    {"gender the same",
     {LI_AT_2, .gender = "1"},
     {NA_AT_2, .sex = "male"},
     {"801"},
     .expected = NOTHING},
    {"no job number, and everybody gets one",
     {LI_AT_2},
     {NA_AT_2},
     {"801"},
     .policy = {.write_job_num = YQ_JOB_NUM_ALWAYS},
     .expected = YQ_DRIFT_CHANGED},
    {"the job number that everybody gets",
     {LI_AT_2},
     {NA_AT_2, .job_num = "li.na"},
     {"801"},
     .policy = {.write_job_num = YQ_JOB_NUM_ALWAYS},
     .expected = NOTHING},
    {"eteams' own job number stays",
     {LI_AT_2},
     {NA_AT_2, .job_num = "A17"},
     {"801"},
     .policy = {.write_job_num = YQ_JOB_NUM_ALWAYS},
     .expected = NOTHING},
    {"no job number, and nobody gets one",
     {LI_AT_2},
     {NA_AT_2},
     {"801"},
     .policy = {.write_job_num = YQ_JOB_NUM_NEVER},
     .expected = NOTHING},
    {"no job number, and who is new gets one where needed",
     {LI_AT_2},
     {NA_AT_2},
     {"801"},
     .policy = {.write_job_num = YQ_JOB_NUM_WHEN_NEEDED},
     .expected = NOTHING},
    {"left, without a job number",
     {LI_AT_2, .status = 5},
     .l = {"801", .left = true},
     .policy = {.write_job_num = YQ_JOB_NUM_ALWAYS},
     .expected = NOTHING},
    {"gender not said",
     {LI_AT_2, .gender = "0"},
     {NA_AT_2, .sex = "male"},
     {"801"},
     .expected = NOTHING},
    {"moved",
     {LI, .departments = {3}, .main = 3},
     {NA_AT_2},
     {"801"},
     .expected = YQ_DRIFT_CHANGED},
    {"into a department that is not linked",
     {LI, .departments = {9}, .main = 9},
     {NA_AT_2},
     {"801"},
     .expected = YQ_DRIFT_CHANGED},
    {"departments not known",
     {LI, .departments_unknown = true},
     {NA_AT_2},
     {"801"},
     .expected = NOTHING},
    {"none visible any more", {LI, .main = 0}, {NA_AT_2}, {"801"}, .expected = YQ_DRIFT_CHANGED},
    {"none visible, at the root",
     {LI, .main = 0},
     {NA, .departments = {1}},
     {"801"},
     .expected = NOTHING},
    {"main not told, eteams' is one of them",
     {LI, .departments = {2, 3}, .main = 0},
     {NA, .departments = {3, 2}},
     {"801", .posts = {2}},
     .expected = NOTHING},
    {"main told, eteams' is another",
     {LI, .departments = {2, 3}},
     {NA, .departments = {3, 2}},
     {"801", .posts = {2}},
     .expected = YQ_DRIFT_CHANGED},
    {"department added",
     {LI, .departments = {2, 3}},
     {NA_AT_2},
     {"801"},
     .expected = YQ_DRIFT_CHANGED},
    {"department added, there already",
     {LI, .departments = {2, 3}},
     {NA, .departments = {2, 3}},
     {"801"},
     .expected = NOTHING},
    {"department taken away that we had added",
     {LI_AT_2},
     {NA, .departments = {2, 3}},
     {"801", .posts = {3}},
     .expected = YQ_DRIFT_CHANGED},
    {"a post of ours in a department out of sight",
     {LI_AT_2},
     {NA, .departments = {2, 3}},
     {"801", .posts = {3}},
     .unseen = "103",
     .expected = NOTHING},
    {"another department is out of sight",
     {LI_AT_2},
     {NA, .departments = {2, 3}},
     {"801", .posts = {3}},
     .unseen = "104",
     .expected = YQ_DRIFT_CHANGED},
    {"eteams' own, out of sight, where WeCom wins",
     {LI_AT_2},
     {NA, .departments = {2, 3}},
     {"801"},
     .policy = {.part_time = YQ_PART_TIME_FULL},
     .unseen = "103",
     .expected = NOTHING},
    {"eteams' own part-time department",
     {LI_AT_2},
     {NA, .departments = {2, 3}},
     {"801"},
     .expected = NOTHING},
    {"eteams' own, where WeCom wins",
     {LI_AT_2},
     {NA, .departments = {2, 3}},
     {"801"},
     .policy = {.part_time = YQ_PART_TIME_FULL},
     .expected = YQ_DRIFT_CHANGED},
    {"department added, where none are kept",
     {LI, .departments = {2, 3}},
     {NA_AT_2},
     {"801"},
     .policy = {.part_time = YQ_PART_TIME_NONE},
     .expected = NOTHING},
    {"eteams shows no part-time departments, we made it",
     {LI, .departments = {2, 3}},
     {NA_AT_2},
     {"801", .posts = {3}},
     .expected = NOTHING},
    {"a department that nobody touches",
     {LI, .departments = {2, 9}},
     {NA_AT_2},
     {"801"},
     .policy = {.never_touch_departments = (uint32_t[]){9}, .never_touch_department_count = 1},
     .expected = NOTHING},
    {"left", {LI_AT_2, .status = 5}, {NA_AT_2}, {"801"}, .expected = YQ_DRIFT_LEFT},
    {"left, resigned already",
     {LI_AT_2, .status = 5},
     .l = {"801", .left = true},
     .expected = NOTHING},
    {"left, and not in eteams' list", {LI_AT_2, .status = 5}, .l = {"801"}, .expected = NOTHING},
    {"disabled", {LI_AT_2, .status = 2}, {NA_AT_2}, {"801"}, .expected = NOTHING},
    {"disabled, who are resigned",
     {LI_AT_2, .status = 2},
     {NA_AT_2},
     {"801"},
     .policy = {.disabled_members = YQ_DISABLED_RESIGN},
     .expected = YQ_DRIFT_LEFT},
    {"returned", {LI_AT_2}, .l = {"801", .left = true}, .expected = YQ_DRIFT_RETURNED},
    {"gone", .e = {NA_AT_2}, .l = {"801", "li.na"}, .expected = YQ_DRIFT_GONE},
    {"gone, of an incomplete list", .e = {NA_AT_2}, .l = {"801", "li.na"}, .wecom_incomplete = true,
     .expected = NOTHING},
    {"gone, resigned already", .l = {"801", "li.na", .left = true}, .expected = NOTHING},
    {"stale", {LI_AT_2}, .l = {"801"}, .expected = YQ_DRIFT_STALE},
    {"left in eteams", {LI_AT_2}, {NA_AT_2, .left = true}, {"801"}, .expected = YQ_DRIFT_STALE},
    {"not in an incomplete list of eteams",
     {LI_AT_2},
     .l = {"801"},
     .eteams_incomplete = true,
     .expected = NOTHING},
    {"never touched",
     {LI_AT_2, .name = "x"},
     {NA_AT_2},
     {"801"},
     .policy = {.never_touch_members = (char *[]){(char[]){"zhao"}, (char[]){"li.na"}, NULL}},
     .expected = NOTHING},
    {"gone, but never touched", .l = {"801", "li.na"},
     .policy = {.never_touch_members = (char *[]){(char[]){"li.na"}, NULL}}, .expected = NOTHING},
};

static void one_case(const struct drift_case *c)
{
    struct company company;
    struct outcome o;
    open_company(&company);
    if (c->w.userid != NULL)
        add_member(&company.wecom, company.arena, &c->w);
    if (c->e.id != NULL)
        add_person(&company.eteams, company.arena, &c->e);
    if (c->l.eteams != NULL)
        add_link(&company.links, company.arena, c->w.userid, &c->l);
    if (c->unseen != NULL)
        yq_drift_add_unseen(&company.links, c->unseen);
    company.wecom.complete = !c->wecom_incomplete;
    company.eteams.complete = !c->eteams_incomplete;
    find_drift(&company, &c->policy, &o);
    if (o.count != (c->expected != NOTHING) || (o.count > 0 && o.found[0].kind != c->expected))
        fail_msg("%s: %zu found, the first of kind %d", c->about, o.count, (int)o.found[0].kind);
    if (o.count > 0) {
        assert_string_equal(o.found[0].userid, c->expected == YQ_DRIFT_GONE ? "" : "li.na");
        assert_int_equal(o.found[0].member, yq_userid_hash("li.na"));
    }
    close_company(&company);
}

static void by_cases(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        one_case(&cases[i]);
}

/* ---- at random ---- */

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

static void put_someone(struct company *c, const struct someone *s)
{
    struct member m = {.userid = s->userid,
                       .name = names[s->name_w],
                       .mobile = mobiles[s->mobile_w],
                       .main = s->main_w,
                       .status = (int)s->status};
    struct person p = {.id = s->id,
                       .name = names[s->name_e],
                       .mobile = mobiles[s->mobile_e],
                       .job_num = s->numbered ? s->id : NULL,
                       .left = s->person_left};
    struct link l = {.eteams = s->id, .left = s->left};
    memcpy(m.departments, s->departments_w, sizeof(m.departments));
    memcpy(p.departments, s->departments_e, sizeof(p.departments));
    memcpy(l.posts, s->posts, sizeof(l.posts));
    for (unsigned again = 0; s->in_wecom && again < 1 + below(2); again++)
        add_member(&c->wecom, c->arena, &m);
    if (s->in_eteams)
        add_person(&c->eteams, c->arena, &p);
    if (s->linked)
        add_link(&c->links, c->arena, s->userid, &l);
}

static enum yq_drift_kind kind_of(const struct outcome *o, const char *userid)
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
        struct company c;
        struct outcome o;
        struct someone people[24];
        size_t count = below(24) + 1, expected = 0;
        struct yq_policy policy = {.part_time = (enum yq_part_time)below(3),
                                   .disabled_members = (enum yq_disabled_members)below(2),
                                   .write_job_num = (enum yq_write_job_num)below(3)};
        open_company(&c);
        for (size_t i = 0; i < count; i++) {
            make_someone(&people[i], (unsigned)i);
            put_someone(&c, &people[i]);
        }
        /* Somebody with a part-time department, so that eteams is seen to tell them. */
        add_person(&c.eteams, c.arena, &(struct person){.id = "1", .departments = {1, 2}});
        find_drift(&c, &policy, &o);
        for (size_t i = 0; i < count; i++) {
            enum yq_drift_kind kind = naive(&people[i], &policy);
            if (kind_of(&o, people[i].userid) != kind)
                fail_msg("round %llu: %s is of kind %d, not %d", (unsigned long long)round,
                         people[i].userid, (int)kind_of(&o, people[i].userid), (int)kind);
            expected += kind != NOTHING;
            told[kind]++;
        }
        assert_int_equal(o.count, expected);
        close_company(&c);
    }
    for (int k = 0; k <= YQ_DRIFT_KINDS; k++)
        assert_true(told[k] > 200); /* every kind was tried */
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(by_cases), cmocka_unit_test(at_random)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
