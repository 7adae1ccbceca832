/* The life of an event, and the names of its kinds. */
#include "model/event.h"

#include <string.h>

static const char *const kind_names[] = {
#define X(name, text) [YQ_EVENT_##name] = text,
    YQ_EVENT_KINDS(X)
#undef X
};

void yq_event_init(struct yq_event *e)
{
    *e = (struct yq_event){
        .kind = YQ_EVENT_UNKNOWN, .subject = yq_subject_all(), .source = "callback"};
}

void yq_event_release(struct yq_event *e)
{
    if (e == NULL)
        return;
    yq_buf_release(&e->data);
    yq_buf_release(&e->raw);
    yq_event_init(e);
}

const char *yq_event_kind_name(enum yq_event_kind kind)
{
    return (unsigned)kind < YQ_EVENT_KIND_COUNT ? kind_names[kind] : "?";
}

int yq_event_kind_parse(const char *name, enum yq_event_kind *ret)
{
    for (int kind = 0; kind < YQ_EVENT_KIND_COUNT; kind++) {
        if (strcmp(name, kind_names[kind]) == 0) {
            *ret = (enum yq_event_kind)kind;
            return 0;
        }
    }
    return -1;
}
