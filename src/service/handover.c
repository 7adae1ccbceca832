/* Handing over the listening sockets to the next process. */
#include "handover.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/memory.h"
#include "service/log.h"

#define WAITING 4 /* who asks at once */

struct asker { /* a process that has the sockets and is not ready yet */
    LIST_ENTRY(asker) link;
    struct yq_handover *owner;
    int fd;
    struct event *readable;
};

struct yq_handover {
    struct yq_handover_options o;
    char path[sizeof(((struct sockaddr_un *)NULL)->sun_path)];
    int fd;
    dev_t device;
    ino_t inode; /* of the socket's file: another one there is not ours */
    struct event *acceptable;
    bool succeeded;
    LIST_HEAD(, asker) askers;
};

/* ---- who asks ---- */

static void drop(struct asker *a)
{
    LIST_REMOVE(a, link);
    event_free(a->readable);
    close(a->fd);
    free(a);
}

static void on_asker(evutil_socket_t fd, short what, void *context)
{
    (void)what;
    struct asker *a = context;
    struct yq_handover *h = a->owner;
    char text[YQ_HANDOVER_MAX];
    ssize_t n = recv(fd, text, sizeof(text), MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    bool ready =
        n == (ssize_t)strlen(YQ_HANDOVER_READY) && memcmp(text, YQ_HANDOVER_READY, (size_t)n) == 0;
    drop(a);
    if (!ready) {
        yq_log(YQ_LOG_WARN, "handover.broken", "meaning",
               "the next process ended before it was "
               "ready: this one goes on",
               NULL);
    } else if (!h->succeeded) {
        h->succeeded = true;
        h->o.succeeded(h->o.context);
    }
}

static bool send_listeners(struct yq_handover *h, int to)
{
    union {
        struct cmsghdr align;
        char room[CMSG_SPACE(sizeof(int) * YQ_LISTENERS)];
    } control = {0};
    int fds[YQ_LISTENERS];
    size_t count = 0;
    struct yq_buf text = YQ_BUF_INIT;
    yq_buf_addf(&text, YQ_HANDOVER_HELLO "\nroles %u\n", h->o.roles);
    for (int i = 0; i < YQ_LISTENERS; i++) {
        if (h->o.servers[i] == NULL)
            continue;
        yq_buf_addf(&text, "%s %s\n", yq_listener_names[i], h->o.addresses[i]);
        fds[count++] = yq_http_server_share(h->o.servers[i]);
    }
    struct iovec bytes = {.iov_base = text.data, .iov_len = text.len};
    struct msghdr message = {.msg_iov = &bytes, .msg_iovlen = 1};
    if (count > 0) {
        message.msg_control = control.room;
        message.msg_controllen = CMSG_SPACE(sizeof(int) * count);
        struct cmsghdr *c = CMSG_FIRSTHDR(&message);
        c->cmsg_level = SOL_SOCKET;
        c->cmsg_type = SCM_RIGHTS;
        c->cmsg_len = CMSG_LEN(sizeof(int) * count);
        memcpy(CMSG_DATA(c), fds, sizeof(int) * count);
    }
    bool sent = sendmsg(to, &message, MSG_NOSIGNAL | MSG_DONTWAIT) == (ssize_t)text.len;
    yq_buf_release(&text);
    return sent;
}

static void on_acceptable(evutil_socket_t listener, short what, void *context)
{
    (void)what;
    struct yq_handover *h = context;
    int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0)
        return;
    if (!yq_handover_is_ours(fd) || !send_listeners(h, fd)) {
        yq_log(YQ_LOG_WARN, "handover.refused", NULL);
        close(fd);
        return;
    }
    yq_log(YQ_LOG_INFO, "handover.begins", NULL);
    struct asker *a = yq_calloc(1, sizeof(*a));
    a->owner = h;
    a->fd = fd;
    a->readable = event_new(h->o.base, fd, EV_READ | EV_PERSIST, on_asker, a);
    if (a->readable == NULL)
        abort(); /* no memory */
    event_add(a->readable, NULL);
    LIST_INSERT_HEAD(&h->askers, a, link);
}

/* ---- the socket ---- */

/* Made beside its place, and put there whole: whoever connects finds the old one or this one. */
static int bind_socket(struct yq_handover *h, struct yq_error *err)
{
    struct sockaddr_un here = {.sun_family = AF_UNIX};
    struct stat info;
    int n = snprintf(here.sun_path, sizeof(here.sun_path), "%s.%ld", h->o.path, (long)getpid());
    if (n < 0 || (size_t)n >= sizeof(here.sun_path))
        return yq_error_set(err, YQ_ERROR_INVALID, "handover: the path \"%.120s\" is too long",
                            h->o.path);
    (void)snprintf(h->path, sizeof(h->path), "%s", h->o.path);
    h->fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    (void)unlink(here.sun_path); /* of an earlier process with our number */
    if (h->fd >= 0 && bind(h->fd, (struct sockaddr *)&here, sizeof(here)) == 0 &&
        chmod(here.sun_path, 0600) == 0 && listen(h->fd, WAITING) == 0 &&
        lstat(here.sun_path, &info) == 0 && rename(here.sun_path, h->path) == 0) {
        h->device = info.st_dev;
        h->inode = info.st_ino;
        return 0;
    }
    int why = errno;
    (void)unlink(here.sun_path);
    return yq_error_set(err, YQ_ERROR_INVALID, "handover: no socket at \"%.120s\": %s", h->o.path,
                        strerror(why));
}

int yq_handover_new(const struct yq_handover_options *options, struct yq_handover **ret,
                    struct yq_error *err)
{
    *ret = NULL;
    if (options->path == NULL || options->path[0] == '\0')
        return 0;
    struct yq_handover *h = yq_calloc(1, sizeof(*h));
    h->o = *options;
    LIST_INIT(&h->askers);
    if (bind_socket(h, err) != 0) {
        if (h->fd >= 0)
            close(h->fd);
        free(h);
        return -1;
    }
    h->acceptable = event_new(h->o.base, h->fd, EV_READ | EV_PERSIST, on_acceptable, h);
    if (h->acceptable == NULL)
        abort(); /* no memory */
    event_add(h->acceptable, NULL);
    *ret = h;
    return 0;
}

void yq_handover_free(struct yq_handover *h)
{
    struct stat info;
    if (h == NULL)
        return;
    while (!LIST_EMPTY(&h->askers))
        drop(LIST_FIRST(&h->askers));
    if (!h->succeeded && lstat(h->path, &info) == 0 && info.st_dev == h->device &&
        info.st_ino == h->inode)
        (void)unlink(h->path);
    event_free(h->acceptable);
    close(h->fd);
    free(h);
}
