/* Alarms reach a person: a thread that looks at what the connections remember, opens and closes
 * their alarms, and posts those that are open to the receivers of the configuration, each once. It
 * works beside everybody else and holds nobody up.
 *
 * Hash `alarms`: those that are open. Hash `alarmed`: what was done about each; field KEY: its time
 * once it is logged, field "KEY RECEIVER": JSON {"at","attempts","next"}, and {"at","done"} once
 * the receiver took it. Whoever is about to post claims that field first, so that of several
 * processes one does; what a process that dies leaves claimed is posted again after a minute. */
#ifndef YQ_SERVICE_ALARMS_H
#define YQ_SERVICE_ALARMS_H

#include "base/clock.h"
#include "base/error.h"
#include "service/settings.h"

struct yq_alarms;

/* Holds the settings. */
struct yq_alarms *yq_alarms_start(const struct yq_settings *settings, const struct yq_clock *clock,
                                  struct yq_error *err);
/* Takes effect as soon as nothing is being posted. NULL is fine. */
void yq_alarms_reload(struct yq_alarms *a, const struct yq_settings *settings);
/* Lets what is being posted end, for a second. NULL is fine. */
void yq_alarms_stop(struct yq_alarms *a);

#endif
