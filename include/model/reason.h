/* Why the bridge did a thing, or did not: a code with up to three arguments, so that it can be
 * stored once and read in English and Chinese. One table; docs/events.md lists the same. */
#ifndef YQ_MODEL_REASON_H
#define YQ_MODEL_REASON_H

#include "base/buf.h"

/* code, name, English sentence: %1 %2 %3 are the arguments. */
#define YQ_REASONS(X)                                                                              \
    X(NONE, "none", "")                                                                            \
    X(IN_STEP, "in_step", "both sides already agree")                                              \
    X(NOT_IN_ETEAMS, "not_in_eteams",                                                              \
      "eteams does not have this subject, so there is nothing to do")                              \
    X(OUT_OF_SIGHT, "out_of_sight",                                                                \
      "the reading app cannot see it; nobody is removed for being out of sight")                   \
    X(NOT_YET_READABLE, "not_yet_readable", "WeCom does not show it yet; tried again later")       \
    X(UNREADABLE, "unreadable", "it could not be read: %1")                                        \
    X(NO_NAME, "no_name", "the department has no readable name, so it is not created")             \
    X(PARENT_WAITS, "parent_waits", "department %1, which it needs, could not be settled: %2")     \
    X(NO_DEPARTMENTS, "no_departments", "the departments of the member cannot be read")            \
    X(LEFT_IN_WECOM, "left_in_wecom", "the member has left in WeCom and is not created")           \
    X(ALREADY_LEFT, "already_left", "the person has already left in eteams")                       \
    X(TO_ROOT, "to_root", "none of its departments is visible: placed under the root")             \
    X(PROTECTED, "protected", "the configuration says never to touch it")                          \
    X(GUARD_HELD, "guard_held", "held by the guard: %1 would be removed, the limit is %2 (%3)")    \
    X(GUARD_WOULD_HOLD, "guard_would_hold",                                                        \
      "the guard would hold it: %1 would be removed, the limit is %2")                             \
    X(LAST_ADMINISTRATOR, "last_administrator",                                                    \
      "would remove the last administrator of eteams: not done")                                   \
    X(ADMINISTRATORS_UNKNOWN, "administrators_unknown",                                            \
      "who administers eteams cannot be read, so nobody is resigned")                              \
    X(SEVERAL_HITS, "several_hits", "more than one person in eteams could be this member: %1")     \
    X(LOOKS_LIKE, "looks_like", "could be the same person as %1: decided by a person")             \
    X(NAMESAKE, "namesake",                                                                        \
      "by name and department it could be %1 in eteams, and neither mobile nor e-mail can be "     \
      "read: decided by a person")                                                                 \
    X(NAME_DIFFERS, "name_differs", "job number %1 exists in eteams under another name")           \
    X(NAME_TAKEN, "name_taken",                                                                    \
      "department %1 of that name, which has no link, is in the way: the old name stays")          \
    X(NAME_LINKED, "name_linked",                                                                  \
      "the department of that name is already linked with department %1")                          \
    X(KEY_TAKEN, "key_taken", "its %1 is held in eteams by %2")                                    \
    X(LEFT_IN_ETEAMS, "left_in_eteams",                                                            \
      "the person has left in eteams but works in WeCom: decided by a person")                     \
    X(USERID_CHANGED, "userid_changed", "the userid changed from %1")                              \
    X(MADE_TWICE, "made_twice",                                                                    \
      "made by us before the change of userid was known: withdrawn for %1")                        \
    X(LINK_STALE, "link_stale", "eteams no longer has record %1: link dropped")                    \
    X(DEPARTMENT_GONE, "department_gone",                                                          \
      "the department is gone in WeCom: link removed, eteams' own stays")                          \
    X(DEPARTMENT_KEPT, "department_kept",                                                          \
      "gone in WeCom, but not empty while the guard holds a plan: kept until that is decided")     \
    X(OLDER_NEWS, "older_news", "an event of %1 is older than what was heard before")              \
    X(PEER_REFUSED, "peer_refused", "eteams refused: %1")                                          \
    X(ANSWER_LOST, "answer_lost", "the answer was lost: read back before anything is repeated")    \
    X(EVENT_UNREADABLE, "event_unreadable", "event %1 cannot be read: %2")                         \
    X(RECONCILE_OWED, "reconcile_owed", "a full reconcile would be owed")                          \
    X(OVERTAKEN, "overtaken", "events brought news of it meanwhile, and decide")                   \
    X(NOT_A_HINT, "not_a_hint", "an event of this kind asks for nothing")                          \
    X(NO_SCOPE, "no_scope", "only persons are ticked: tick departments or tags in WeCom")          \
    X(GAVE_UP, "gave_up", "given up after %1 attempts: %2")                                        \
    X(TAGS_BY_RECONCILE, "tags_by_reconcile", "tags are read by the full reconcile")               \
    X(PLAN_UNKNOWN, "plan_unknown",                                                                \
      "no plan %1 is held: it was approved already, has expired, or never was")                    \
    X(PLAN_EXPIRED, "plan_expired", "plan %1 has expired: what it held is asked about anew")       \
    X(PLAN_REPLACED, "plan_replaced", "plan %1 was replaced by the newer plan %2")                 \
    X(NOT_APPROVED, "not_approved", "not in the plan that was approved: left to its own events")   \
    X(HELD_AGAIN, "held_again", "not in the plan that was approved: held again as plan %1")        \
    X(STILL_HELD, "still_held", "waits for approval already, now as plan %1")                      \
    X(NO_RECORD, "no_record", "eteams has no record %1")                                           \
    X(RECORD_UNFIT, "record_unfit",                                                                \
      "record %1 has left, is disabled, is a secondary identity or the root: not linked")          \
    X(RECORD_TAKEN, "record_taken", "record %1 is linked with %2 already")                         \
    X(LINKED_ALREADY, "linked_already", "it is linked with record %1 already: unlink it first")    \
    X(NOT_LINKED, "not_linked", "it is not linked with anything in eteams")                        \
    X(SUPERIOR_DIRECT, "superior_direct", "WeCom names %1 as direct leader")                       \
    X(SUPERIOR_OF_DEPARTMENT, "superior_of_department", "%1 leads department %2 in WeCom")         \
    X(POST_UNSEEN, "post_unseen",                                                                  \
      "whether it still belongs to department %1 cannot be seen: that part-time post stays")       \
    X(NO_SUPERIOR, "no_superior", "WeCom names no superior")                                       \
    X(SUPERIOR_AWAITED, "superior_awaited",                                                        \
      "%1, a superior by WeCom, is not in service in eteams: left out until then")                 \
    X(SUPERIOR_UNKNOWN, "superior_unknown",                                                        \
      "who the superior is cannot be read: it stays as it is")                                     \
    X(SUPERIOR_RING, "superior_ring",                                                              \
      "%1, the superior by WeCom, is below this person: left out, decided by a person")            \
    X(SUPERIOR_WAITS, "superior_waits",                                                            \
      "%1, the superior by WeCom, is below this person in eteams until %2 is in step")             \
    X(SUPERIOR_CLEARED, "superior_cleared",                                                        \
      "superiors follow WeCom from now on: cleared, kept in backup %1")                            \
    X(SUPERIOR_CLEARED_FIRST, "superior_cleared_first",                                            \
      "superiors follow WeCom from now on: kept, and cleared first")                               \
    X(SUPERIOR_RESTORED, "superior_restored", "put back from backup %1")                           \
    X(SUPERIORS_ON, "superiors_on",                                                                \
      "superiors follow WeCom now: set sync.superiors to false, and restart, before")              \
    X(NO_BACKUP, "no_backup", "there is no backup %1 of superiors")                                \
    X(BAD_COMMAND, "bad_command", "the command cannot be understood: %1")

enum yq_reason_code {
#define X(code, name, text) YQ_REASON_##code,
    YQ_REASONS(X)
#undef X
        YQ_REASON_COUNT
};

struct yq_reason {
    enum yq_reason_code code;
    const char *args[3]; /* NULL where unused; owned by whoever owns the reason */
};

const char *yq_reason_name(enum yq_reason_code code);
int yq_reason_parse(const char *name, enum yq_reason_code *ret);
/* The English sentence with %1 %2 %3 in place: also the message id for translation. */
const char *yq_reason_template(enum yq_reason_code code);
/* Writes `sentence` (a template, perhaps translated) with the arguments filled in. */
void yq_reason_format(const struct yq_reason *r, const char *sentence, struct yq_buf *out);

#endif
