/* What operators decide: plans that were held, and which record of eteams a subject is. The checks
 * are made here; what then has to be done is the engine's. */
#ifndef YQ_SERVICE_COMMAND_H
#define YQ_SERVICE_COMMAND_H

#include "scope.h"
#include "service/sync.h"
#include "settle.h"

struct yq_commands {            /* everything is borrowed */
    const struct yq_sync *sync; /* as for a run of the engine; `run` is set by us */
    const struct yq_settle *settle;
};

/* A command about many subjects: a run of its own. */
bool yq_command_stands_alone(const struct yq_group *g);
/* Carries out command.approve: the plan is made anew for the subjects of the held one, and what is
 * in both is done. The group may be gone afterwards. Returns -1 when the turn must end. */
int yq_carry_out_approval(const struct yq_commands *c, struct yq_group *g, struct yq_error *err);

/* Carries out the command.link and command.unlink of these groups, before the engine looks at their
 * subjects. Groups of which nothing is left are taken out of the list. Returns -1 when the run
 * cannot go on. */
int yq_carry_out_links(const struct yq_commands *c, struct yq_group **groups, size_t *count,
                       struct yq_error *err);

#endif
