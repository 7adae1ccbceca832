/* One normalised event: "this subject changed", from whoever said so.
 *
 * An event is a hint, never an order (design: the one idea). What it carries in `data` fills in
 * only what cannot be read from WeCom. */
#ifndef YQ_MODEL_EVENT_H
#define YQ_MODEL_EVENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"
#include "model/subject.h"

#define YQ_EVENT_VERSION 1
#define YQ_SOURCE_REPLAY "replay" /* sent again: by replay, or out of the dead letters */
#define YQ_SOURCE_IMPORT "import" /* sent again: from an export, perhaps of somewhere else */
#define YQ_DIGEST_MAX 65          /* SHA-256 in hex, with the NUL */

/* enum, text. One table: the enum and its names cannot drift apart. */
#define YQ_EVENT_KINDS(X)                                                                          \
    X(MEMBER_CREATED, "member.created")                                                            \
    X(MEMBER_UPDATED, "member.updated")                                                            \
    X(MEMBER_DELETED, "member.deleted")                                                            \
    X(MEMBER_ENTERED, "member.entered") /* subscribe: came into the app's visible range */         \
    X(MEMBER_LEFT, "member.left")       /* unsubscribe: out of sight, or left; no removal */       \
    X(DEPARTMENT_CREATED, "department.created")                                                    \
    X(DEPARTMENT_UPDATED, "department.updated")                                                    \
    X(DEPARTMENT_DELETED, "department.deleted")                                                    \
    X(TAG_UPDATED, "tag.updated")                                                                  \
    X(ADMINS_CHANGED, "admins.changed")                                                            \
    X(JOB_FINISHED, "job.finished")                                                                \
    X(AUTH_CREATED, "auth.created")                                                                \
    X(AUTH_CHANGED, "auth.changed")                                                                \
    X(AUTH_CANCELLED, "auth.cancelled")                                                            \
    X(SUITE_TICKET, "suite.ticket")                                                                \
    X(COMMAND_SYNC, "command.sync")                                                                \
    X(COMMAND_PUSH, "command.push")                                                                \
    X(COMMAND_APPROVE, "command.approve")                                                          \
    X(COMMAND_LINK, "command.link")                                                                \
    X(COMMAND_UNLINK, "command.unlink")                                                            \
    X(COMMAND_SUPERIORS, "command.superiors")                                                      \
    X(COMMAND_REPLAY, "command.replay")                                                            \
    X(SUPERIOR_CHANGED, "superior.changed") /* our own: a superior came into eteams, or left */    \
    X(CASE_REOPENED, "case.reopened")       /* our own: what stood in the way has changed */       \
    X(UNKNOWN, "unknown")                   /* authentic, but not understood: kept raw */

/* One of the two. */
bool yq_source_is_again(const char *source);

enum yq_event_kind {
#define X(name, text) YQ_EVENT_##name,
    YQ_EVENT_KINDS(X)
#undef X
        YQ_EVENT_KIND_COUNT
};

struct yq_event {
    enum yq_event_kind kind;
    struct yq_subject subject;
    const char *source; /* "callback", "command", "replay", "import", "yunqiao"; static text */
    const char *origin; /* of one that is sent again: the entry it first came in; or NULL */
    int64_t at;         /* seconds since 1970, as WeCom says; 0 = it does not say */
    char digest[YQ_DIGEST_MAX]; /* SHA-256 of raw, for inspection only (decisions.md 39) */
    struct yq_buf data;         /* JSON, see docs/events.md */
    struct yq_buf raw;          /* the decrypted text */
};

/* The JSON in `data`, by subject; every member but the id may be missing, which means "not said":
 *   member      {"userid","new_userid","name","departments":[7,12],"main_department":12,
 *                "leader_in":[0,1],"direct_leaders":["wang.wei"],"position","mobile","email",
 *                "gender":"1","status":1,"alias","telephone"}
 *   department  {"id":12,"name","parent":7,"order":100}
 *   tag         {"id":5,"add_members":[],"remove_members":[],"add_departments":[],
 *                "remove_departments":[]}
 *   member.entered, member.left   {"userid"}
 *   job         {"job_id","job_type","error_code":"0","error_message"}
 *   command.approve  {"hash"}; command.link  {"eteams"}; command.superiors  {"restore"}
 *   command.replay   {"first","last","kind","subject","entries":[]}; which: service/replay.h
 *   others      {} or what the kind needs
 * An element that is present but empty appears as "" or []: WeCom cleared it. What is malformed
 * counts as not said: a number; a list with a malformed number in it; `leader_in` that is not as
 * long as `departments`, to which it is parallel. Malformed userids are dropped from their list. */

void yq_event_init(struct yq_event *e);
void yq_event_release(struct yq_event *e);

const char *yq_event_kind_name(enum yq_event_kind kind);
/* WeCom said that something changed: a hint, which may be given again at any time. All others are
 * orders, carry what works but once, or are our own. Unknown ones may be reports that a mended
 * parser knows. */
bool yq_event_kind_is_report(enum yq_event_kind kind);
/* Returns 0, or -1 for a name that is not in the table. */
int yq_event_kind_parse(const char *name, enum yq_event_kind *ret);

/* Reader of decrypted texts: one expat parser, reused, with its hash salt drawn once and set again
 * for every text. Belongs to one thread. */
struct yq_event_reader;
struct yq_event_reader *yq_event_reader_new(void);
void yq_event_reader_free(struct yq_event_reader *r);

/* Turns a decrypted text (XML of shape S, wecom.md §2; or its JSON twin, when the first non-blank
 * byte is '{') into an event. Whatever is well authenticated but not understood (not XML, no known
 * Event or ChangeType, an id that is missing or malformed) becomes YQ_EVENT_UNKNOWN with subject
 * "all", so that this never fails; *ret_why then says why (static text), else NULL. `e` must be
 * initialised; its former contents are replaced, its memory reused. */
void yq_event_read(struct yq_event_reader *r, const char *text, size_t len, struct yq_event *e,
                   const char **ret_why);

#endif
