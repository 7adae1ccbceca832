/* All people of one side, as ids and digests. */
#include "model/snapshot.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "model/normal.h"

#define TEXT_LIMIT UINT32_MAX

void yq_snapshot_init(struct yq_snapshot *s)
{
    *s = (struct yq_snapshot){0};
}

void yq_snapshot_release(struct yq_snapshot *s)
{
    free(s->people);
    free(s->texts);
    free(s->parts);
    yq_snapshot_init(s);
}

size_t yq_snapshot_bytes(const struct yq_snapshot *s)
{
    return s->capacity * sizeof(*s->people) + s->text_capacity +
           s->part_capacity * sizeof(*s->parts);
}

/* FNV-1a, finished by a mix so that the low bits are as good as the high ones. */
uint64_t yq_id_hash(const char *id)
{
    uint64_t h = 0xcbf29ce484222325u;
    for (const unsigned char *c = (const unsigned char *)id; *c != '\0'; c++)
        h = (h ^ *c) * 0x100000001b3u;
    h ^= h >> 32;
    h *= 0x9e3779b97f4a7c15u;
    h ^= h >> 29;
    return h ? h : 1;
}

static uint32_t digest(const char *text)
{
    if (text == NULL || text[0] == '\0')
        return 0;
    uint64_t h = yq_id_hash(text);
    uint32_t folded = (uint32_t)(h >> 32) ^ (uint32_t)h;
    return folded ? folded : 1;
}

/* Grows by half: doubling would leave up to half of the memory unused. */
static void reserve(void *array, size_t *capacity, size_t need, size_t size)
{
    if (need <= *capacity)
        return;
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
    if (s->text_size > TEXT_LIMIT)
        abort(); /* 4 GiB of ids: far beyond any company */
    return (uint32_t)(s->text_size - len);
}

static struct yq_snapshot_person *add_person(struct yq_snapshot *s, const char *key, const char *id)
{
    reserve(&s->people, &s->capacity, s->count + 1, sizeof(*s->people));
    struct yq_snapshot_person *p = &s->people[s->count++];
    *p = (struct yq_snapshot_person){.key = yq_id_hash(key), .id = add_text(s, id)};
    return p;
}

static void add_part(struct yq_snapshot *s, struct yq_snapshot_person *p, uint64_t value)
{
    if (s->part_size == 0) { /* 0 means "none" */
        reserve(&s->parts, &s->part_capacity, 1, sizeof(*s->parts));
        s->parts[s->part_size++] = 0;
    }
    reserve(&s->parts, &s->part_capacity, s->part_size + 1, sizeof(*s->parts));
    if (p->part_count == 0)
        p->parts = (uint32_t)s->part_size;
    s->parts[s->part_size++] = value;
    p->part_count++;
}

void yq_snapshot_add_wecom(struct yq_snapshot *s, struct yq_arena *arena,
                           const struct yq_wecom_member *m)
{
    struct yq_snapshot_person *p = add_person(s, m->key, m->userid);
    if (m->known & YQ_FIELD_BIT(YQ_FIELD_NAME))
        p->digests[YQ_DIGEST_NAME] = digest(m->name ? yq_normal_name(arena, m->name) : NULL);
    if (m->known & YQ_FIELD_BIT(YQ_FIELD_MOBILE))
        p->digests[YQ_DIGEST_MOBILE] =
            digest(m->mobile ? yq_normal_mobile(arena, m->mobile) : NULL);
    if (m->known & YQ_FIELD_BIT(YQ_FIELD_EMAIL))
        p->digests[YQ_DIGEST_EMAIL] = digest(m->email ? yq_normal_email(arena, m->email) : NULL);
    if (m->known & YQ_FIELD_BIT(YQ_FIELD_GENDER))
        p->digests[YQ_DIGEST_GENDER] = digest(m->gender ? yq_normal_gender(m->gender) : NULL);
    p->status = (uint8_t)m->status;
    p->main = m->main_department;
    if (!(m->known & YQ_FIELD_BIT(YQ_FIELD_DEPARTMENTS)))
        return;
    for (size_t i = 0; i < m->department_count && i < UINT16_MAX; i++)
        add_part(s, p, m->departments[i]);
}

void yq_snapshot_add_eteams(struct yq_snapshot *s, struct yq_arena *arena,
                            const struct yq_eteams_member *m)
{
    struct yq_snapshot_person *p = add_person(s, m->id, m->id);
    const char *sex = m->sex == NULL                  ? ""
                      : strcmp(m->sex, "male") == 0   ? "1"
                      : strcmp(m->sex, "female") == 0 ? "2"
                                                      : "";
    p->digests[YQ_DIGEST_NAME] = digest(m->name ? yq_normal_name(arena, m->name) : NULL);
    p->digests[YQ_DIGEST_MOBILE] = digest(m->mobile ? yq_normal_mobile(arena, m->mobile) : NULL);
    p->digests[YQ_DIGEST_EMAIL] = digest(m->email ? yq_normal_email(arena, m->email) : NULL);
    p->digests[YQ_DIGEST_GENDER] = digest(sex);
    p->status = m->in_service ? 1 : 0;
    p->main = m->department_count ? yq_id_hash(m->departments[0]) : 0;
    for (size_t i = 1; i < m->department_count && i < UINT16_MAX; i++)
        add_part(s, p, yq_id_hash(m->departments[i]));
}

static int compare(const void *left, const void *right)
{
    const struct yq_snapshot_person *a = left, *b = right;
    if (a->key != b->key)
        return a->key < b->key ? -1 : 1;
    return a->id < b->id ? -1 : a->id > b->id;
}

void yq_snapshot_seal(struct yq_snapshot *s)
{
    size_t kept = 0;
    if (s->count > 1)
        qsort(s->people, s->count, sizeof(*s->people), compare);
    for (size_t i = 0; i < s->count; i++) {
        if (kept == 0 || s->people[kept - 1].key != s->people[i].key)
            s->people[kept++] = s->people[i];
    }
    s->count = kept;
    s->sealed = true;
}

const struct yq_snapshot_person *yq_snapshot_find(const struct yq_snapshot *s, uint64_t key)
{
    size_t low = 0, high = s->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (s->people[middle].key < key)
            low = middle + 1;
        else
            high = middle;
    }
    return low < s->count && s->people[low].key == key ? &s->people[low] : NULL;
}

const char *yq_snapshot_id(const struct yq_snapshot *s, const struct yq_snapshot_person *p)
{
    return s->texts + p->id;
}
