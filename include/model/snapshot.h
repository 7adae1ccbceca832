/* All people of one side, small enough to hold a million: an id, a digest per field, the
 * departments.
 *
 * A snapshot says nothing but which subjects differ; whoever differs is read again before anything
 * is written. A digest of 0 means "not known or empty", which is never compared. */
#ifndef YQ_MODEL_SNAPSHOT_H
#define YQ_MODEL_SNAPSHOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/view.h"

enum yq_digest {
    YQ_DIGEST_NAME,
    YQ_DIGEST_MOBILE,
    YQ_DIGEST_EMAIL,
    YQ_DIGEST_GENDER,
    YQ_DIGEST_COUNT
};

struct yq_snapshot_person {
    uint64_t key;  /* hash of the id; WeCom: of the lower-case userid */
    uint64_t main; /* eteams: hash of the main department's id; WeCom: its number, 0 = not known */
    uint32_t id;   /* where the id's text begins */
    uint32_t digests[YQ_DIGEST_COUNT];
    uint32_t parts; /* WeCom: where the list of departments begins; eteams: where the list of hashes
                       of part-time departments begins; 0 = none */
    uint16_t part_count;
    uint8_t status; /* WeCom's status; eteams: 1 = in service */
};

struct yq_snapshot {
    struct yq_snapshot_person *people; /* sorted by key once sealed */
    size_t count, capacity;
    char *texts;
    size_t text_size, text_capacity;
    uint64_t *parts;
    size_t part_size, part_capacity;
    bool complete; /* every page was read, and the counts are right */
    bool sealed;
};

void yq_snapshot_init(struct yq_snapshot *s);
void yq_snapshot_release(struct yq_snapshot *s);
size_t yq_snapshot_bytes(const struct yq_snapshot *s);

/* Copies what is needed; `arena` is scratch. A member of several departments may come several
 * times: sealing keeps one. */
void yq_snapshot_add_wecom(struct yq_snapshot *s, struct yq_arena *arena,
                           const struct yq_wecom_member *m);
void yq_snapshot_add_eteams(struct yq_snapshot *s, struct yq_arena *arena,
                            const struct yq_eteams_member *m);
/* Sorts and drops doubles. */
void yq_snapshot_seal(struct yq_snapshot *s);
/* NULL if it is not there. Sealed snapshots only. */
const struct yq_snapshot_person *yq_snapshot_find(const struct yq_snapshot *s, uint64_t key);
const char *yq_snapshot_id(const struct yq_snapshot *s, const struct yq_snapshot_person *p);

/* The hash under which ids are compared; never 0. */
uint64_t yq_id_hash(const char *id);

#endif
