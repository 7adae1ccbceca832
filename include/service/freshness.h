/* Which fields WeCom really tells us, and by which way: noted from the events that were worked on
 * and the rows that were read, kept in the hash `fields` of a connection, shown by `doctor`. Never
 * guessed: a field that was neither seen nor missed stands nowhere.
 *
 * Field of the hash -> milliseconds when it was so last: "event:member.mobile" (an event about a
 * change of a member carried it), "read:member.mobile" (a row that was read had it),
 * "unread:member.mobile" (rows were read, and none had it), "events:member" (there was such an
 * event at all). Written when it is news, otherwise at most once a minute. */
#ifndef YQ_SERVICE_FRESHNESS_H
#define YQ_SERVICE_FRESHNESS_H

#include "clients/store_inspect.h"
#include "model/link.h"

/* Of departments; those of members are YQ_MEMBER_FIELDS. */
#define YQ_DEPARTMENT_FIELDS(X)                                                                    \
    X(NAME, "name")                                                                                \
    X(PARENT, "parent")                                                                            \
    X(ORDER, "order")                                                                              \
    X(LEADERS, "leaders")

/* Fields of members have the numbers of enum yq_member_field; behind them the position, as
 * YQ_KNOWN_POSITION, and the departments' fields. */
enum yq_seen_field {
    YQ_SEEN_POSITION = YQ_MEMBER_FIELD_COUNT,
    YQ_SEEN_DEPARTMENTS,
    YQ_SEEN_BEFORE = YQ_SEEN_DEPARTMENTS - 1,
#define X(name, text) YQ_SEEN_DEPARTMENT_##name,
    YQ_DEPARTMENT_FIELDS(X)
#undef X
        YQ_SEEN_COUNT
};

/* "member.mobile", "department.name". Static text. */
const char *yq_seen_field_name(unsigned field);

/* How a field reaches us. */
enum yq_freshness_kind {
    YQ_FRESHNESS_UNKNOWN,    /* nothing was read or received so far that could have had it */
    YQ_FRESHNESS_EVENTS,     /* events carry it, and it can be read */
    YQ_FRESHNESS_EVENT_ONLY, /* events carry it, but it cannot be read */
    YQ_FRESHNESS_RECONCILE,  /* it can be read; no event ever carried it */
    YQ_FRESHNESS_UNREADABLE, /* rows are read without it, and no event carries it */
};
struct yq_freshness {
    enum yq_freshness_kind kind;
    int64_t event_ms, read_ms, unread_ms; /* when last; 0: never */
    int64_t events_ms; /* when an event about a change of such a subject came last at all */
};
/* `fields`: the hash. A field counts as unreadable when rows were read without it for a day. */
struct yq_freshness yq_freshness_of(const struct yq_pairs *fields, unsigned field);

#endif
