/* What the two halves of carrying out an operation share: world_apply.c and world_people.c. */
#ifndef TEST_WORLD_ACT_H
#define TEST_WORLD_ACT_H

#include "world.h"

struct act {
    struct world *w;
    const struct yq_operation *op;
    struct yq_buf *complaints;
    size_t lines;
};

/* One line; detail may be NULL. */
void world_complain(struct act *a, const char *what, const char *detail);
/* The department that a ref stands for now; NULL with a complaint. */
const char *world_resolve(struct act *a, struct yq_ref ref);
const struct yq_change *world_change(const struct yq_operation *op, const char *field);
/* NULL and "" are the same. */
bool world_same(const char *a, const char *b);

void world_relink_member(struct act *a);
void world_unlink_member(struct act *a);
/* Returns the new link. */
struct yq_link_member *world_make_member_link(struct act *a, const char *eteams);
void world_rehire_member(struct act *a);
void world_create_member(struct act *a);
void world_update_member(struct act *a);
void world_resign_member(struct act *a);
void world_add_post(struct act *a);
void world_remove_post(struct act *a);
void world_set_superiors(struct act *a);

#endif
