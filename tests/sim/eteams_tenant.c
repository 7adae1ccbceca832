/* The simulated tenant: how it starts, its ids, and what it looks like. */
#include "eteams_tenant.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/memory.h"
#include "company.h"

#define FIRST_ID INT64_C(4000000000000000001)
#define CHINA_MS (INT64_C(8) * 3600 * 1000)
#define POSTS_MAX 64 /* of one person, in the answer */

#define ET_NAME(id, name) name,
static const char *const org_names[] = {ET_ORG_FIELDS(ET_NAME)};
static const char *const emp_names[] = {ET_EMP_FIELDS(ET_NAME)};
static const char *const post_names[] = {ET_POST_FIELDS(ET_NAME)};
static const char *const admin_names[] = {ET_ADMIN_FIELDS(ET_NAME)};
static const char *const lock_names[] = {ET_LOCK_FIELDS(ET_NAME)};

/* In the order of the enumerations in the header. */
static const struct et_index org_indexes[] = {
    {ORG_ID, false}, {ORG_PARENT, false}, {ORG_NAME, false}, {ORG_CODE, false}};
static const struct et_index emp_indexes[] = {
    {EMP_ID, false},      {EMP_ACCOUNT, false},  {EMP_MOBILE, true},     {EMP_EMAIL, false},
    {EMP_JOB_NUM, false}, {EMP_USERNAME, false}, {EMP_DEPARTMENT, false}};
static const struct et_index post_indexes[] = {
    {POST_EMPLOYEE, false}, {POST_SYNC_ID, false}, {POST_DEPARTMENT, false}};
static const struct et_index admin_indexes[] = {{ADMIN_EMPLOYEE, false}};
static const struct et_index lock_indexes[] = {{LOCK_FIELD, false}};

#define COUNT(a) ((int)(sizeof(a) / sizeof((a)[0])))
#define SCHEMA(noun, first, second)                                                                \
    {                                                                                              \
        noun##_names, COUNT(noun##_names), noun##_indexes, COUNT(noun##_indexes),                  \
        {                                                                                          \
            first, second                                                                          \
        }                                                                                          \
    }
static const struct et_schema org_schema = SCHEMA(org, ORG_ID, ORG_ID);
static const struct et_schema emp_schema = SCHEMA(emp, EMP_ID, EMP_ID);
static const struct et_schema post_schema = SCHEMA(post, POST_EMPLOYEE, POST_SYNC_ID);
static const struct et_schema admin_schema = SCHEMA(admin, ADMIN_EMPLOYEE, ADMIN_TYPE);
static const struct et_schema lock_schema = SCHEMA(lock, LOCK_FIELD, LOCK_SOURCE);

void et_tenant_next_id(struct et_tenant *t, char ret_id[ET_ID_SIZE])
{
    t->last_id += 2 + 2 * (int64_t)sim_random_below(&t->random, 50000);
    (void)snprintf(ret_id, ET_ID_SIZE, "%" PRId64, t->last_id);
}

void et_tenant_saw_id(struct et_tenant *t, const char *id)
{
    char *end;
    long long n = strtoll(id, &end, 10);
    if (*end == '\0' && strlen(id) == 19 && n > t->last_id)
        t->last_id = n | 1;
}

bool et_in_service(const struct et_record *employee)
{
    const char *s = et_text(employee, EMP_PERSONNEL_STATUS);
    return s[0] >= '1' && s[0] <= '5' && s[1] == '\0';
}

bool et_owns_account(const struct et_record *employee)
{
    return employee->field[EMP_USER_ID] != NULL && et_in_service(employee);
}

static int by_sync_id(const void *a, const void *b)
{
    const struct et_record *const *x = a, *const *y = b;
    return strcmp(et_text(*x, POST_SYNC_ID), et_text(*y, POST_SYNC_ID));
}

size_t et_departments_of(const struct et_tenant *t, const struct et_record *employee,
                         const char **ret_ids, size_t max)
{
    const struct et_record *posts[POSTS_MAX];
    size_t post_count = 0, count = 0;
    const struct et_record *p = et_find(&t->posts, POST_BY_EMPLOYEE, et_text(employee, EMP_ID));
    for (; p != NULL && post_count < POSTS_MAX; p = et_next(p, POST_BY_EMPLOYEE))
        if (p->field[POST_DEPARTMENT] != NULL)
            posts[post_count++] = p;
    qsort(posts, post_count, sizeof(struct et_record *), by_sync_id);
    if (employee->field[EMP_DEPARTMENT] != NULL)
        ret_ids[count++] = employee->field[EMP_DEPARTMENT];
    for (size_t i = 0; i < post_count && count < max; i++) {
        const char *id = et_text(posts[i], POST_DEPARTMENT);
        size_t j = 0;
        while (j < count && strcmp(ret_ids[j], id) != 0)
            j++;
        if (j == count)
            ret_ids[count++] = id;
    }
    return count;
}

void et_time_text(int64_t ms, char ret_text[ET_TIME_SIZE])
{
    time_t seconds = (time_t)((ms + CHINA_MS) / 1000);
    struct tm parts;
    gmtime_r(&seconds, &parts);
    (void)strftime(ret_text, ET_TIME_SIZE, "%Y-%m-%d %H:%M:%S", &parts);
}

static void add_root(struct et_tenant *t, const char *name)
{
    char now[ET_TIME_SIZE];
    et_time_text(sim_now_ms(), now);
    const char *v[ORG_FIELDS] = {
        [ORG_ID] = t->root,    [ORG_NAME] = name,         [ORG_FULLNAME] = name,
        [ORG_PARENT] = "0",    [ORG_TYPE] = "subcompany", [ORG_STATUS] = "1",
        [ORG_DISPORDER] = "1", [ORG_CREATE_TIME] = now,   [ORG_UPDATE_TIME] = now,
    };
    et_table_add(&t->orgs, v);
}

/* The fields that are alike for everybody who is in service and has an account. */
static void add_employee(struct et_tenant *t, const char **v)
{
    char id[ET_ID_SIZE], user_id[ET_ID_SIZE], now[ET_TIME_SIZE];
    et_tenant_next_id(t, id);
    et_tenant_next_id(t, user_id);
    et_time_text(sim_now_ms(), now);
    v[EMP_ID] = id;
    v[EMP_USER_ID] = user_id;
    v[EMP_PERSONNEL_STATUS] = "3";
    v[EMP_STATUS] = "normal";
    v[EMP_ACTIVATED] = "1";
    v[EMP_LOCKED] = "0";
    v[EMP_IDENTITY] = "main";
    v[EMP_CREATE_TIME] = v[EMP_UPDATE_TIME] = now;
    et_table_add(&t->employees, v);
}

static void add_admin(struct et_tenant *t)
{
    const char *v[EMP_FIELDS] = {
        [EMP_USERNAME] = "管理员", [EMP_ACCOUNT] = "admin", [EMP_DEPARTMENT] = t->root};
    add_employee(t, v);
    const char *id = et_text(t->employees.rows[0], EMP_ID);
    et_table_add(&t->admins, (const char *[ADMIN_FIELDS]){id, "super"});
}

void et_tenant_release(struct et_tenant *t)
{
    struct et_table *tables[] = {&t->orgs, &t->employees, &t->posts, &t->admins, &t->locks};
    for (size_t i = 0; i < 5; i++)
        if (tables[i]->schema != NULL)
            et_table_clear(tables[i]);
}

void et_tenant_start_with_root(struct et_tenant *t, uint64_t seed, const char *root_id,
                               const char *root_name)
{
    et_tenant_release(t);
    *t = (struct et_tenant){
        .orgs = {.schema = &org_schema},
        .employees = {.schema = &emp_schema},
        .posts = {.schema = &post_schema},
        .admins = {.schema = &admin_schema},
        .locks = {.schema = &lock_schema},
        .seed = seed,
    };
    sim_random_seed(&t->random, seed);
    t->last_id = FIRST_ID + 2 * (int64_t)sim_random_below(&t->random, INT64_C(400000000000000000));
    if (root_id != NULL)
        (void)snprintf(t->root, sizeof(t->root), "%s", root_id);
    else
        et_tenant_next_id(t, t->root);
    et_tenant_saw_id(t, t->root);
    add_root(t, root_name ? root_name : "总部");
    add_admin(t);
}

void et_tenant_start(struct et_tenant *t, uint64_t seed)
{
    et_tenant_start_with_root(t, seed, NULL, NULL);
}

/* A post that an administrator made by hand. */
static void add_post(struct et_tenant *t, const char *employee, const char *department)
{
    char key[2 * ET_ID_SIZE + 16];
    (void)snprintf(key, sizeof(key), "manual-%s-%s", employee, department);
    et_table_add(&t->posts, (const char *[POST_FIELDS]){employee, "manual", key, department});
}

static char *add_org(struct et_tenant *t, const struct company_department *d, const char *parent,
                     unsigned order)
{
    char id[ET_ID_SIZE], now[ET_TIME_SIZE], disporder[16];
    et_tenant_next_id(t, id);
    et_time_text(sim_now_ms(), now);
    (void)snprintf(disporder, sizeof(disporder), "%u", order);
    const char *v[ORG_FIELDS] = {
        [ORG_ID] = id,
        [ORG_NAME] = d->name,
        [ORG_FULLNAME] = d->name,
        [ORG_PARENT] = parent,
        [ORG_TYPE] = "department",
        [ORG_STATUS] = "1",
        [ORG_DISPORDER] = disporder,
        [ORG_CREATE_TIME] = now,
        [ORG_UPDATE_TIME] = now,
    };
    return et_table_add(&t->orgs, v)->field[ORG_ID];
}

void et_tenant_add_company(struct et_tenant *t, size_t people, size_t departments)
{
    struct company *c = company_make(t->seed, people, departments);
    const char **ids = yq_calloc(c->department_count, sizeof(*ids)); /* WeCom's ids count from 1 */
    unsigned *children = yq_calloc(c->department_count, sizeof(*children));
    ids[0] = t->root;
    for (size_t i = 1; i < c->department_count; i++) {
        size_t parent = c->departments[i].parent - 1;
        ids[i] = add_org(t, &c->departments[i], ids[parent], ++children[parent]);
    }
    for (size_t i = 0; i < c->member_count; i++) {
        const struct company_member *m = &c->members[i];
        const char *v[EMP_FIELDS] = {
            [EMP_USERNAME] = m->name,
            [EMP_ACCOUNT] = m->userid,
            [EMP_MOBILE] = m->mobile,
            [EMP_EMAIL] = m->email,
            [EMP_SEX] = m->gender == '1' ? "male" : "female",
            [EMP_DEPARTMENT] = ids[m->departments[0] - 1],
        };
        add_employee(t, v);
        const char *id = et_text(t->employees.rows[t->employees.count - 1], EMP_ID);
        for (size_t j = 1; j < m->department_count; j++)
            add_post(t, id, ids[m->departments[j] - 1]);
    }
    free(ids);
    free(children);
    company_free(c);
}
