/* The rows of both sides, as the cases write them down. */
#include "drift_company.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void note(void *context, const struct yq_drift_found *found)
{
    struct drift_outcome *o = context;
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

void drift_add_member(struct drift_company *c, const struct drift_member *m)
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
    yq_snapshot_add_wecom(&c->wecom, c->arena, &row);
}

void drift_add_person(struct drift_company *c, const struct drift_person *p)
{
    struct yq_eteams_member row = {.id = p->id,
                                   .name = p->name ? p->name : "",
                                   .mobile = p->mobile ? p->mobile : "",
                                   .email = p->email ? p->email : "",
                                   .sex = p->sex ? p->sex : "",
                                   .job_num = p->job_num ? p->job_num : "",
                                   .in_service = !p->left};
    row.departments = eteams_ids(c->arena, p->departments, &row.department_count);
    yq_snapshot_add_eteams(&c->eteams, c->arena, &row);
}

void drift_add_link(struct drift_company *c, const char *userid, const struct drift_link *l)
{
    size_t count;
    const char *const *posts = eteams_ids(c->arena, l->posts, &count);
    yq_drift_add_member(&c->links, l->userid ? l->userid : userid, l->eteams, l->left, posts,
                        count);
}

void drift_open(struct drift_company *c)
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

void drift_close(struct drift_company *c)
{
    yq_snapshot_release(&c->wecom);
    yq_snapshot_release(&c->eteams);
    yq_drift_links_release(&c->links);
    yq_arena_free(c->arena);
}

void drift_find(struct drift_company *c, const struct yq_policy *policy, struct drift_outcome *ret)
{
    bool wecom = c->wecom.complete, eteams = c->eteams.complete;
    yq_snapshot_seal(&c->wecom);
    yq_snapshot_seal(&c->eteams);
    assert_true(c->wecom.complete == wecom && c->eteams.complete == eteams);
    memset(ret, 0, sizeof(*ret));
    yq_drift_find(&c->wecom, &c->eteams, &c->links, policy, note, ret);
}
