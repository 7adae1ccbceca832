/* What came over the wire: calls and rows per path, how many were in flight, the last bodies. */
#ifndef SIM_ETEAMS_TRAFFIC_H
#define SIM_ETEAMS_TRAFFIC_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "sim_http.h"

#define ET_WIRE 256 /* bodies that are kept */
#define ET_PATHS 32

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
    size_t flying, max_flying;
};

/* A request came: keeps its body without tokens and secrets. */
void et_traffic_came(struct et_traffic *t, const char *path, const char *body);
/* Its answer is made: counted with its rows, in flight until the answer is over. */
void et_traffic_answered(struct et_traffic *t, const char *path, size_t rows,
                         struct sim_reply *reply);

void et_traffic_print_calls(const struct et_traffic *t, struct yq_buf *out);
/* The last n bodies, oldest first. */
void et_traffic_print_wire(const struct et_traffic *t, size_t n, struct yq_buf *out);
void et_traffic_reset_calls(struct et_traffic *t);
/* Everything but the calls in flight, which still come to their end. */
void et_traffic_release(struct et_traffic *t);

#endif
