/* What the guard held. */
#include "plan/held.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/memory.h"

struct yq_held_plan *yq_held_new(void)
{
    struct yq_arena *arena = yq_arena_new();
    struct yq_held_plan *h = yq_arena_alloc(arena, sizeof(*h));
    h->arena = arena;
    h->run = h->since = "";
    return h;
}

void yq_held_free(struct yq_held_plan *h)
{
    if (h == NULL)
        return;
    HASH_CLEAR(hh, h->subjects);
    free(h->rows);
    yq_arena_free(h->arena);
}

/* The row's texts live as long as the plan already. */
static void add_row(struct yq_held_plan *h, const struct yq_held_row *row)
{
    struct yq_held_row *added = yq_arena_alloc(h->arena, sizeof(*added)), *first;
    *added = *row;
    added->same = NULL;
    yq_subject_key(&added->subject, added->key);
    yq_grow(&h->rows, &h->capacity, h->row_count, sizeof(struct yq_held_row *));
    h->rows[h->row_count++] = added;
    h->people += added->counted;
    HASH_FIND_STR(h->subjects, added->key, first);
    if (first == NULL) {
        HASH_ADD_STR(h->subjects, key, added);
        return;
    }
    added->same = first->same;
    first->same = added;
}

const struct yq_held_row *yq_held_find(const struct yq_held_plan *h, const char *key)
{
    const struct yq_held_row *row;
    HASH_FIND_STR(h->subjects, key, row);
    return row;
}

/* ---- from a plan ---- */

static const char *details_of(struct yq_arena *arena, const struct yq_operation *op)
{
    struct yq_buf words = YQ_BUF_INIT;
    for (size_t i = 0; i < op->change_count; i++)
        yq_buf_addf(&words, "%s%s", words.len ? " " : "", op->changes[i].field);
    if (op->kind == YQ_OP_POST_ADD || op->kind == YQ_OP_POST_REMOVE) {
        if (op->department.id != NULL)
            yq_buf_adds(&words, op->department.id);
        else
            yq_buf_addf(&words, "wecom:%" PRIu32, op->department.wecom);
    }
    const char *copy = yq_arena_strdup(arena, yq_buf_text(&words));
    yq_buf_release(&words);
    return copy;
}

static const char *evidence_of(struct yq_held_plan *h, const struct yq_view *v,
                               const struct yq_subject *subject)
{
    const struct yq_evidence *e = yq_view_evidence(v, subject);
    struct yq_buf json = YQ_BUF_INIT;
    if (e == NULL)
        return NULL;
    yq_evidence_write(e, &json);
    const char *copy = yq_arena_strdup(h->arena, yq_buf_text(&json));
    yq_buf_release(&json);
    return copy;
}

void yq_held_collect(struct yq_held_plan *h, const struct yq_plan *p, const struct yq_view *v)
{
    for (size_t i = 0; i < p->operation_count; i++) {
        const struct yq_operation *op = p->operations[i];
        if (!op->held)
            continue;
        struct yq_held_row row = {.kind = op->kind,
                                  .subject = op->subject,
                                  .counted = op->kind == YQ_OP_MEMBER_RESIGN || op->to_root,
                                  .target = yq_arena_strdup(h->arena, op->target),
                                  .rule = yq_arena_strdup(h->arena, op->rule ? op->rule : ""),
                                  .name = yq_arena_strdup(h->arena, op->name),
                                  .details = details_of(h->arena, op),
                                  .evidence = evidence_of(h, v, &op->subject)};
        add_row(h, &row);
    }
}

bool yq_held_overlaps(const struct yq_held_plan *a, const struct yq_held_plan *b)
{
    for (const struct yq_held_row *row = a->subjects; row != NULL; row = row->hh.next) {
        if (yq_held_find(b, row->key) != NULL)
            return true;
    }
    return false;
}

static void copy_row(struct yq_held_plan *h, const struct yq_held_row *from)
{
    struct yq_held_row row = *from;
    row.target = yq_arena_strdup(h->arena, from->target);
    row.rule = yq_arena_strdup(h->arena, from->rule);
    row.name = yq_arena_strdup(h->arena, from->name);
    row.details = yq_arena_strdup(h->arena, from->details);
    row.evidence = yq_arena_strdup(h->arena, from->evidence);
    add_row(h, &row);
}

void yq_held_take_over(struct yq_held_plan *h, const struct yq_held_plan *older,
                       const struct yq_plan *p)
{
    for (size_t i = 0; i < older->row_count; i++) {
        const struct yq_verdict *v;
        HASH_FIND_STR(p->verdicts, older->rows[i]->key, v);
        if (v == NULL)
            copy_row(h, older->rows[i]);
    }
}

/* ---- the hash ---- */

/* FNV-1a, twice with different seeds: 128 bits name a list of people well enough. */
static void mix(uint64_t h[2], const char *text)
{
    for (const unsigned char *c = (const unsigned char *)text;; c++) {
        h[0] = (h[0] ^ *c) * 0x100000001b3u;
        h[1] = (h[1] ^ (*c + 0x5bu)) * 0x100000001b3u;
        if (*c == 0)
            return;
    }
}

static int compare_text(const char *a, const char *b)
{
    return strcmp(a ? a : "", b ? b : "");
}

static int compare_rows(const void *left, const void *right)
{
    const struct yq_held_row *a = *(struct yq_held_row *const *)left;
    const struct yq_held_row *b = *(struct yq_held_row *const *)right;
    int order = compare_text(a->target, b->target);
    if (order == 0)
        order = strcmp(a->key, b->key);
    if (order == 0)
        order = (a->kind > b->kind) - (a->kind < b->kind);
    return order ? order : strcmp(a->details, b->details);
}

void yq_held_name(struct yq_held_plan *h)
{
    uint64_t sum[2] = {0xcbf29ce484222325u, 0x84222325cbf29ce4u};
    if (h->row_count > 1)
        qsort(h->rows, h->row_count, sizeof(struct yq_held_row *), compare_rows);
    for (size_t i = 0; i < h->row_count; i++) {
        const struct yq_held_row *row = h->rows[i];
        if (!row->counted)
            continue;
        mix(sum, yq_operation_kind_name(row->kind));
        mix(sum, row->target ? row->target : "");
        if (row->details[0] != '\0')
            mix(sum, row->details);
    }
    (void)snprintf(h->hash, sizeof(h->hash), "%016" PRIx64 "%016" PRIx64, sum[0], sum[1]);
}

/* ---- JSON ---- */

static void write_row(const struct yq_held_row *row, struct yq_buf *out)
{
    char subject[YQ_SUBJECT_MAX];
    yq_subject_format(&row->subject, subject);
    yq_buf_addf(out, "{\"op\":\"%s\",\"rule\":\"%s\",\"subject\":\"%s\",\"counted\":%s,\"target\":",
                yq_operation_kind_name(row->kind), row->rule, subject,
                row->counted ? "true" : "false");
    yq_buf_add_json_string(out, row->target);
    yq_buf_adds(out, ",\"name\":");
    yq_buf_add_json_string(out, row->name);
    yq_buf_adds(out, ",\"details\":");
    yq_buf_add_json_string(out, row->details);
    if (row->evidence != NULL)
        yq_buf_addf(out, ",\"evidence\":%s", row->evidence);
    yq_buf_addc(out, '}');
}

void yq_held_write(const struct yq_held_plan *h, struct yq_buf *out)
{
    yq_buf_addf(out,
                "{\"v\":%d,\"hash\":\"%s\",\"at\":%" PRId64
                ",\"run\":\"%s\",\"since\":\"%s\",\"replaced_by\":",
                YQ_HELD_VERSION, h->hash, h->at, h->run, h->since);
    yq_buf_add_json_string(out, h->replaced_by);
    yq_buf_adds(out, ",\"operations\":[");
    for (size_t i = 0; i < h->row_count; i++) {
        yq_buf_adds(out, i ? "," : "");
        write_row(h->rows[i], out);
    }
    yq_buf_adds(out, "]}");
}

static const char *text_of(struct yq_held_plan *h, const cJSON *tree, const char *name)
{
    return yq_arena_strdup(h->arena, yq_json_text(h->arena, tree, name));
}

static const char *or_empty(const char *text)
{
    return text ? text : "";
}

static int read_row(struct yq_held_plan *h, const cJSON *item, struct yq_error *err)
{
    const char *op = text_of(h, item, "op"), *subject = text_of(h, item, "subject");
    const cJSON *evidence = yq_json_get(item, "evidence");
    struct yq_held_row row = {.counted = yq_json_bool(item, "counted", true),
                              .target = text_of(h, item, "target"),
                              .rule = or_empty(text_of(h, item, "rule")),
                              .name = text_of(h, item, "name"),
                              .details = or_empty(text_of(h, item, "details"))};
    if (op == NULL || yq_operation_kind_parse(op, &row.kind) < 0 || subject == NULL ||
        yq_subject_parse(subject, &row.subject, NULL) < 0)
        return yq_error_set(err, YQ_ERROR_INVALID, "held plan: an operation is unusable");
    if (evidence != NULL) {
        char *text = cJSON_PrintUnformatted(evidence);
        row.evidence = yq_arena_strdup(h->arena, text);
        cJSON_free(text);
    }
    add_row(h, &row);
    return 0;
}

struct yq_held_plan *yq_held_read(const char *json, size_t len, struct yq_error *err)
{
    struct yq_held_plan *h = yq_held_new();
    const cJSON *item;
    int64_t version = 0;
    int done = -1;
    cJSON *tree = yq_json_parse(json, len, err);
    if (tree == NULL)
        goto out;
    if (!yq_json_int(tree, "v", &version) || version != YQ_HELD_VERSION) {
        yq_error_set(err, YQ_ERROR_INVALID, "held plan of unknown version %" PRId64, version);
        goto out;
    }
    (void)snprintf(h->hash, sizeof(h->hash), "%.32s", or_empty(text_of(h, tree, "hash")));
    (void)yq_json_int(tree, "at", &h->at); /* stays 0: expired */
    h->run = or_empty(text_of(h, tree, "run"));
    h->since = or_empty(text_of(h, tree, "since"));
    h->replaced_by = text_of(h, tree, "replaced_by");
    done = 0;
    cJSON_ArrayForEach (item, yq_json_get(tree, "operations")) {
        if (done == 0)
            done = read_row(h, item, err);
    }
out:
    cJSON_Delete(tree);
    if (done == 0)
        return h;
    yq_held_free(h);
    return NULL;
}

/* ---- what it allows ---- */

/* Is every word of `some` one of `all`? */
static bool words_within(const char *some, const char *all)
{
    while (*some != '\0') {
        size_t len = strcspn(some, " ");
        bool found = false;
        for (const char *at = all; *at != '\0' && !found;) {
            size_t n = strcspn(at, " ");
            found = n == len && memcmp(at, some, len) == 0;
            at += n + (at[n] == ' ');
        }
        if (!found)
            return false;
        some += len + (some[len] == ' ');
    }
    return true;
}

bool yq_held_allows(const struct yq_held_plan *h, const struct yq_operation *op)
{
    char key[YQ_SUBJECT_MAX];
    yq_subject_key(&op->subject, key);
    struct yq_arena *arena = yq_arena_new();
    const char *details = details_of(arena, op);
    bool allowed = false;
    for (const struct yq_held_row *row = yq_held_find(h, key); row != NULL && !allowed;
         row = row->same)
        allowed = row->kind == op->kind && compare_text(row->target, op->target) == 0 &&
                  words_within(details, row->details);
    yq_arena_free(arena);
    return allowed;
}
