/* Between the daemon and the simulators: secrets of our own in the place of theirs, and calls that
 * fail with what they said. */
#ifndef FLOW_CANARY_RELAY_H
#define FLOW_CANARY_RELAY_H

#include <curl/curl.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include "support/peer_server.h"

#define WAYS 4 /* in which a call fails */

enum { APP, CONTACTS, KEY, ETEAMS, SECRETS };
/* Ours in the place of the simulators' own, as long as real ones are. */
struct swapped {
    const char *ours, *theirs;
};
extern const struct swapped swapped[SECRETS];

/* Passes on what comes with the secrets of the simulator in the place of ours; a call whose path
 * ends like `spoilt` is answered with what it said itself, in one way after the other. */
struct relay {
    struct peer_server *server;
    CURL *easy;
    char target[96];
    bool wecom;
    const char *_Atomic spoilt; /* NULL: none */
    atomic_uint echoes, way;
};
peer_handler relay; /* context: a struct relay */

/* Tokens that the peers gave meanwhile: look is called with each, under a lock. */
void issued_forget(void);
size_t issued_total(void);
void issued_each(void (*look)(void *context, const char *token), void *context);

#endif
