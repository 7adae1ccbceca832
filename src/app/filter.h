/* --kind, --subject, --from, --to: which events a command is about. */
#ifndef YQ_APP_FILTER_H
#define YQ_APP_FILTER_H

#include "arguments.h"
#include "clients/filter.h"

struct yq_filter_options {
    const char *kind, *subject, *from, *to; /* as typed; NULL: not given */
};
#define YQ_FILTER_ARGUMENTS(o)                                                                     \
    {"--kind", &(o)->kind, NULL}, {"--subject", &(o)->subject, NULL},                              \
        {"--from", &(o)->from, NULL},                                                              \
    {                                                                                              \
        "--to", &(o)->to, NULL                                                                     \
    }

bool yq_filter_given(const struct yq_filter_options *o);
int yq_filter_parse(const struct yq_filter_options *o, int64_t now_ms, struct yq_event_filter *ret,
                    struct yq_error *err);
/* An entry id: "1767225600000-0", or without its second part the first of that millisecond. */
bool yq_is_entry_id(const char *text);

#endif
