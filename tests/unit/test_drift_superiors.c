/* Superiors compared by hashes find everybody whose superiors the planner would change: at random
 * directories, member by member. YQ_CASES says how many. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "plan/drift.h"
#include "support/random_world.h"
#include "support/world.h"

#define CASES 3000

struct compared {
    struct world *w;
    struct yq_view *view;
    struct yq_snapshot wecom, eteams;
    struct yq_drift_links links;
    struct yq_drift_leaders *leaders;
};

static void answer(struct compared *c, enum yq_need_kind kind, const char *id, uint32_t number)
{
    struct yq_need *needs = NULL;
    struct yq_need n = {.kind = kind, .id = id, .number = number};
    HASH_ADD_STR(needs, key, &n);
    world_answer(c->w, c->view, needs);
    HASH_CLEAR(hh, needs);
}

static void add_wecom(struct compared *c)
{
    for (size_t i = 0; i < c->w->department_count; i++)
        answer(c, YQ_NEED_WECOM_DEPARTMENT, NULL, c->w->departments[i].id);
    for (size_t i = 0; i < c->w->member_count; i++) {
        answer(c, YQ_NEED_WECOM_MEMBER, c->w->members[i].userid, 0);
        const struct yq_wecom_member *m =
            yq_view_find_wecom_member(c->view, c->w->members[i].userid);
        if (m->fact == YQ_PRESENT)
            yq_snapshot_add_wecom(&c->wecom, c->view->arena, m);
    }
    yq_snapshot_seal(&c->wecom);
}

static void add_eteams(struct compared *c)
{
    for (size_t i = 0; i < c->w->person_count; i++) {
        answer(c, YQ_NEED_ETEAMS_MEMBER, c->w->people[i].id, 0);
        const struct yq_eteams_member *m = yq_view_find_eteams_member(c->view, c->w->people[i].id);
        if (m->fact == YQ_PRESENT && m->in_service)
            yq_snapshot_add_eteams(&c->eteams, c->view->arena, m);
    }
    yq_snapshot_seal(&c->eteams);
}

static int by_member(const void *left, const void *right)
{
    const struct yq_drift_member *a = left, *b = right;
    return a->member < b->member ? -1 : a->member > b->member;
}

static void open_world(struct compared *c, uint64_t seed)
{
    *c = (struct compared){.w = random_world(seed), .view = yq_view_new()};
    c->w->policy.superiors = true;
    c->w->event_count = c->w->wait_count = 0;
    yq_snapshot_init(&c->wecom);
    yq_snapshot_init(&c->eteams);
    c->wecom.wants_leaders = c->eteams.wants_leaders = true;
    add_wecom(c);
    add_eteams(c);
    for (size_t i = 0; i < c->w->member_link_count; i++) {
        const struct yq_link_member *l = &c->w->member_links[i];
        yq_drift_add_member(&c->links, l->key, l->eteams, l->left, NULL, 0);
    }
    if (c->links.member_count > 1)
        qsort(c->links.members, c->links.member_count, sizeof(*c->links.members), by_member);
    yq_drift_add_department(&c->links, 1, world_root(c->w)->id);
    for (size_t i = 0; i < c->w->department_link_count; i++)
        yq_drift_add_department(&c->links, c->w->department_links[i].id,
                                c->w->department_links[i].eteams);
    c->leaders = yq_drift_leaders_new(c->view, &c->wecom);
    c->links.leaders = c->leaders;
}

static void close_world(struct compared *c)
{
    yq_drift_leaders_free(c->leaders);
    yq_drift_links_release(&c->links);
    yq_snapshot_release(&c->wecom);
    yq_snapshot_release(&c->eteams);
    yq_view_free(c->view);
    world_free(c->w);
}

/* What the planner says of that member alone: 1 his superiors change; 0 they do not; -1 it cannot
 * tell, or something else has to happen first. */
static int planned(struct compared *c, const char *userid)
{
    struct yq_buf complaints = YQ_BUF_INIT;
    struct yq_subject subject = yq_subject_member(userid);
    char key[YQ_SUBJECT_MAX];
    int changes = 0;
    bool moves = false; /* somebody comes or goes, who may be the superior */
    c->w->event_count = 0;
    world_add_event(c->w, YQ_EVENT_COMMAND_SYNC, subject, 5, "{}");
    struct world_run run = world_run(c->w, &complaints);
    assert_non_null(run.plan);
    const struct yq_verdict *v;
    yq_subject_key(&subject, key);
    HASH_FIND_STR(run.plan->verdicts, key, v);
    for (size_t i = 0; i < run.plan->operation_count; i++) {
        const struct yq_operation *op = run.plan->operations[i];
        changes |= op->kind == YQ_OP_MEMBER_SUPERIORS && strcmp(op->subject.userid, userid) == 0;
        moves |= op->kind == YQ_OP_MEMBER_RESIGN || op->kind == YQ_OP_MEMBER_REHIRE ||
                 op->kind == YQ_OP_MEMBER_LINK || op->kind == YQ_OP_MEMBER_CREATE;
    }
    if (moves || (!changes && v->kind != YQ_VERDICT_IN_STEP && v->kind != YQ_VERDICT_CHANGE))
        changes = -1;
    world_run_release(&run);
    yq_buf_release(&complaints);
    return changes;
}

static void compare_member(struct compared *c, uint64_t seed, const struct world_member *m,
                           size_t counts[2])
{
    const struct yq_link_member *link = world_member_link(c->w, m->userid);
    const struct yq_snapshot_person *w = yq_snapshot_find(&c->wecom, yq_userid_hash(m->userid));
    const struct yq_snapshot_person *e =
        link != NULL ? yq_snapshot_find(&c->eteams, yq_id_hash(link->eteams)) : NULL;
    if (w == NULL || e == NULL || link->left || m->status == 5 || m->status == 2)
        return;
    const struct yq_drift_compared pair = {.wecom = &c->wecom,
                                           .eteams = &c->eteams,
                                           .w = w,
                                           .e = e,
                                           .source = c->w->policy.superior_source};
    bool drifts = yq_drift_superiors_differ(&c->links, &pair);
    int changes = planned(c, m->userid);
    if (changes >= 0 && changes != drifts)
        fail_msg("seed %llu: the superiors of %s %s, the planner %s", (unsigned long long)seed,
                 m->userid, drifts ? "drift" : "do not drift",
                 changes ? "changes them" : "does not");
    counts[drifts] += changes >= 0;
}

static void what_drifts_is_what_is_planned(void **state)
{
    (void)state;
    const char *cases = getenv("YQ_CASES"), *only = getenv("YQ_SEED");
    uint64_t first = only ? strtoull(only, NULL, 10) : 1;
    uint64_t count = only ? 1 : cases ? strtoull(cases, NULL, 10) : CASES;
    size_t counts[2] = {0, 0};
    for (uint64_t seed = first; seed < first + count; seed++) {
        struct compared c;
        open_world(&c, seed);
        for (size_t i = 0; i < c.w->member_count; i++)
            compare_member(&c, seed, &c.w->members[i], counts);
        close_world(&c);
    }
    assert_true(only != NULL || (counts[0] > count / 10 && counts[1] > count / 10));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(what_drifts_is_what_is_planned)};
    return cmocka_run_group_tests_name("drift_superiors", tests, NULL, NULL);
}
