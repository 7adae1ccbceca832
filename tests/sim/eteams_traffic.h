/* What came over the wire: calls and rows per path, how many were in flight, the last bodies. */
#ifndef SIM_ETEAMS_TRAFFIC_H
#define SIM_ETEAMS_TRAFFIC_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

#define ET_WIRE 256 /* bodies that are kept */
#define ET_PATHS 32
#define ET_FLYING 1024

struct et_traffic {
    struct {
        char *path;
        uint64_t calls, rows;
    } paths[ET_PATHS];
    size_t path_count;
    struct {
        char *path, *body;
    } wire[ET_WIRE];
    uint64_t wire_seq;
    int64_t flying[ET_FLYING]; /* when each answer that is still delayed goes out, on the monotonic
                                  clock */
    size_t flying_count, max_flying;
};

/* A request came: keeps its body without tokens and secrets. */
void et_traffic_came(struct et_traffic *t, const char *path, const char *body);
/* Its answer is made: counted with its rows, in flight for delay_ms more. */
void et_traffic_answered(struct et_traffic *t, const char *path, size_t rows, int64_t delay_ms);

void et_traffic_print_calls(const struct et_traffic *t, struct yq_buf *out);
/* The last n bodies, oldest first. */
void et_traffic_print_wire(const struct et_traffic *t, size_t n, struct yq_buf *out);
void et_traffic_reset_calls(struct et_traffic *t);
void et_traffic_release(struct et_traffic *t);

#endif
