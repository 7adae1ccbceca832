/* The settings that hold now, for a part that reads them on a thread of its own. */
#ifndef YQ_SRC_SERVICE_CURRENT_H
#define YQ_SRC_SERVICE_CURRENT_H

#include <pthread.h>

#include "service/settings.h"

struct yq_current {
    pthread_mutex_t lock;
    const struct yq_settings *settings; /* held */
};

void yq_current_init(struct yq_current *c, const struct yq_settings *first);
/* From now on these. Those from before live as long as somebody has taken them. */
void yq_current_set(struct yq_current *c, const struct yq_settings *next);
/* Held for the caller, who gives them back with yq_settings_free. */
const struct yq_settings *yq_current_take(struct yq_current *c);
void yq_current_release(struct yq_current *c);

#endif
