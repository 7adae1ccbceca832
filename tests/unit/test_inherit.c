/* Sockets that the system passes: known by name or by order, and nothing else is taken for one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "../../src/service/inherit.h"

#define NOT_LISTENING 'n'
#define LISTENING 'l'
#define LOCAL 'u'

struct passed {
    const char *kinds; /* of the descriptors from 3 on */
    const char *names; /* NULL: not given */
    const char *expected;
    int pid; /* 0: our own */
};

static void make(int at, char kind)
{
    int fd = socket(kind == LOCAL ? AF_UNIX : AF_INET, SOCK_STREAM, 0);
    if (fd != at && (dup2(fd, at) < 0 || close(fd) != 0))
        _exit(9);
    if (kind != NOT_LISTENING && kind != LOCAL && listen(at, 1) != 0)
        _exit(9);
}

/* In a process of its own, whose descriptors are its own. */
static void inherit(const struct passed *p, int out)
{
    struct yq_inheritance h = YQ_INHERITANCE_NONE;
    struct yq_error err = {0};
    char text[64];
    (void)dup2(out, 30);
    for (int i = 0; p->kinds[i] != '\0'; i++)
        make(3 + i, p->kinds[i]);
    (void)snprintf(text, sizeof(text), "%d", p->pid != 0 ? p->pid : (int)getpid());
    (void)setenv("LISTEN_PID", text, 1);
    (void)snprintf(text, sizeof(text), "%zu", strlen(p->kinds));
    (void)setenv("LISTEN_FDS", text, 1);
    if (p->names != NULL)
        (void)setenv("LISTEN_FDNAMES", p->names, 1);
    int rc = yq_inherit_from_system(&h, &err);
    (void)snprintf(text, sizeof(text), "%d %d %d", rc, h.fds[0], h.fds[1]);
    if (getenv("LISTEN_FDS") != NULL || getenv("LISTEN_PID") != NULL)
        (void)snprintf(text, sizeof(text), "the environment still has it");
    _exit(write(30, text, strlen(text)) > 0 ? 0 : 9);
}

static void test_what_is_passed(void **state)
{
    static const struct passed cases[] = {
        {"", NULL, "0 -1 -1", 0},
        {"l", NULL, "0 3 -1", 0},
        {"ll", NULL, "0 3 4", 0},
        {"ll", "admin:callbacks", "0 4 3", 0},
        {"l", "admin", "0 -1 3", 0},
        {"ll", "yunqiao.socket:yunqiao.socket", "0 3 4", 0},
        {"ll", "yunqiao.socket:callbacks", "0 4 3", 0},
        {"lll", NULL, "-1 3 4", 0},
        {"ll", "admin:admin", "-1 -1 3", 0},
        {"n", NULL, "-1 -1 -1", 0},
        {"u", NULL, "-1 -1 -1", 0},
        {"l", NULL, "0 -1 -1", 1}, /* somebody else's */
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char got[64] = "";
        int ends[2], status = -1;
        assert_int_equal(pipe(ends), 0);
        pid_t pid = fork();
        if (pid == 0)
            inherit(&cases[i], ends[1]);
        (void)close(ends[1]);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_int_equal(status, 0);
        assert_true(read(ends[0], got, sizeof(got) - 1) > 0);
        (void)close(ends[0]);
        if (strcmp(got, cases[i].expected) != 0)
            fail_msg("case %zu: %s, not %s", i, got, cases[i].expected);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_what_is_passed)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
