/* Taking over listening sockets: by their numbers from the system, by SCM_RIGHTS from the process
 * before. */
#include "inherit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#define FIRST_FD 3 /* SD_LISTEN_FDS_START */
#define ANSWER_S 1

const char *const yq_listener_names[YQ_LISTENERS] = {"callbacks", "admin"};

static int find_listener(const char *name, size_t len)
{
    for (int i = 0; i < YQ_LISTENERS; i++) {
        if (strlen(yq_listener_names[i]) == len && memcmp(yq_listener_names[i], name, len) == 0)
            return i;
    }
    return -1;
}

static int option_of(int fd, int option)
{
    int value = -1;
    socklen_t len = sizeof(value);
    return getsockopt(fd, SOL_SOCKET, option, &value, &len) == 0 ? value : -1;
}

/* As those that we open ourselves. */
static bool prepare(int fd)
{
    int domain = option_of(fd, SO_DOMAIN);
    int flags = fcntl(fd, F_GETFL);
    return (domain == AF_INET || domain == AF_INET6) && option_of(fd, SO_TYPE) == SOCK_STREAM &&
           option_of(fd, SO_ACCEPTCONN) == 1 && fcntl(fd, F_SETFD, FD_CLOEXEC) == 0 &&
           fcntl(fd, F_SETFL, flags | O_NONBLOCK) == 0;
}

/* ---- from the system ---- */

/* How many were passed to this very process. */
static int count_passed(void)
{
    const char *pid = getenv("LISTEN_PID"), *count = getenv("LISTEN_FDS");
    if (pid == NULL || count == NULL || strtol(pid, NULL, 10) != (long)getpid())
        return 0;
    long n = strtol(count, NULL, 10);
    return n > 0 && n < 1024 ? (int)n : 0;
}

/* The next name of the list, behind which *names then stands. */
static int take_name(const char **names)
{
    size_t len = strcspn(*names, ":");
    int found = find_listener(*names, len);
    *names += (*names)[len] == ':' ? len + 1 : len;
    return found;
}

static int first_free(const struct yq_inheritance *h)
{
    int i = 0;
    while (i < YQ_LISTENERS && h->fds[i] >= 0)
        i++;
    return i;
}

/* Those with a name of ours (named), or the others, in the places that are left. */
static int take_passed(struct yq_inheritance *h, int count, bool named, struct yq_error *err)
{
    const char *names = getenv("LISTEN_FDNAMES");
    if (names == NULL)
        names = "";
    for (int fd = FIRST_FD; fd < FIRST_FD + count; fd++) {
        int place = take_name(&names);
        if ((place >= 0) != named)
            continue;
        if (!named)
            place = first_free(h);
        if (place == YQ_LISTENERS || h->fds[place] >= 0 || !prepare(fd))
            return yq_error_set(err, YQ_ERROR_INVALID,
                                "descriptor %d, passed by the system, is no listening TCP socket, "
                                "or one too many",
                                fd);
        h->fds[place] = fd;
    }
    return 0;
}

int yq_inherit_from_system(struct yq_inheritance *h, struct yq_error *err)
{
    int count = count_passed();
    int result = take_passed(h, count, true, err);
    if (result == 0)
        result = take_passed(h, count, false, err);
    (void)unsetenv("LISTEN_PID");
    (void)unsetenv("LISTEN_FDS");
    (void)unsetenv("LISTEN_FDNAMES");
    return result;
}

/* ---- from the process before ---- */

int yq_handover_is_ours(int fd)
{
    struct ucred peer;
    socklen_t len = sizeof(peer);
    return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) == 0 &&
           (peer.uid == geteuid() || peer.uid == 0);
}

/* -1: nobody is there. */
static int dial(const char *path)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    struct timeval patience = {.tv_sec = ANSWER_S};
    if (path == NULL || path[0] == '\0' || strlen(path) >= sizeof(to.sun_path))
        return -1;
    memcpy(to.sun_path, path, strlen(path) + 1);
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    (void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
    if (connect(fd, (struct sockaddr *)&to, sizeof(to)) == 0)
        return fd;
    close(fd);
    return -1;
}

struct hello {
    char text[YQ_HANDOVER_MAX];
    int fds[YQ_LISTENERS];
    size_t count;
};

static void take_descriptors(struct msghdr *message, struct hello *ret)
{
    for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c != NULL; c = CMSG_NXTHDR(message, c)) {
        if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
            continue;
        size_t count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (size_t i = 0; i < count && ret->count < YQ_LISTENERS; i++)
            memcpy(&ret->fds[ret->count++], CMSG_DATA(c) + i * sizeof(int), sizeof(int));
    }
}

static bool hear_hello(int fd, struct hello *ret)
{
    union {
        struct cmsghdr align;
        char room[CMSG_SPACE(sizeof(int) * YQ_LISTENERS)];
    } control;
    struct iovec bytes = {.iov_base = ret->text, .iov_len = sizeof(ret->text) - 1};
    struct msghdr message = {.msg_iov = &bytes,
                             .msg_iovlen = 1,
                             .msg_control = control.room,
                             .msg_controllen = sizeof(control.room)};
    ssize_t n = recvmsg(fd, &message, MSG_CMSG_CLOEXEC);
    if (n <= 0)
        return false;
    ret->text[n] = '\0';
    take_descriptors(&message, ret);
    return (message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) == 0;
}

/* "NAME ADDRESS": the descriptor that belongs to it is ours if it is the address we want. */
static void take_listener(struct yq_inheritance *h, const struct yq_successor *s, const char *line,
                          int fd)
{
    size_t len = strcspn(line, " ");
    int place = find_listener(line, len);
    bool wanted = place >= 0 && h->fds[place] < 0 && s->addresses[place] != NULL &&
                  line[len] == ' ' && strcmp(line + len + 1, s->addresses[place]) == 0;
    if (wanted && prepare(fd))
        h->fds[place] = fd;
    else
        close(fd);
}

/* Takes or closes every descriptor. */
static int understand(struct yq_inheritance *h, const struct yq_successor *s, struct hello *hello,
                      struct yq_error *err)
{
    char *rest = hello->text;
    const char *first = strtok_r(rest, "\n", &rest), *second = strtok_r(rest, "\n", &rest);
    unsigned roles = 0;
    bool known = first != NULL && strcmp(first, YQ_HANDOVER_HELLO) == 0 && second != NULL &&
                 sscanf(second, "roles %u", &roles) == 1;
    bool fits = known && roles == s->roles;
    for (size_t i = 0; i < hello->count; i++) {
        const char *line = fits ? strtok_r(rest, "\n", &rest) : NULL;
        if (line != NULL)
            take_listener(h, s, line, hello->fds[i]);
        else
            close(hello->fds[i]);
    }
    if (fits)
        return 0;
    return yq_error_set(err, YQ_ERROR_INVALID, "handover: the process behind \"%.100s\" %s",
                        s->path,
                        known ? "has other roles: give each its own socket"
                              : "speaks another language: end it first");
}

int yq_inherit_from_process(struct yq_inheritance *h, const struct yq_successor *s,
                            struct yq_error *err)
{
    struct hello hello = {.count = 0};
    int fd = dial(s->path);
    if (fd < 0)
        return 0;
    if (!yq_handover_is_ours(fd)) {
        close(fd);
        return yq_error_set(err, YQ_ERROR_INVALID, "handover: \"%.100s\" is another user's",
                            s->path);
    }
    bool heard = hear_hello(fd, &hello);
    if (!heard) { /* it is just ending, or hangs: as if nobody was there */
        for (size_t i = 0; i < hello.count; i++)
            close(hello.fds[i]);
        close(fd);
        return 0;
    }
    if (understand(h, s, &hello, err) < 0) {
        close(fd);
        return -1;
    }
    h->before = fd;
    return 0;
}

void yq_inherit_done(struct yq_inheritance *h)
{
    if (h->before >= 0)
        (void)send(h->before, YQ_HANDOVER_READY, strlen(YQ_HANDOVER_READY), MSG_NOSIGNAL);
}

void yq_inheritance_release(struct yq_inheritance *h)
{
    for (int i = 0; i < YQ_LISTENERS; i++) {
        if (h->fds[i] >= 0)
            close(h->fds[i]);
        h->fds[i] = -1;
    }
    if (h->before >= 0)
        close(h->before);
    h->before = -1;
}
