/* A whole installation on a stage: what it consists of, how it comes up and goes down. */
#include "support/stage.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <curl/curl.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/memory.h"
#include "stage_inner.h"
#include "support/wait.h"

#define COMMAND_MS 120000
#define COMMAND_WORDS 24

/* retry_ms: how long WeCom rests before it repeats, in real time. */
static const char delivery[] = "{\"retry_ms\":100}";

static struct stage *stages; /* those that are not freed yet */
static bool exiting;

/* ---- files ---- */

static void write_file(struct stage *s, const char *path, const void *bytes, size_t len)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0 || pwrite(fd, bytes, len, 0) != (ssize_t)len)
        stage_fail(s, "%s cannot be written", path);
    (void)close(fd);
}

static int remove_one(const char *path, const struct stat *info, int type, struct FTW *walk)
{
    (void)info;
    (void)type;
    (void)walk;
    return remove(path);
}

static void add_lines(struct yq_buf *y, const char *text)
{
    if (text == NULL)
        return;
    yq_buf_adds(y, text);
    if (*text != '\0' && text[strlen(text) - 1] != '\n')
        yq_buf_addc(y, '\n');
}

/* Unless a test asks for it, nobody reconciles but by command. */
static void add_sync(const struct stage_options *o, struct yq_buf *y)
{
    static const char braces[] = "    sync: {", block[] = "    sync:\n";
    const char *more = o->connection_yaml != NULL ? o->connection_yaml : "";
    const char *reconcile = o->reconcile != NULL ? o->reconcile
                                                 : "at_start: false, departments: 0s, members: 0s, "
                                                   "full_at: \"\"";
    if (strncmp(more, braces, strlen(braces)) == 0) {
        yq_buf_addf(y, "%s reconcile: { %s },", braces, reconcile);
        more += strlen(braces);
    } else {
        yq_buf_addf(y, "%s      reconcile: { %s }\n", block, reconcile);
        more += strncmp(more, block, strlen(block)) == 0 ? strlen(block) : 0;
    }
    add_lines(y, more);
}

static void add_connection(struct stage *s, const struct stage_options *o, struct yq_buf *y)
{
    yq_buf_adds(y, "connections:\n"
                   "  - id: acme\n"
                   "    wecom:\n"
                   "      corp_id: ww0123456789abcdef\n"
                   "      callback: { ");
    yq_buf_addf(y, "%s }\n",
                o->callback != NULL ? o->callback
                                    : "token: FlowToken, encoding_aes_key: "
                                      "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG");
    const char *pace = o->pace != NULL ? o->pace : "per_second: 500, in_flight: 4";
    if (!o->contacts_only)
        yq_buf_adds(y, "      agent_id: 1000002\n      app_secret: sim-app-secret\n");
    yq_buf_addf(y,
                "      contacts_secret: sim-contacts-secret\n"
                "      pace: { %s }\n"
                "    eteams:\n"
                "      open_base: %s\n"
                "      corp_id: sim-eteams-corp\n"
                "      app_key: sim-app-key\n"
                "      app_secret: sim-app-secret\n"
                "      pace: { %s }\n",
                pace, s->peer_url[STAGE_ETEAMS], pace);
    add_sync(o, y);
}

void stage_configure(struct stage *s, const struct stage_options *o)
{
    struct yq_buf y = YQ_BUF_INIT;
    (void)snprintf(s->prefix, sizeof(s->prefix), "%s", o->prefix != NULL ? o->prefix : "yq");
    yq_buf_addf(&y,
                "listen: \"127.0.0.1:0\"\n"
                "admin: { listen: \"127.0.0.1:0\", token: \"sim-admin-token\" }\n"
                "redis: { url: \"%s\", prefix: \"%s\"%s%s }\n"
                "spool_dir: \"%s%s\"\n"
                "workers: %d\n"
                "wecom: { api_base: \"%s\" }\n",
                s->redis->url, s->prefix, o->redis_yaml != NULL ? ", " : "",
                o->redis_yaml != NULL ? o->redis_yaml : "", o->no_spool ? "" : s->directory,
                o->no_spool ? "" : "/spool", o->workers > 0 ? o->workers : 2,
                s->peer_url[STAGE_WECOM]);
    add_lines(&y, o->top_yaml);
    add_connection(s, o, &y);
    (void)unlink(s->config);
    write_file(s, s->config, y.data, y.len);
    yq_buf_release(&y);
}

/* ---- coming up and going down ---- */

/* own_company: the people of the options are in this peer from the start. */
static void start_peer(struct stage *s, enum stage_peer peer, const struct stage_options *o,
                       bool own_company)
{
    char seed[24], people[24], departments[24];
    size_t trees = o->departments > 1 ? o->departments : 1;
    (void)snprintf(seed, sizeof(seed), "%llu", (unsigned long long)o->seed);
    (void)snprintf(people, sizeof(people), "%zu", own_company ? o->people : 0);
    (void)snprintf(departments, sizeof(departments), "%zu", own_company ? trees : 1);
    const char *argv[] = {YQ_SIM,
                          peer == STAGE_WECOM ? "wecom" : "eteams",
                          "--listen",
                          "127.0.0.1:0",
                          "--seed",
                          seed,
                          "--people",
                          people,
                          "--departments",
                          departments,
                          NULL};
    struct stage_process *p = &s->peers[peer];
    (void)snprintf(p->name, sizeof(p->name), "%s", argv[1]);
    stage_spawn(s, p, argv, false);
    stage_await_line(s, p, "listening", s->peer_url[peer], sizeof(s->peer_url[peer]));
}

static void free_at_exit(void)
{
    exiting = true;
    while (stages != NULL)
        stage_free(stages);
}

static struct stage *new_stage(void)
{
    static bool registered;
    struct stage *s = yq_calloc(1, sizeof(*s));
    if (!registered && atexit(free_at_exit) == 0)
        registered = true;
    (void)curl_global_init(CURL_GLOBAL_DEFAULT); /* a failure shows at the first call */
    s->next = stages;
    stages = s;
    const char *place = getenv("YQ_TEST_DIR"); /* in memory, where the disk is not the question */
    (void)snprintf(s->directory, sizeof(s->directory), "%s/yq-stage-XXXXXX",
                   place ? place : "/tmp");
    if (mkdtemp(s->directory) == NULL)
        stage_fail(s, "no temporary directory");
    (void)snprintf(s->config, sizeof(s->config), "%s/yunqiao.yaml", s->directory);
    (void)snprintf(s->clock_file, sizeof(s->clock_file), "%s/clock", s->directory);
    stage_advance(s, 0);
    for (int i = 0; i < STAGE_DAEMONS; i++)
        (void)snprintf(s->daemons[i].process.name, sizeof(s->daemons[i].process.name), "daemon-%d",
                       i);
    return s;
}

struct stage *stage_new(const struct stage_options *o)
{
    struct stage *s = new_stage();
    s->real_clock = o->real_clock;
    s->descriptors = o->descriptors;
    s->callback_mode = o->callback_mode != NULL ? o->callback_mode : "full";
    s->redis = yq_temp_redis_new(NULL);
    if (s->redis == NULL)
        stage_fail(s, "no redis-server");
    start_peer(s, STAGE_WECOM, o, true);
    start_peer(s, STAGE_ETEAMS, o, o->mirrored);
    cJSON_Delete(stage_call(s, STAGE_WECOM, "/_sim/delivery", "%s", delivery));
    stage_configure(s, o);
    if (!o->no_daemon)
        stage_start_daemon(s, 0);
    return s;
}

static void take_out(struct stage *s)
{
    struct stage **at = &stages;
    while (*at != NULL && *at != s)
        at = &(*at)->next;
    if (*at == s)
        *at = s->next;
}

/* Not a failure by the signal we sent ourselves. */
static bool ended_well(int status)
{
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/* False after showing its log: it had ended by itself, or not as it should. */
static bool end_daemon(struct stage *s, int index)
{
    struct stage_daemon *d = &s->daemons[index];
    bool runs = stage_process_runs(&d->process), well = runs || !d->wanted;
    if (runs)
        well = ended_well(stage_end_process(&d->process, SIGTERM));
    if (!well)
        stage_print_log(s, d->process.name);
    return well;
}

void stage_free(struct stage *s)
{
    if (s == NULL)
        return;
    bool testing = !exiting, well = true;
    take_out(s);
    for (int i = 0; i < STAGE_DAEMONS; i++)
        well = end_daemon(s, i) && well;
    for (int i = 0; i < 2; i++)
        (void)stage_end_process(&s->peers[i], SIGTERM);
    if (s->easy != NULL)
        curl_easy_cleanup(s->easy);
    yq_redis_free(s->look);
    yq_temp_redis_free(s->redis);
    if (getenv("YQ_STAGE_KEEP") != NULL)
        (void)fprintf(stderr, "kept: %s\n", s->directory);
    else
        (void)nftw(s->directory, remove_one, 8, FTW_DEPTH | FTW_PHYS); /* what stays is in /tmp */
    free(s);
    if (!well && testing)
        fail_msg("a daemon did not end well");
}

/* ---- daemons ---- */

static void ensure_index(struct stage *s, int index)
{
    if (index < 0 || index >= STAGE_DAEMONS)
        stage_fail(s, "there is no daemon %d", index);
}

static bool has_role(const char *roles, const char *role)
{
    return roles == NULL || strstr(roles, role) != NULL;
}

void stage_start_daemon_as(struct stage *s, int index, const char *roles)
{
    const char *argv[] = {YQ_PROGRAM, "serve", "-c", s->config, roles ? "--roles" : NULL,
                          roles,      NULL};
    char rest[16];
    ensure_index(s, index);
    struct stage_daemon *d = &s->daemons[index];
    stage_spawn(s, &d->process, argv, true);
    d->wanted = true;
    stage_await_line(s, &d->process, "ready", rest, sizeof(rest));
    d->public_url[0] = d->admin_url[0] = '\0';
    if (has_role(roles, "receiver"))
        stage_await_line(s, &d->process, "listening callbacks", d->public_url,
                         sizeof(d->public_url));
    if (has_role(roles, "admin"))
        stage_await_line(s, &d->process, "listening admin", d->admin_url, sizeof(d->admin_url));
    stage_point_callback(s);
}

void stage_start_daemon(struct stage *s, int index)
{
    stage_start_daemon_as(s, index, NULL);
}

void stage_kill_daemon(struct stage *s, int index, int signal)
{
    ensure_index(s, index);
    struct stage_process *p = &s->daemons[index].process;
    if (!stage_process_runs(p))
        stage_fail(s, "daemon %d has ended already", index);
    s->daemons[index].wanted = false;
    int status = stage_end_process(p, signal);
    if (signal != SIGKILL && !ended_well(status))
        stage_fail(s, "daemon %d ends with status %x", index, (unsigned)status);
    stage_point_callback(s);
}

void stage_await_end(struct stage *s, int index)
{
    struct stage_daemon *d = &s->daemons[index];
    d->wanted = false;
    int status = stage_await_process(&d->process);
    if (!ended_well(status))
        stage_fail(s, "daemon %d ends with status %x", index, (unsigned)status);
}

void stage_pass_listener(struct stage *s, int fd)
{
    s->passed_fd = fd;
}

int stage_lost_daemon(struct stage *s)
{
    for (int i = 0; i < STAGE_DAEMONS; i++)
        if (s->daemons[i].wanted && !stage_process_runs(&s->daemons[i].process))
            return i;
    return -1;
}

bool stage_daemon_runs(struct stage *s, int index)
{
    return stage_process_runs(&s->daemons[index].process);
}

pid_t stage_daemon_pid(struct stage *s, int index)
{
    return s->daemons[index].process.pid;
}

char *stage_daemon_log(struct stage *s, int index)
{
    char name[32];
    (void)snprintf(name, sizeof(name), "%s.log", s->daemons[index].process.name);
    return stage_file(s, name);
}

const char *stage_public_url(struct stage *s, int index)
{
    return s->daemons[index].public_url;
}

const char *stage_admin_url(struct stage *s, int index)
{
    return s->daemons[index].admin_url;
}

const char *stage_eteams_url(struct stage *s)
{
    return s->peer_url[STAGE_ETEAMS];
}

const char *stage_config(struct stage *s)
{
    return s->config;
}

struct yq_temp_redis *stage_redis(struct stage *s)
{
    return s->redis;
}

const char *stage_directory(struct stage *s)
{
    return s->directory;
}

void stage_look_at_redis(struct stage *s, const struct yq_redis_address *address)
{
    yq_redis_free(s->look);
    s->look = yq_redis_new(address, stage_patience(STAGE_REDIS_MS));
}

/* ---- commands and time ---- */

static bool command_has_ended(void *arg)
{
    int *status = arg;
    pid_t pid = status[0];
    return waitpid(pid, &status[1], WNOHANG) == pid;
}

/* Joins what the program printed with what it complained about. */
static char *output_of(struct stage *s, const char *name)
{
    struct yq_buf all = YQ_BUF_INIT;
    static const char *const suffixes[] = {"out", "log"};
    for (int i = 0; i < 2; i++) {
        char file[40];
        (void)snprintf(file, sizeof(file), "%s.%s", name, suffixes[i]);
        char *text = stage_file(s, file);
        yq_buf_adds(&all, text);
        free(text);
    }
    return yq_buf_steal(&all);
}

int stage_command(struct stage *s, char **ret_output, const char *arg, ...)
{
    static unsigned count;
    struct stage_process p = {0};
    const char *argv[COMMAND_WORDS] = {YQ_PROGRAM};
    int n = 1;
    va_list args;
    va_start(args, arg);
    for (const char *word = arg; word != NULL && n < COMMAND_WORDS - 3;
         word = va_arg(args, const char *))
        argv[n++] = word;
    va_end(args);
    argv[n++] = "-c";
    argv[n++] = s->config;
    (void)snprintf(p.name, sizeof(p.name), "command-%u", count++);
    stage_spawn(s, &p, argv, false);
    int wait[2] = {p.pid, 0};
    if (!yq_wait_until(command_has_ended, wait, stage_patience(COMMAND_MS))) {
        (void)stage_end_process(&p, SIGKILL);
        stage_fail(s, "yunqiao %s does not end", arg);
    }
    if (ret_output != NULL)
        *ret_output = output_of(s, p.name);
    return WIFEXITED(wait[1]) ? WEXITSTATUS(wait[1]) : -1;
}

void stage_advance(struct stage *s, int64_t ms)
{
    s->clock_ms += ms;
    write_file(s, s->clock_file, &s->clock_ms, sizeof(s->clock_ms));
}
