/* The stage's processes: started with files for their output, ended by their ids. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/memory.h"
#include "stage_inner.h"
#include "support/wait.h"

#define START_MS 60000
#define END_MS 30000
#define WORDS_MAX 48

int stage_patience(int ms)
{
    const char *factor = getenv("YQ_STAGE_PATIENCE");
    int n = factor != NULL ? atoi(factor) : 1;
    return ms * (n > 0 ? n : 1);
}

char *stage_file(struct stage *s, const char *name)
{
    struct yq_buf text = YQ_BUF_INIT;
    char chunk[16 * 1024];
    size_t n;
    char *path = yq_printf("%s/%s", s->directory, name);
    FILE *f = fopen(path, "rb");
    while (f != NULL && (n = fread(chunk, 1, sizeof(chunk), f)) > 0)
        yq_buf_add(&text, chunk, n);
    if (f != NULL)
        (void)fclose(f); /* only read */
    free(path);
    return yq_buf_steal(&text);
}

static void redirect(struct stage *s, const char *name, const char *suffix, int flags, int to)
{
    char path[128];
    (void)snprintf(path, sizeof(path), "%s/%s.%s", s->directory, name, suffix);
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | flags, 0600);
    if (fd < 0 || dup2(fd, to) < 0)
        _exit(126);
}

/* As the system passes a socket. Our own number is only known here. */
static void pass_listener(int fd)
{
    char pid[24];
    (void)snprintf(pid, sizeof(pid), "%ld", (long)getpid());
    if ((fd == 3 ? fcntl(fd, F_SETFD, 0) : dup2(fd, 3)) < 0 || setenv("LISTEN_PID", pid, 1) != 0 ||
        setenv("LISTEN_FDS", "1", 1) != 0 || setenv("LISTEN_FDNAMES", "callbacks", 1) != 0)
        _exit(124);
}

/* It raises what it may, so for good. */
static void limit_descriptors(rlim_t most)
{
    const struct rlimit limit = {most, most};
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0)
        _exit(123);
}

static void become(struct stage *s, const char *name, const char *const *argv, pid_t parent)
{
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL); /* a crashed test leaves nothing behind */
    if (getppid() != parent)
        _exit(125);
    redirect(s, name, "out", O_TRUNC, STDOUT_FILENO);
    redirect(s, name, "log", O_APPEND, STDERR_FILENO);
    if (!s->real_clock)
        (void)setenv("YUNQIAO_CLOCK", s->clock_file, 1);
    if (s->passed_fd > 0 && strncmp(name, "daemon", 6) == 0)
        pass_listener(s->passed_fd);
    if (s->descriptors > 0 && strncmp(name, "daemon", 6) == 0)
        limit_descriptors((rlim_t)s->descriptors);
    execvp(argv[0], (char *const *)argv);
    _exit(127);
}

void stage_spawn(struct stage *s, struct stage_process *p, const char *const *argv, bool wrapped)
{
    const char *words[WORDS_MAX] = {0}, *wrap = wrapped ? getenv("YQ_STAGE_WRAP") : NULL;
    char *copy = yq_strdup(wrap != NULL ? wrap : ""), *rest = copy;
    size_t n = 0;
    for (char *word; (word = strtok_r(rest, " ", &rest)) != NULL && n < WORDS_MAX / 2;)
        words[n++] = word;
    for (size_t i = 0; argv[i] != NULL && n < WORDS_MAX - 1; i++)
        words[n++] = argv[i];
    pid_t parent = getpid();
    char *out = yq_printf("%s/%s.out", s->directory, p->name);
    (void)unlink(out); /* nobody shall read what an earlier one said */
    free(out);
    (void)fflush(NULL);
    p->pid = fork();
    if (p->pid == 0)
        become(s, p->name, words, parent);
    free(copy);
    if (p->pid < 0) {
        p->pid = 0;
        stage_fail(s, "%s cannot be started", p->name);
    }
}

bool stage_process_runs(struct stage_process *p)
{
    if (p->pid > 0 && waitpid(p->pid, NULL, WNOHANG) == p->pid)
        p->pid = 0;
    return p->pid > 0;
}

struct line_wait {
    struct stage *s;
    struct stage_process *process;
    const char *word;
    char *ret;
    size_t size;
    bool found;
};

static bool find_line(struct line_wait *w)
{
    char name[32];
    size_t len = strlen(w->word);
    (void)snprintf(name, sizeof(name), "%s.out", w->process->name);
    char *text = stage_file(w->s, name), *rest = text, *end;
    while (!w->found && (end = strchr(rest, '\n')) != NULL) {
        *end = '\0';
        if (strncmp(rest, w->word, len) == 0 && (rest[len] == ' ' || rest[len] == '\0')) {
            w->found = true;
            (void)snprintf(w->ret, w->size, "%s", rest[len] == ' ' ? rest + len + 1 : "");
        }
        rest = end + 1;
    }
    free(text);
    return w->found;
}

static bool line_or_end(void *arg)
{
    struct line_wait *w = arg;
    bool runs = stage_process_runs(w->process);
    return find_line(w) || !runs;
}

void stage_await_line(struct stage *s, struct stage_process *p, const char *word, char *ret,
                      size_t size)
{
    struct line_wait w = {s, p, word, ret, size, false};
    (void)yq_wait_until(line_or_end, &w, stage_patience(START_MS));
    if (!w.found)
        stage_fail(s, "%s does not say \"%s\"", p->name, word);
}

struct end_wait {
    pid_t pid;
    int status;
};

static bool has_ended(void *arg)
{
    struct end_wait *w = arg;
    return waitpid(w->pid, &w->status, WNOHANG) == w->pid;
}

int stage_await_process(struct stage_process *p)
{
    struct end_wait w = {.pid = p->pid};
    if (p->pid <= 0)
        return 0;
    if (!yq_wait_until(has_ended, &w, stage_patience(END_MS))) {
        (void)kill(p->pid, SIGKILL);
        (void)waitpid(p->pid, &w.status, 0);
    }
    p->pid = 0;
    return w.status;
}

int stage_end_process(struct stage_process *p, int signal)
{
    if (p->pid <= 0)
        return 0;
    (void)kill(p->pid, SIGCONT); /* a stopped one hears nothing else */
    (void)kill(p->pid, signal);
    return stage_await_process(p);
}

void stage_print_log(struct stage *s, const char *name)
{
    char file[32];
    (void)snprintf(file, sizeof(file), "%s.log", name);
    char *text = stage_file(s, file), *at = text + strlen(text);
    for (int lines = 0; at > text && lines < 60; at--)
        lines += at[-1] == '\n';
    if (*text != '\0')
        (void)fprintf(stderr, "---- the end of %s ----\n%s\n", file, at);
    free(text);
}

void stage_fail(struct stage *s, const char *format, ...)
{
    char text[1024];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    for (int i = 0; i < STAGE_DAEMONS; i++)
        stage_print_log(s, s->daemons[i].process.name);
    fail_msg("%s", text);
    abort(); /* never reached: fail_msg jumps */
}
