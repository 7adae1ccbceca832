/* What the planner needs to know of those who differ, answered from the made-up rows. */
#include "pages_plan.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/json.h"
#include "clients/eteams_codec.h"
#include "model/wecom_codec.h"
#include "pages.h"
#include "plan/plan.h"

#define SCOPE 500
#define ROUNDS 64

struct scope {
    struct yq_view *v;
    struct yq_buf row; /* scratch */
    double cpu;
};

static double cpu_now(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void die(const char *what)
{
    (void)fprintf(stderr, "the drifted: %s\n", what);
    exit(1);
}

/* ---- rows ---- */

typedef void add_row(struct yq_buf *b, size_t number);
typedef void *read_row(struct scope *s, const cJSON *object);

static void *take(struct scope *s, add_row *add, size_t number, read_row *read)
{
    yq_buf_clear(&s->row);
    add(&s->row, number);
    double began = cpu_now();
    cJSON *object = yq_json_parse(s->row.data, s->row.len, NULL);
    void *row = read(s, object);
    cJSON_Delete(object);
    s->cpu += cpu_now() - began;
    if (row == NULL)
        die("a row cannot be read");
    return row;
}

static void *read_member(struct scope *s, const cJSON *object)
{
    return yq_wecom_read_member(s->v, object, NULL);
}

static void *read_department(struct scope *s, const cJSON *object)
{
    return yq_wecom_read_department(s->v, object, NULL);
}

static void *read_person(struct scope *s, const cJSON *object)
{
    struct yq_eteams_member *m = yq_eteams_read_member(s->v, object, NULL);
    if (m != NULL)
        yq_view_index_member(s->v, m);
    return m;
}

static void *read_organisation(struct scope *s, const cJSON *object)
{
    return yq_eteams_read_department(s->v, object, NULL);
}

/* ---- links ---- */

static void link_member(struct scope *s, size_t person)
{
    char userid[64], id[32];
    pages_userid(person, userid);
    pages_eteams_id(person, id);
    (void)yq_view_set_member_link(
        s->v, &(struct yq_link_member){
                  .key = userid, .userid = userid, .eteams = id, .how = "account", .at = 1});
}

static void link_department(struct scope *s, size_t department)
{
    char id[32];
    pages_department_id(department, id);
    (void)yq_view_set_department_link(
        s->v, &(struct yq_link_department){
                  .id = (uint32_t)department + 1, .eteams = id, .how = "name", .at = 1});
}

/* ---- needs ---- */

static void show_member(struct scope *s, size_t person)
{
    struct yq_wecom_member *m = take(s, pages_add_wecom, person, read_member);
    link_member(s, person);
    m->link_asked = true;
}

static void show_person(struct scope *s, size_t person)
{
    struct yq_eteams_member *m = take(s, pages_add_eteams, person, read_person);
    link_member(s, person);
    m->owner_asked = true;
}

static void show_department(struct scope *s, size_t department)
{
    struct yq_wecom_department *d =
        take(s, pages_add_wecom_department, department, read_department);
    link_department(s, department);
    d->link_asked = true;
}

static void show_organisation(struct scope *s, size_t department)
{
    struct yq_eteams_department *d =
        take(s, pages_add_eteams_department, department, read_organisation);
    link_department(s, department);
    d->owner_asked = true;
}

/* Whoever has a second department has it by a post that is not ours. */
static void show_posts(struct scope *s, const char *id)
{
    struct yq_eteams_member *m = yq_view_eteams_member(s->v, id);
    struct yq_eteams_post *posts = yq_arena_alloc(s->v->arena, sizeof(*posts));
    m->posts_fact = YQ_PRESENT;
    m->post_count = m->department_count - 1;
    if (m->post_count > 0)
        posts[0] =
            (struct yq_eteams_post){.external_id = "by hand", .department = m->departments[1]};
    m->posts = posts;
}

static void answer(struct scope *s, const struct yq_need *n)
{
    char root[32];
    switch (n->kind) {
    case YQ_NEED_ROOT:
        pages_department_id(0, root);
        s->v->eteams_root = yq_arena_strdup(s->v->arena, root);
        return;
    case YQ_NEED_WECOM_MEMBER:
        show_member(s, pages_person_of_userid(n->id));
        return;
    case YQ_NEED_WECOM_DEPARTMENT:
        show_department(s, n->number - 1);
        return;
    case YQ_NEED_ETEAMS_MEMBER:
        show_person(s, pages_person_of_eteams(n->id));
        return;
    case YQ_NEED_ETEAMS_DEPARTMENT:
        show_organisation(s, pages_department_of_eteams(n->id));
        return;
    case YQ_NEED_LOOKUP: /* nobody else has it */
        yq_view_lookup(s->v, (enum yq_lookup_field)(n->id[0] - '0'), n->id + 2)->fact = YQ_PRESENT;
        return;
    case YQ_NEED_POSTS:
        show_posts(s, n->id);
        return;
    default:
        die(n->key);
    }
}

/* ---- scopes ---- */

static struct yq_plan *make(struct scope *s, const struct yq_policy *policy)
{
    double began = cpu_now();
    struct yq_plan *plan = yq_plan_make(s->v, policy);
    s->cpu += cpu_now() - began;
    return plan;
}

static double plan_scope(const size_t *persons, size_t count, const struct yq_policy *policy)
{
    struct scope s = {.v = yq_view_new()};
    struct yq_plan *plan;
    char userid[64];
    for (size_t i = 0; i < count; i++) {
        pages_userid(persons[i], userid);
        struct yq_subject subject = yq_subject_member(userid);
        yq_view_add_event(s.v, YQ_EVENT_UNKNOWN, &subject, 0, "{}", NULL)->reconciled = true;
    }
    plan = make(&s, policy);
    for (int round = 0; plan->needs != NULL && round < ROUNDS; round++) {
        for (const struct yq_need *n = plan->needs; n != NULL; n = n->hh.next)
            answer(&s, n);
        yq_plan_free(plan);
        plan = make(&s, policy);
    }
    if (plan->needs != NULL || plan->operation_count != count)
        die("not everybody is changed");
    double began = cpu_now();
    yq_plan_free(plan);
    yq_view_free(s.v);
    s.cpu += cpu_now() - began;
    yq_buf_release(&s.row);
    return s.cpu;
}

double pages_plan(const size_t *persons, size_t count, const struct yq_policy *policy)
{
    double cpu = 0;
    for (size_t from = 0; from < count; from += SCOPE)
        cpu += plan_scope(persons + from, count - from < SCOPE ? count - from : SCOPE, policy);
    return cpu;
}
