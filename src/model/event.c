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

bool yq_source_is_again(const char *source)
{
    return strcmp(source, YQ_SOURCE_REPLAY) == 0 || strcmp(source, YQ_SOURCE_IMPORT) == 0;
}

bool yq_event_kind_is_report(enum yq_event_kind kind)
{
    switch (kind) {
    case YQ_EVENT_MEMBER_CREATED:
    case YQ_EVENT_MEMBER_UPDATED:
    case YQ_EVENT_MEMBER_DELETED:
    case YQ_EVENT_MEMBER_ENTERED:
    case YQ_EVENT_MEMBER_LEFT:
    case YQ_EVENT_DEPARTMENT_CREATED:
    case YQ_EVENT_DEPARTMENT_UPDATED:
    case YQ_EVENT_DEPARTMENT_DELETED:
    case YQ_EVENT_TAG_UPDATED:
    case YQ_EVENT_ADMINS_CHANGED:
    case YQ_EVENT_JOB_FINISHED:
    case YQ_EVENT_AUTH_CHANGED:
    case YQ_EVENT_UNKNOWN:
        return true;
    default:
        return false;
    }
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
