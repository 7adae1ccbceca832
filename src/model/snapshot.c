/* All people of one side, as hashes and digests. */
#include "model/snapshot.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/sort.h"
#include "model/normal.h"

void yq_snapshot_init(struct yq_snapshot *s)
{
    *s = (struct yq_snapshot){0};
}

void yq_snapshot_release(struct yq_snapshot *s)
{
    free(s->people);
    free(s->texts);
    free(s->parts);
    free(s->index);
    free(s->leaders.rows);
    free(s->seats.rows);
    yq_snapshot_init(s);
}

void yq_snapshot_clear(struct yq_snapshot *s)
{
    s->count = s->added = s->text_size = s->part_size = 0;
    s->leaders.count = s->seats.count = 0;
    s->complete = s->sealed = s->has_parts = false;
    s->known = 0;
}

size_t yq_snapshot_bytes(const struct yq_snapshot *s)
{
    return s->capacity * sizeof(*s->people) + s->text_capacity +
           s->part_capacity * sizeof(*s->parts) +
           (s->leaders.capacity + s->seats.capacity) * sizeof(*s->leaders.rows) +
           (s->index ? (((size_t)1 << s->index_bits) + 1) * sizeof(*s->index) : 0);
}

/* ---- hashes ---- */

static uint64_t mix(uint64_t h)
{
    h = (h ^ (h >> 32)) * 0x9fb21c651e98df25u;
    return h ^ (h >> 28);
}

/* Eight bytes at a time, mixed so that every bit counts in all others; not kept anywhere, so that
 * it may be another one on another machine. */
uint64_t yq_id_hash(const char *id)
{
    size_t len = strlen(id);
    uint64_t h = 0x9e3779b97f4a7c15u ^ len, word;
    for (; len >= 8; id += 8, len -= 8) {
        memcpy(&word, id, 8);
        h = mix(h ^ word) * 0x9e3779b97f4a7c15u;
    }
    word = 0;
    memcpy(&word, id, len);
    h = mix(mix(h ^ word) * 0x9e3779b97f4a7c15u);
    return h ? h : 1;
}

uint64_t yq_userid_hash(const char *userid)
{
    char key[YQ_USERID_MAX + 1];
    yq_userid_key(userid, key);
    return yq_id_hash(key);
}

uint32_t yq_digest(const char *text)
{
    if (text == NULL || text[0] == '\0')
        return 0;
    uint64_t h = yq_id_hash(text);
    uint32_t folded = (uint32_t)(h >> 32) ^ (uint32_t)h;
    return folded ? folded : 1;
}

/* ---- filling ---- */

/* Grows by half: large arrays grow in their place, and what is not yet used costs no memory. */
static void reserve(void *array, size_t *capacity, size_t need, size_t size)
{
    if (need <= *capacity)
        return;
    if (need > UINT32_MAX)
        abort(); /* as many bytes of userids: far beyond any company */
    size_t wanted = *capacity + *capacity / 2 + 64;
    *capacity = wanted > need ? wanted : need;
    void **items = array;
    *items = yq_realloc(*items, *capacity, size);
}

static uint32_t add_text(struct yq_snapshot *s, const char *text)
{
    size_t len = strlen(text) + 1;
    reserve(&s->texts, &s->text_capacity, s->text_size + len, 1);
    memcpy(s->texts + s->text_size, text, len);
    s->text_size += len;
    return (uint32_t)(s->text_size - len);
}

static struct yq_snapshot_person *add_person(struct yq_snapshot *s, uint64_t key)
{
    reserve(&s->people, &s->capacity, s->count + 1, sizeof(*s->people));
    struct yq_snapshot_person *p = &s->people[s->count++];
    s->added++;
    s->sealed = false;
    *p = (struct yq_snapshot_person){.key = key};
    return p;
}

static void push_part(struct yq_snapshot *s, uint32_t value)
{
    reserve(&s->parts, &s->part_capacity, s->part_size + 1, sizeof(*s->parts));
    s->parts[s->part_size++] = value;
}

/* To the person whose departments came last. */
static void add_part(struct yq_snapshot *s, struct yq_snapshot_person *p, uint32_t value)
{
    if (p->part_count == UINT16_MAX)
        return;
    s->has_parts = true;
    if (p->part_count == 1) {
        push_part(s, p->parts);
        p->parts = (uint32_t)s->part_size - 1;
    }
    if (p->part_count == 0)
        p->parts = value;
    else
        push_part(s, value);
    p->part_count++;
}

static uint32_t name_digest(struct yq_arena *arena, const char *name)
{
    return name ? yq_digest(yq_normal_name(arena, name)) : 0;
}

static uint32_t mobile_digest(struct yq_arena *arena, const char *mobile)
{
    return mobile ? yq_digest(yq_normal_mobile(arena, mobile)) : 0;
}

static uint32_t email_digest(struct yq_arena *arena, const char *email)
{
    return email ? yq_digest(yq_normal_email(arena, email)) : 0;
}

static uint32_t gender_digest(const char *gender)
{
    return gender ? yq_digest(yq_normal_gender(gender)) : 0;
}

/* ---- who is above whom ---- */

static void add_leader(struct yq_snapshot_leaders *l, uint64_t key, uint64_t leader, uint32_t rank)
{
    reserve(&l->rows, &l->capacity, l->count + 1, sizeof(*l->rows));
    l->rows[l->count++] = (struct yq_snapshot_leader){key, leader, rank};
}

static uint32_t order_in(const struct yq_wecom_member *m, uint32_t department)
{
    for (size_t i = 0; m->orders != NULL && i < m->department_count; i++) {
        if (m->departments[i] == department)
            return m->orders[i];
    }
    return 0;
}

static void add_wecom_leaders(struct yq_snapshot *s, const struct yq_wecom_member *m, uint64_t key)
{
    for (size_t i = 0; i < m->direct_leader_count; i++)
        add_leader(&s->leaders, key, yq_userid_hash(m->direct_leaders[i]), (uint32_t)i);
    for (size_t i = 0; i < m->lead_count; i++)
        add_leader(&s->seats, m->leads[i], key, order_in(m, m->leads[i]));
}

static void add_superiors(struct yq_snapshot *s, const struct yq_eteams_member *m, uint64_t key)
{
    if (m->superior[0] != '\0')
        add_leader(&s->leaders, key, yq_id_hash(m->superior), 0);
    for (size_t i = 0; i < m->other_count; i++)
        add_leader(&s->leaders, key, yq_id_hash(m->others[i]), 1);
}

static int compare_leaders(const void *left, const void *right)
{
    const struct yq_snapshot_leader *a = left, *b = right;
    if (a->key != b->key)
        return a->key < b->key ? -1 : 1;
    if (a->rank != b->rank)
        return a->rank < b->rank ? -1 : 1;
    return a->leader < b->leader ? -1 : a->leader > b->leader;
}

/* Sorted, each once: a member of several departments comes several times. */
static void seal_leaders(struct yq_snapshot_leaders *l)
{
    size_t kept = 0;
    if (l->count > 1)
        qsort(l->rows, l->count, sizeof(*l->rows), compare_leaders);
    for (size_t i = 0; i < l->count; i++) {
        if (kept == 0 || compare_leaders(&l->rows[kept - 1], &l->rows[i]) != 0)
            l->rows[kept++] = l->rows[i];
    }
    l->count = kept;
}

const struct yq_snapshot_leader *yq_snapshot_leaders_of(const struct yq_snapshot_leaders *l,
                                                        uint64_t key, size_t *ret_count)
{
    size_t low = 0, high = l->count, end;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (l->rows[middle].key < key)
            low = middle + 1;
        else
            high = middle;
    }
    for (end = low; end < l->count && l->rows[end].key == key;)
        end++;
    *ret_count = end - low;
    return l->rows + low;
}

/* ---- rows ---- */

void yq_snapshot_add_wecom(struct yq_snapshot *s, struct yq_arena *arena,
                           const struct yq_wecom_member *m)
{
    struct yq_snapshot_person *p = add_person(s, yq_id_hash(m->key));
    p->id = add_text(s, m->userid);
    s->known |= m->known;
    p->digests[YQ_DIGEST_NAME] = name_digest(arena, m->name);
    p->digests[YQ_DIGEST_MOBILE] = mobile_digest(arena, m->mobile);
    p->digests[YQ_DIGEST_EMAIL] = email_digest(arena, m->email);
    p->digests[YQ_DIGEST_GENDER] = gender_digest(m->gender);
    p->status = (uint8_t)m->status;
    p->main = m->main_department;
    p->departments_known = (m->known & YQ_FIELD_BIT(YQ_FIELD_DEPARTMENTS)) != 0;
    for (size_t i = 0; i < m->department_count && p->departments_known; i++)
        add_part(s, p, m->departments[i]);
    p->leaders_known = (m->known & YQ_FIELD_BIT(YQ_FIELD_DIRECT_LEADERS)) != 0;
    if (s->wants_leaders)
        add_wecom_leaders(s, m, p->key);
}

void yq_snapshot_add_eteams(struct yq_snapshot *s, struct yq_arena *arena,
                            const struct yq_eteams_member *m)
{
    struct yq_snapshot_person *p = add_person(s, yq_id_hash(m->id));
    p->id = (uint32_t)s->added;
    p->digests[YQ_DIGEST_NAME] = name_digest(arena, m->name);
    p->digests[YQ_DIGEST_MOBILE] = mobile_digest(arena, m->mobile);
    p->digests[YQ_DIGEST_EMAIL] = email_digest(arena, m->email);
    p->digests[YQ_DIGEST_GENDER] = gender_digest(m->sex);
    p->status = m->in_service ? 1 : 0;
    p->departments_known = true;
    p->main = m->department_count ? yq_digest(m->departments[0]) : 0;
    for (size_t i = 1; i < m->department_count; i++)
        add_part(s, p, yq_digest(m->departments[i]));
    p->no_job_num = m->job_num == NULL || m->job_num[0] == '\0';
    p->leaders_known = m->superiors_known;
    if (s->wants_leaders && m->superiors_known)
        add_superiors(s, m, p->key);
}

void yq_snapshot_add_membership(struct yq_snapshot *s, const char *userid, uint32_t department)
{
    struct yq_snapshot_person *p = add_person(s, yq_userid_hash(userid));
    p->id = add_text(s, userid);
    p->departments_known = p->one_of_several = true;
    s->known |= YQ_FIELD_BIT(YQ_FIELD_DEPARTMENTS);
    add_part(s, p, department);
}

/* ---- sealing ---- */

static bool has_part(const struct yq_snapshot *s, const struct yq_snapshot_person *p,
                     uint32_t value)
{
    const uint32_t *parts = yq_snapshot_parts(s, p);
    for (uint16_t i = 0; i < p->part_count; i++) {
        if (parts[i] == value)
            return true;
    }
    return false;
}

/* Memberships of one person, in one row. */
static void join_rows(struct yq_snapshot *s, struct yq_snapshot_person *to,
                      const struct yq_snapshot_person *rows, size_t count)
{
    struct yq_snapshot_person whole = rows[0];
    whole.part_count = 0;
    for (size_t r = 0; r < count; r++) {
        for (uint16_t i = 0; i < rows[r].part_count; i++) {
            uint32_t value = yq_snapshot_parts(s, &rows[r])[i];
            if (!has_part(s, &whole, value))
                add_part(s, &whole, value);
        }
        whole.id = rows[r].id > whole.id ? rows[r].id : whole.id;
    }
    *to = whole;
}

/* One row for the person of these: `to` stands at or before them. */
static void keep_one(struct yq_snapshot *s, struct yq_snapshot_person *to,
                     const struct yq_snapshot_person *rows, size_t count)
{
    if (count > 1 && rows[0].one_of_several) {
        join_rows(s, to, rows, count);
        return;
    }
    const struct yq_snapshot_person *last = rows;
    for (size_t r = 1; r < count; r++) {
        last = rows[r].id > last->id ? &rows[r] : last;
    }
    *to = *last;
}

/* About eight rows to a range. */
static void make_index(struct yq_snapshot *s)
{
    int bits = 1;
    while (bits < 24 && (s->count >> (bits + 3)) > 0)
        bits++;
    s->index_bits = bits;
    s->index = yq_realloc(s->index, ((size_t)1 << bits) + 1, sizeof(*s->index));
    size_t row = 0;
    for (size_t range = 0; range < (size_t)1 << bits; range++) {
        while (row < s->count && s->people[row].key >> (64 - bits) < range)
            row++;
        s->index[range] = (uint32_t)row;
    }
    s->index[(size_t)1 << bits] = (uint32_t)s->count;
}

void yq_snapshot_seal(struct yq_snapshot *s)
{
    size_t kept = 0;
    yq_sort_by_key(s->people, s->count, sizeof(*s->people));
    for (size_t i = 0, end; i < s->count; i = end) {
        for (end = i + 1; end < s->count && s->people[end].key == s->people[i].key;)
            end++;
        keep_one(s, &s->people[kept++], &s->people[i], end - i);
    }
    s->count = kept;
    seal_leaders(&s->leaders);
    seal_leaders(&s->seats);
    make_index(s);
    s->sealed = true;
}

const struct yq_snapshot_person *yq_snapshot_find(const struct yq_snapshot *s, uint64_t key)
{
    size_t range = key >> (64 - s->index_bits);
    size_t low = s->index[range], high = s->index[range + 1];
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (s->people[middle].key < key)
            low = middle + 1;
        else
            high = middle;
    }
    return low < s->index[range + 1] && s->people[low].key == key ? &s->people[low] : NULL;
}

const char *yq_snapshot_id(const struct yq_snapshot *s, const struct yq_snapshot_person *p)
{
    return s->texts + p->id;
}
