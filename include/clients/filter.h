/* Which events are meant: those that operators list, replay, retry or export. */
#ifndef YQ_CLIENTS_FILTER_H
#define YQ_CLIENTS_FILTER_H

#include <stdbool.h>

#include "clients/queue.h"

/* A zeroed one takes everything. */
struct yq_event_filter {
    char first[YQ_ENTRY_MAX], last[YQ_ENTRY_MAX]; /* entry ids, both included; "": no bound */
    bool by_kind;
    enum yq_event_kind kind;
    char subject[YQ_SUBJECT_MAX]; /* its key; "": any */
};
/* An event of which not all can be read is passed as broken, and is only taken by its entry. */
bool yq_event_filter_takes(const struct yq_event_filter *f, const char *entry,
                           enum yq_event_kind kind, const struct yq_subject *subject, bool broken);
bool yq_event_filter_takes_time(const struct yq_event_filter *f, const char *entry);

#endif
