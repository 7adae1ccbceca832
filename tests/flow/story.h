/* What the stories say often: assertions about eteams, the links and the log, each with a sentence
 * about what is there instead. The connection is "acme". */
#ifndef FLOW_STORY_H
#define FLOW_STORY_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/stage.h"

/* A story is a test of cmocka whose stage is ended for it. */
#define STORY(name) cmocka_unit_test_teardown(name, story_over)
int story_over(void **state);
/* The usual beginning: nobody there yet. The answer is *state, too. */
struct stage *story(void **state);
struct stage *story_with(void **state, const struct stage_options *options);

/* POST to a simulator; a refusal fails the test. */
void tell(struct stage *s, enum stage_peer peer, const char *path, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
/* A number of an answer to GET: ask(s, STAGE_ETEAMS, "/_sim/writes", "creates"). A name with a
 * bar goes deeper: "hits|busy"; what is not there is 0. */
int64_t ask(struct stage *s, enum stage_peer peer, const char *path, const char *name);

/* The linked person in service has these values: field, value, …, NULL. "department" is compared
 * with the names, the main one first, the others sorted: "研发,测试". */
void expect_person(struct stage *s, const char *userid, ...) __attribute__((sentinel));
/* Nobody in service is linked with it. */
void expect_nobody(struct stage *s, const char *userid);
/* The person with that name is there and has left; departments: the same way. */
void expect_left(struct stage *s, const char *username, const char *departments);
/* A department of that name stands under the one of that name ("" = the root), and is linked with
 * the id of WeCom (0: not asked). */
void expect_department(struct stage *s, const char *name, const char *parent, unsigned wecom_id);
/* How many departments, or people in service, of that name there are. */
int count_departments(struct stage *s, const char *name);
int count_people(struct stage *s, const char *username);
/* eteams' id of the linked person; caller frees. */
char *person_id(struct stage *s, const char *userid);

/* The newest audit entry of the subject, "field value" line by line; caller frees. */
char *last_audit(struct stage *s, const char *subject);
void expect_in_audit(struct stage *s, const char *subject, const char *text);
void expect_dead(struct stage *s, int count);
/* What the first daemon tells of that series, its labels included; -1 where it is not there. */
double metric(struct stage *s, const char *series);
#define expect_metric(s, series, wanted)                                                           \
    assert_int_equal((int64_t)metric(s, series), (int64_t)(wanted))
void expect_logged(struct stage *s, int daemon, const char *text);
/* Nothing was written twice, nothing lies dead, nothing waits. */
void expect_all_well(struct stage *s);

/* Holds what WeCom sends; lets it go, first come first served (or {"order":"shuffle",…}). */
void hold_events(struct stage *s);
void release_events(struct stage *s, const char *how);
/* The same, but the workers see nothing of it before all of it is there. */
void release_together(struct stage *s, const char *how);
/* Waits until WeCom has delivered all; whatever the queue does with it. */
void await_deliveries(struct stage *s);
/* The command ends with this status; what it printed is not looked at. For the rest there is
 * stage_command. */
#define expect_command(s, status, ...) assert_int_equal(stage_command(s, NULL, __VA_ARGS__), status)
/* Waits until the condition holds; fails with `what` otherwise. */
void await(struct stage *s, bool (*condition)(struct stage *s), const char *what);
void await_log(struct stage *s, int daemon, const char *text);

/* In one change each. */
void wecom_department(struct stage *s, unsigned id, const char *name, unsigned parent);
/* departments: "2,3". The mobile is made of the userid's number. */
void wecom_member(struct stage *s, const char *userid, const char *name, const char *departments);

#endif
