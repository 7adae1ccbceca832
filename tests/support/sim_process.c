/* Starting and ending a simulator. */
#include "support/sim_process.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/memory.h"

#define WORDS_MAX 24

struct sim_process {
    pid_t pid;
    FILE *out; /* open as long as it runs: whoever writes to a closed pipe is ended */
    char url[64], clock_file[64];
};

static void die(const char *what)
{
    perror(what);
    abort();
}

static void become(const struct sim_process *s, const char *words, const int ends[2])
{
    char *rest = yq_strdup(words), *argv[WORDS_MAX] = {(char[]){"yunqiao-sim"}};
    for (size_t n = 1; n + 1 < WORDS_MAX && (argv[n] = strtok_r(rest, " ", &rest)) != NULL;)
        n++;
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL); /* a crashed test leaves nothing behind */
    (void)dup2(ends[1], STDOUT_FILENO);
    (void)close(ends[0]);
    (void)close(ends[1]);
    (void)setenv("YUNQIAO_CLOCK", s->clock_file, 1);
    execv(YQ_SIM, argv);
    _exit(127);
}

struct sim_process *sim_process_start(const char *words)
{
    struct sim_process *s = yq_calloc(1, sizeof *s);
    int ends[2], fd;
    (void)snprintf(s->clock_file, sizeof s->clock_file, "/tmp/yq-clock-XXXXXX");
    fd = mkstemp(s->clock_file);
    if (fd < 0 || pipe(ends) < 0)
        die("sim_process_start");
    (void)close(fd);
    sim_process_move_clock(s, 0);
    s->pid = fork();
    if (s->pid < 0)
        die("fork");
    if (s->pid == 0)
        become(s, words, ends);
    (void)close(ends[1]);
    s->out = fdopen(ends[0], "r");
    if (s->out == NULL || fscanf(s->out, "listening %63s", s->url) != 1)
        die("yunqiao-sim does not come up");
    return s;
}

bool sim_process_stop(struct sim_process *s)
{
    int status = -1;
    (void)kill(s->pid, SIGTERM);
    (void)waitpid(s->pid, &status, 0);
    (void)fclose(s->out); /* only read */
    (void)unlink(s->clock_file);
    free(s);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

const char *sim_process_url(const struct sim_process *s)
{
    return s->url;
}

void sim_process_move_clock(struct sim_process *s, int64_t ms)
{
    FILE *f = fopen(s->clock_file, "r+b");
    if (f == NULL || fwrite(&ms, sizeof ms, 1, f) != 1 || fclose(f) != 0)
        die(s->clock_file);
}
