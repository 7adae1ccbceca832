/* WeCom as a load that never pauses: authentic callbacks about the members user.0 and on, on
 * threads of their own, each either on new connections or on one that is kept. Nothing is repeated:
 * whatever is not answered 200 "success" is a loss. */
#ifndef FLOW_CALLBACK_LOAD_H
#define FLOW_CALLBACK_LOAD_H

struct callback_load;

struct callback_load_figures {
    long accepted;
    long refused;   /* no connection */
    long broken;    /* a connection without an answer */
    long unwelcome; /* another answer */
};

/* port: of the daemon on 127.0.0.1; members: how many there are; half of the threads keep their
 * connection. */
struct callback_load *callback_load_start(int port, unsigned members, int threads);
/* How many were accepted so far. */
long callback_load_accepted(const struct callback_load *l);
struct callback_load_figures callback_load_stop(struct callback_load *l);

#endif
