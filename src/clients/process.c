/* The identity of a process that survives the reuse of its pid, from /proc. */
#include "process.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/json.h"

/* The beginning of a small file, NUL-ended. Returns its length, or -1 with errno. */
static ssize_t read_file(const char *path, char *out, size_t size)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -1;
    ssize_t n = read(fd, out, size - 1);
    int why = errno;
    close(fd);
    errno = why;
    out[n < 0 ? 0 : n] = '\0';
    return n;
}

/* State and start time of a process. Returns 0, or -1 with errno. */
static int read_stat(pid_t pid, char *ret_state, unsigned long long *ret_start)
{
    char path[48], text[1024];
    (void)snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
    if (read_file(path, text, sizeof(text)) < 0)
        return -1;
    const char *s = strrchr(text, ')'); /* the name in front may hold anything */
    errno = EINVAL;
    if (s == NULL || sscanf(s, ") %c", ret_state) != 1)
        return -1;
    for (int field = 2; field < 22; field++) {
        s = strchr(s + 1, ' ');
        if (s == NULL)
            return -1;
    }
    *ret_start = strtoull(s + 1, NULL, 10);
    return 0;
}

void yq_process_self(struct yq_process *ret)
{
    struct yq_process p = {.pid = getpid()};
    char state;
    if (gethostname(p.host, sizeof(p.host) - 1) < 0)
        p.host[0] = '\0';
    if (read_file("/proc/sys/kernel/random/boot_id", p.boot, sizeof(p.boot)) > 0)
        p.boot[strcspn(p.boot, "\n")] = '\0';
    ssize_t n = readlink("/proc/self/ns/pid", p.pidns, sizeof(p.pidns) - 1);
    p.pidns[n < 0 ? 0 : n] = '\0';
    if (read_stat(p.pid, &state, &p.start) < 0)
        p.start = 0;
    *ret = p;
}

void yq_process_write(const struct yq_process *p, struct yq_buf *out)
{
    yq_buf_adds(out, "\"host\":");
    yq_buf_add_json_string(out, p->host);
    yq_buf_addf(out, ",\"boot\":\"%s\",\"pidns\":\"%s\",\"pid\":%d,\"start\":%llu", p->boot,
                p->pidns, (int)p->pid, p->start);
}

static int copy_text(struct yq_arena *arena, const cJSON *tree, const char *key, char *out,
                     size_t size)
{
    const char *text = yq_json_text(arena, tree, key);
    if (text == NULL || strlen(text) >= size)
        return -1;
    memcpy(out, text, strlen(text) + 1);
    return 0;
}

int yq_process_read(const char *json, struct yq_process *ret)
{
    int rc = -1;
    struct yq_process p = {0};
    int64_t pid, start;
    struct yq_arena *arena = yq_arena_new();
    cJSON *tree = yq_json_parse(json, strlen(json), NULL);
    if (tree == NULL || copy_text(arena, tree, "host", p.host, sizeof(p.host)) < 0 ||
        copy_text(arena, tree, "boot", p.boot, sizeof(p.boot)) < 0 ||
        copy_text(arena, tree, "pidns", p.pidns, sizeof(p.pidns)) < 0)
        goto out;
    if (!yq_json_int(tree, "pid", &pid) || pid <= 0 || pid > INT32_MAX ||
        !yq_json_int(tree, "start", &start) || start <= 0)
        goto out;
    p.pid = (pid_t)pid;
    p.start = (unsigned long long)start;
    *ret = p;
    rc = 0;
out:
    cJSON_Delete(tree);
    yq_arena_free(arena);
    return rc;
}

/* How many threads the process still has; 0 if that cannot be read. */
static int count_threads(pid_t pid)
{
    char path[48];
    int count = 0;
    (void)snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
    DIR *dir = opendir(path);
    for (struct dirent *e; dir != NULL && (e = readdir(dir)) != NULL;)
        count += e->d_name[0] != '.';
    if (dir != NULL)
        closedir(dir);
    return count;
}

static bool same(const char *a, const char *b)
{
    return *a != '\0' && strcmp(a, b) == 0;
}

bool yq_process_is_same(const struct yq_process *a, const struct yq_process *b)
{
    return same(a->host, b->host) && same(a->boot, b->boot) && same(a->pidns, b->pidns) &&
           a->pid == b->pid && a->start == b->start;
}

bool yq_process_is_dead(const struct yq_process *self, const struct yq_process *p)
{
    char state;
    unsigned long long start;
    if (!same(self->host, p->host) || !same(self->boot, p->boot) || !same(self->pidns, p->pidns))
        return false;
    if (kill(p->pid, 0) < 0 && errno == ESRCH)
        return true;
    if (read_stat(p->pid, &state, &start) < 0)
        return false; /* hidden from us, or just ending: not proved */
    if (start != p->start)
        return true; /* the pid went to another process */
    return (state == 'Z' || state == 'X') && count_threads(p->pid) == 1;
}
