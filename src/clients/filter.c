/* Comparing events with what an operator asked for. */
#include "clients/filter.h"

#include <string.h>

#include "clients/store_inspect.h"

bool yq_event_filter_takes_time(const struct yq_event_filter *f, const char *entry)
{
    if (f->first[0] != '\0' && yq_entry_compare(entry, f->first) < 0)
        return false;
    return f->last[0] == '\0' || yq_entry_compare(entry, f->last) <= 0;
}

bool yq_event_filter_takes(const struct yq_event_filter *f, const char *entry,
                           enum yq_event_kind kind, const struct yq_subject *subject, bool broken)
{
    char key[YQ_SUBJECT_MAX];
    if (!yq_event_filter_takes_time(f, entry))
        return false;
    if (f->by_kind && (broken || kind != f->kind))
        return false;
    if (f->subject[0] == '\0')
        return true;
    if (broken)
        return false;
    yq_subject_key(subject, key);
    return strcmp(key, f->subject) == 0;
}
