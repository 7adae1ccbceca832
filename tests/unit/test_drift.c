/* Who differs? By cases that can be read. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "drift_company.h"

/* Cases say only what matters, and what is not as in LI and NA. */
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"
#pragma GCC diagnostic ignored "-Woverride-init"

/* A member and a person who agree: cases say what is different. */
#define LI .userid = "li.na", .name = "李娜", .mobile = "13800000001", .main = 2
#define LI_AT_2 LI, .departments = {2}
#define NA .id = "801", .name = "李娜", .mobile = "13800000001"
#define NA_AT_2 NA, .departments = {2}

static const struct drift_case {
    const char *about;
    struct drift_member w;
    struct drift_person e;
    struct drift_link l;
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
    struct drift_company company;
    struct drift_outcome o;
    drift_open(&company);
    if (c->w.userid != NULL)
        drift_add_member(&company, &c->w);
    if (c->e.id != NULL)
        drift_add_person(&company, &c->e);
    if (c->l.eteams != NULL)
        drift_add_link(&company, c->w.userid, &c->l);
    if (c->unseen != NULL)
        yq_drift_add_unseen(&company.links, c->unseen);
    company.wecom.complete = !c->wecom_incomplete;
    company.eteams.complete = !c->eteams_incomplete;
    drift_find(&company, &c->policy, &o);
    if (o.count != (c->expected != NOTHING) || (o.count > 0 && o.found[0].kind != c->expected))
        fail_msg("%s: %zu found, the first of kind %d", c->about, o.count, (int)o.found[0].kind);
    if (o.count > 0) {
        assert_string_equal(o.found[0].userid, c->expected == YQ_DRIFT_GONE ? "" : "li.na");
        assert_int_equal(o.found[0].member, yq_userid_hash("li.na"));
    }
    drift_close(&company);
}

static void by_cases(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        one_case(&cases[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(by_cases)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
