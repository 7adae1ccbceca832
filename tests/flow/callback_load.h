/* WeCom as a load that never pauses: authentic callbacks about the members user.0 and on, on
 * threads of their own, each either on new connections or on one that is kept. Whatever is not
 * answered 200 "success" is a loss. Each has a serial number, from 0 on. */
#ifndef FLOW_CALLBACK_LOAD_H
#define FLOW_CALLBACK_LOAD_H

#include <stdbool.h>

struct callback_load;

struct callback_load_options {
    int port;          /* of the daemon on 127.0.0.1 */
    unsigned members;  /* how many there are */
    int threads;       /* half of them keep their connection */
    unsigned apart_us; /* how long each rests between two callbacks */
    int repeats;       /* without an answer, so often again, at once */
};

struct callback_load_figures {
    long accepted;
    long repeated;  /* sent again: no connection, or one without an answer */
    long lost;      /* not answered at all */
    long unwelcome; /* another answer */
};

/* A listening socket on 127.0.0.1 that a daemon may be given, as the system does; -1: none. */
int callback_load_listen(int *ret_port);
struct callback_load *callback_load_start(const struct callback_load_options *o);
/* How many were accepted so far. */
long callback_load_accepted(const struct callback_load *l);
/* Waits until so many more are; false: not within that time. */
bool callback_load_await(const struct callback_load *l, long more, int within_ms);
/* So long took what was answered since this was asked last, but for the slowest (100 - percent) in
 * a hundred, from before it was connected. */
double callback_load_slowest_ms(struct callback_load *l, int percent);
/* Ends the sending, so that one may ask which were accepted, of as many as there are. */
void callback_load_end(struct callback_load *l);
unsigned callback_load_count(const struct callback_load *l);
bool callback_load_was_accepted(const struct callback_load *l, unsigned serial);
/* Ends the sending, if it is not ended, and frees. */
struct callback_load_figures callback_load_stop(struct callback_load *l);

#endif
