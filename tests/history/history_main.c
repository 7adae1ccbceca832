/* Random histories: yunqiao-history [--seed N | --from N --count N] [--jobs N] [--guard | --lose |
 * --beside]
 *
 * --seed plays one and prints everything; the others play many, several side by side, each on a
 * stage of its own. Ends with how often every class of faults was hit: none may be missing in a run
 * of at least so many histories as the tests play. --lose: events get lost, and one full reconcile
 * heals; --beside: the same, with more of them in between, during which both sides are changed.
 * YQ_HISTORIES is the default of --count. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "history.h"

#define COUNT 100
#define COUNT_FOR_ALL_FAULTS 20 /* below, a class may be missing by chance */
#define STAGE_LIFE 25           /* so many histories on one stage: its logs grow */
#define JOBS_MAX 16

static const char top_yaml[] = "lease: 2s\n"
                               "log: { level: info }\n";
/* Nobody reconciles (stage.h): events alone must do it. */
static const char roomy[] = "    sync:\n"
                            "      removals: { max: 100000, percent: 100, per_day: 1000000 }\n";
static const char narrow[] = "    sync:\n"
                             "      removals: { max: 3, percent: 1, per_day: 3 }\n";

struct run {
    uint64_t from, count;
    int jobs;
    bool guard, loses, beside, talks;
    uint64_t done, wrong, changes, to_people, to_reconcile;
    uint64_t hits[HISTORY_FAULT_COUNT];
};

/* What a job tells when a history is over; begun only: it did not end. */
struct report {
    uint64_t seed;
    bool begun, well;
    uint64_t changes, to_people, to_reconcile;
    uint64_t hits[HISTORY_FAULT_COUNT];
};

struct job {
    pid_t pid;
    int pipe;
    uint64_t next, at; /* the seed to go on with; the one that is being played */
    bool playing;
};

static void put(int fd, const struct report *r)
{
    if (write(fd, r, sizeof(*r)) != (ssize_t)sizeof(*r))
        _exit(3); /* nobody listens any more */
}

static struct stage *new_stage(const struct run *run, uint64_t seed)
{
    return stage_new(&(struct stage_options){.seed = seed,
                                             .connection_yaml = run->guard ? narrow : roomy,
                                             .top_yaml = top_yaml,
                                             .no_daemon = true});
}

/* Plays every `jobs`-th seed from `seed` on. */
static void play(const struct run *run, uint64_t seed, int fd)
{
    struct stage *s = NULL;
    int age = 0;
    for (; seed < run->from + run->count; seed += (uint64_t)run->jobs) {
        if (s == NULL || age++ == STAGE_LIFE) {
            stage_free(s);
            s = new_stage(run, seed);
            age = 0;
        }
        put(fd, &(struct report){.seed = seed, .begun = true});
        struct history h = {.s = s,
                            .seed = seed,
                            .guard = run->guard,
                            .loses = run->loses,
                            .beside = run->beside,
                            .talks = run->talks};
        struct report r = {.seed = seed, .well = history_run(&h)};
        r.changes = h.changes;
        r.to_people = h.left_to_people;
        r.to_reconcile = h.left_to_reconcile;
        memcpy(r.hits, h.hits, sizeof(r.hits));
        put(fd, &r);
    }
    stage_free(s);
}

static bool start_job(struct run *run, struct job *j)
{
    int ends[2];
    if (j->next >= run->from + run->count || pipe(ends) < 0)
        return false;
    (void)fflush(NULL);
    j->pid = fork();
    if (j->pid == 0) {
        (void)close(ends[0]);
        play(run, j->next, ends[1]);
        exit(0);
    }
    (void)close(ends[1]);
    j->pipe = ends[0];
    return j->pid > 0;
}

static void replay_line(const struct run *run, uint64_t seed)
{
    (void)printf("to see it again: yunqiao-history --seed %llu%s\n", (unsigned long long)seed,
                 run->guard    ? " --guard"
                 : run->beside ? " --beside"
                 : run->loses  ? " --lose"
                               : "");
    (void)fflush(stdout);
}

static void take_report(struct run *run, struct job *j, const struct report *r)
{
    j->playing = r->begun;
    j->at = r->seed;
    j->next = r->seed + (uint64_t)run->jobs;
    if (r->begun)
        return;
    run->done++;
    run->changes += r->changes;
    run->to_people += r->to_people;
    run->to_reconcile += r->to_reconcile;
    for (int f = 0; f < HISTORY_FAULT_COUNT; f++)
        run->hits[f] += r->hits[f];
    if (!r->well) {
        run->wrong++;
        replay_line(run, r->seed);
    }
}

/* The job has ended: well, or in the middle of a history. Then another one goes on behind it. */
static void end_job(struct run *run, struct job *j)
{
    int status = 0;
    (void)close(j->pipe);
    (void)waitpid(j->pid, &status, 0);
    j->pid = 0;
    if (j->playing || status != 0) {
        (void)printf("seed %llu did not come to its end (status %x)\n", (unsigned long long)j->at,
                     (unsigned)status);
        replay_line(run, j->at);
        run->done += j->playing;
        run->wrong++;
        j->playing = false;
        (void)start_job(run, j);
    }
}

static void listen_to(struct run *run, struct job *jobs)
{
    fd_set ready;
    int top = -1;
    FD_ZERO(&ready);
    for (int i = 0; i < run->jobs; i++) {
        if (jobs[i].pid <= 0)
            continue;
        FD_SET(jobs[i].pipe, &ready);
        top = jobs[i].pipe > top ? jobs[i].pipe : top;
    }
    if (select(top + 1, &ready, NULL, NULL, NULL) < 0)
        return;
    for (int i = 0; i < run->jobs; i++) {
        struct report r;
        if (jobs[i].pid <= 0 || !FD_ISSET(jobs[i].pipe, &ready))
            continue;
        if (read(jobs[i].pipe, &r, sizeof(r)) == (ssize_t)sizeof(r))
            take_report(run, &jobs[i], &r);
        else
            end_job(run, &jobs[i]);
    }
}

static bool any_lives(const struct run *run, const struct job *jobs)
{
    for (int i = 0; i < run->jobs; i++) {
        if (jobs[i].pid > 0)
            return true;
    }
    return false;
}

/* What is only done when it is asked for. */
static bool is_asked_for(const struct run *run, enum history_fault f)
{
    return f == HISTORY_LOST ? run->loses : f == HISTORY_MEANWHILE ? run->beside : true;
}

/* True when no class is missing. */
static bool print_hits(const struct run *run)
{
    bool all = true;
    for (int f = 0; f < HISTORY_FAULT_COUNT; f++) {
        if (!is_asked_for(run, (enum history_fault)f))
            continue;
        (void)printf("%8llu  %s\n", (unsigned long long)run->hits[f],
                     history_fault_name((enum history_fault)f));
        all = all && run->hits[f] > 0;
    }
    if (!all && run->count >= COUNT_FOR_ALL_FAULTS)
        (void)printf("a class of faults was never hit\n");
    return all || run->count < COUNT_FOR_ALL_FAULTS;
}

static uint64_t number(const char *text)
{
    char *end;
    uint64_t n = strtoull(text, &end, 10);
    if (*text == '\0' || *end != '\0') {
        (void)fprintf(stderr, "yunqiao-history: %s is no number\n", text);
        exit(2);
    }
    return n;
}

static void read_arguments(struct run *run, int argc, char **argv)
{
    static const struct option options[] = {
        {"seed", required_argument, NULL, 's'},  {"from", required_argument, NULL, 'f'},
        {"count", required_argument, NULL, 'c'}, {"jobs", required_argument, NULL, 'j'},
        {"guard", no_argument, NULL, 'g'},       {"lose", no_argument, NULL, 'l'},
        {"beside", no_argument, NULL, 'b'},      {0},
    };
    const char *histories = getenv("YQ_HISTORIES");
    *run = (struct run){.from = 1, .count = COUNT, .jobs = 4};
    if (histories != NULL && *histories != '\0')
        run->count = number(histories);
    for (int c; (c = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        if (c == 's') {
            run->from = number(optarg);
            run->count = 1;
            run->talks = true;
        } else if (c == 'f') {
            run->from = number(optarg);
        } else if (c == 'c') {
            run->count = number(optarg);
        } else if (c == 'j') {
            run->jobs = (int)number(optarg);
        } else if (c == 'g') {
            run->guard = true;
        } else if (c == 'l' || c == 'b') {
            run->loses = true;
            run->beside |= c == 'b';
        } else {
            exit(2);
        }
    }
    if (run->jobs < 1 || run->jobs > JOBS_MAX)
        run->jobs = JOBS_MAX;
}

int main(int argc, char **argv)
{
    struct run run;
    struct job jobs[JOBS_MAX] = {0};
    time_t began = time(NULL);
    read_arguments(&run, argc, argv);
    for (int i = 0; i < run.jobs; i++) {
        jobs[i].next = run.from + (uint64_t)i;
        (void)start_job(&run, &jobs[i]);
    }
    while (any_lives(&run, jobs))
        listen_to(&run, jobs);
    bool complete = print_hits(&run);
    (void)printf("%8llu  left to a person, %llu to the reconcile\n",
                 (unsigned long long)run.to_people, (unsigned long long)run.to_reconcile);
    (void)printf("%llu histories from seed %llu, %llu changes, %lld s: %llu wrong\n",
                 (unsigned long long)run.done, (unsigned long long)run.from,
                 (unsigned long long)run.changes, (long long)(time(NULL) - began),
                 (unsigned long long)run.wrong);
    return run.wrong > 0 || run.done < run.count || !complete;
}
