/* All people of one side, small enough to hold a million: a hash of the id, a digest per field, the
 * departments.
 *
 * A snapshot says nothing but which subjects differ; whoever differs is read again before anything
 * is written. A digest of 0 means "not known or empty", which is never compared. Digests have 32
 * bits: a change goes unseen once in four thousand million times. */
#ifndef YQ_MODEL_SNAPSHOT_H
#define YQ_MODEL_SNAPSHOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/view.h"

enum yq_snapshot_field {
    YQ_DIGEST_NAME,
    YQ_DIGEST_MOBILE,
    YQ_DIGEST_EMAIL,
    YQ_DIGEST_GENDER,
    YQ_DIGEST_COUNT
};

struct yq_snapshot_person {
    uint64_t key; /* yq_id_hash of the id; WeCom: of the lower-case userid */
    uint32_t digests[YQ_DIGEST_COUNT];
    uint32_t id;   /* where the userid's text begins; eteams: a number that grows row by row */
    uint32_t main; /* WeCom: number of the main department; eteams: digest of its id; 0 = not known,
                      or none */
    uint32_t parts; /* see yq_snapshot_parts */
    uint16_t part_count;
    uint8_t status; /* WeCom's status, 0 = not known; eteams: 1 = in service */
    bool departments_known : 1;
    bool leaders_known : 1;  /* and stand under yq_snapshot_leaders */
    bool no_job_num : 1;     /* eteams: has none, or it was not asked for */
    bool one_of_several : 1; /* a membership: whoever has several departments has several rows,
                                which sealing makes one */
};

/* Somebody above somebody. */
struct yq_snapshot_leader {
    uint64_t key;    /* of the person; in seats: number of the department */
    uint64_t leader; /* key of whoever is above */
    uint32_t rank;   /* WeCom: place in the list of direct leaders; eteams: 0 the superior, 1 one of
                        the others; in seats: WeCom's order in that department */
};

struct yq_snapshot_leaders {
    struct yq_snapshot_leader *rows; /* sorted by key and rank once sealed */
    size_t count, capacity;
};

struct yq_snapshot {
    struct yq_snapshot_person *people; /* sorted by key once sealed */
    size_t count, capacity;
    size_t added;   /* rows of all times */
    uint32_t known; /* WeCom: bits of enum yq_member_field that any row had */
    char *texts;
    size_t text_size, text_capacity;
    uint32_t *parts; /* of whoever has several; a single one stands in the row itself */
    size_t part_size, part_capacity;
    uint32_t *index; /* once sealed: where the rows of each of 2^index_bits ranges of keys begin */
    int index_bits;
    bool wants_leaders; /* set before anything is added: who is above whom is kept, too */
    struct yq_snapshot_leaders leaders; /* direct leaders; superiors */
    struct yq_snapshot_leaders seats;   /* WeCom: of those who lead a department */
    bool has_parts;                     /* somebody has */
    bool complete;                      /* every page was read, and the counts are right */
    bool sealed;
};

void yq_snapshot_init(struct yq_snapshot *s);
void yq_snapshot_release(struct yq_snapshot *s);
/* Forgets the people, keeps the memory: the pages are read again. */
void yq_snapshot_clear(struct yq_snapshot *s);
size_t yq_snapshot_bytes(const struct yq_snapshot *s);

/* Copy what is needed; `arena` is scratch. A member of several departments may come several times:
 * sealing keeps the row that came last. */
void yq_snapshot_add_wecom(struct yq_snapshot *s, struct yq_arena *arena,
                           const struct yq_wecom_member *m);
void yq_snapshot_add_eteams(struct yq_snapshot *s, struct yq_arena *arena,
                            const struct yq_eteams_member *m);
/* All that is known where only ids can be read: this userid is in this department. */
void yq_snapshot_add_membership(struct yq_snapshot *s, const char *userid, uint32_t department);
/* Sorts and drops doubles. More may be added afterwards, to be sealed again. */
void yq_snapshot_seal(struct yq_snapshot *s);
/* A person's part_count departments. WeCom: the numbers of all; eteams: the digests of the ids of
 * the part-time ones. */
static inline const uint32_t *yq_snapshot_parts(const struct yq_snapshot *s,
                                                const struct yq_snapshot_person *p)
{
    return p->part_count > 1 ? s->parts + p->parts : &p->parts;
}
/* Who stands above the person with that key: *ret_count rows, by rank. Sealed snapshots only. */
const struct yq_snapshot_leader *yq_snapshot_leaders_of(const struct yq_snapshot_leaders *l,
                                                        uint64_t key, size_t *ret_count);
/* NULL if it is not there. Sealed snapshots only. */
const struct yq_snapshot_person *yq_snapshot_find(const struct yq_snapshot *s, uint64_t key);
/* It will be looked for soon: its memory may be fetched. */
static inline void yq_snapshot_expect(const struct yq_snapshot *s, uint64_t key)
{
    __builtin_prefetch(s->people + s->index[key >> (64 - s->index_bits)]);
}
/* The userid as WeCom spells it. Of WeCom's people only. */
const char *yq_snapshot_id(const struct yq_snapshot *s, const struct yq_snapshot_person *p);

/* The hash under which ids are compared; never 0. */
uint64_t yq_id_hash(const char *id);
/* The same of a WeCom userid, whose case does not count. */
uint64_t yq_userid_hash(const char *userid);
/* 0 for NULL and "", never otherwise. */
uint32_t yq_digest(const char *text);

#endif
