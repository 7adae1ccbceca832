/* A libevent loop on a thread of its own, with what a test builds on it. */
#ifndef YQ_TESTS_SUPPORT_LOOP_H
#define YQ_TESTS_SUPPORT_LOOP_H

#include <event2/event.h>

struct test_loop;

struct test_loop *test_loop_new(void);
struct event_base *test_loop_base(struct test_loop *l);
void test_loop_start(struct test_loop *l);
/* Runs fn on the loop's thread, and waits for it. */
void test_loop_call(struct test_loop *l, void (*fn)(void *arg), void *arg);
/* Stops the thread; what is on the base may now be taken down. */
void test_loop_stop(struct test_loop *l);
void test_loop_free(struct test_loop *l);

#endif
