/* Changes to the tenant, each with its trace. */
#include "eteams_journal.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "eteams_print.h"

#define ENTRIES_MAX 200000 /* then the older half is forgotten */

static void add_entry(struct et_journal *j, char *json)
{
    if (j->count == ENTRIES_MAX) {
        for (size_t i = 0; i < ENTRIES_MAX / 2; i++)
            free(j->entries[i].json);
        j->count -= ENTRIES_MAX / 2;
        memmove(j->entries, j->entries + ENTRIES_MAX / 2, j->count * sizeof(*j->entries));
    }
    yq_grow(&j->entries, &j->capacity, j->count, sizeof(*j->entries));
    j->entries[j->count++] = (struct et_entry){j->last_seq, json};
}

static bool is_time(const char *name)
{
    return strcmp(name, "create_time") == 0 || strcmp(name, "update_time") == 0;
}

/* One side of a history entry. r is NULL before a record was there. */
static void print_side(struct yq_buf *out, const struct et_schema *s, const struct et_record *r,
                       const struct et_change *differing)
{
    yq_buf_addc(out, '{');
    for (int f = 0; r != NULL && f < s->fields; f++) {
        if (differing->value[f] == NULL || is_time(s->names[f]))
            continue;
        et_print_name(out, s->names[f]);
        et_print_value(out, s->names[f], et_text(r, f), false);
    }
    yq_buf_addc(out, '}');
}

static const char *what_is_in(const struct et_tenant *owner, const struct et_table *t)
{
    if (t == &owner->orgs)
        return "department";
    if (t == &owner->employees)
        return "member";
    if (t == &owner->posts)
        return "post";
    return t == &owner->admins ? "admin" : "lock";
}

static void begin_entry(struct yq_buf *out, const struct et_writer *w, const struct et_table *t,
                        const char *id)
{
    yq_buf_addf(out, "{\"seq\":%llu,\"what\":\"%s\"", (unsigned long long)++w->journal->last_seq,
                what_is_in(w->tenant, t));
    et_print_name(out, "call");
    yq_buf_add_json_string(out, w->call);
    et_print_name(out, "id");
    yq_buf_add_json_string(out, id);
    yq_buf_addf(out, ",\"at_ms\":%lld,\"before\":", (long long)sim_now_ms());
}

/* Leaves only what differs; returns whether anything does. */
static bool keep_differing(const struct et_schema *s, const struct et_record *r,
                           struct et_change *change)
{
    bool any = false;
    for (int f = 0; f < s->fields; f++) {
        if (change->value[f] != NULL && et_is(r, f, change->value[f]))
            change->value[f] = NULL;
        any = any || change->value[f] != NULL;
    }
    return any;
}

static struct et_record *create(struct et_writer *w, struct et_table *t, struct et_change *change,
                                const char *now)
{
    int created = et_field_named(t->schema, "create_time");
    int updated = et_field_named(t->schema, "update_time");
    if (created >= 0)
        change->value[created] = change->value[updated] = now;
    struct et_record *r = et_table_add(t, change->value);
    struct yq_buf out = YQ_BUF_INIT;
    begin_entry(&out, w, t, et_text(r, 0));
    yq_buf_adds(&out, "{},\"after\":");
    print_side(&out, t->schema, r, change);
    yq_buf_addc(&out, '}');
    add_entry(w->journal, yq_buf_steal(&out));
    return r;
}

struct et_record *et_write(struct et_writer *w, struct et_table *t, struct et_record *r,
                           const struct et_change *wanted)
{
    struct et_change change = *wanted;
    char now[ET_TIME_SIZE];
    et_time_text(sim_now_ms(), now);
    if (r != NULL && !keep_differing(t->schema, r, &change))
        return r;
    w->changed = true;
    if (r == NULL)
        return create(w, t, &change, now);
    struct yq_buf out = YQ_BUF_INIT;
    begin_entry(&out, w, t, et_text(r, 0));
    print_side(&out, t->schema, r, &change);
    for (int f = 0; f < t->schema->fields; f++)
        if (change.value[f] != NULL)
            et_table_set(t, r, f, change.value[f]);
    int updated = et_field_named(t->schema, "update_time");
    if (updated >= 0)
        et_table_set(t, r, updated, now);
    yq_buf_adds(&out, ",\"after\":");
    print_side(&out, t->schema, r, &change);
    yq_buf_addc(&out, '}');
    add_entry(w->journal, yq_buf_steal(&out));
    return r;
}

void et_write_removal(struct et_writer *w, struct et_table *t, struct et_record *r)
{
    struct yq_buf out = YQ_BUF_INIT;
    begin_entry(&out, w, t, et_text(r, 0));
    yq_buf_addc(&out, '{');
    et_print_fields(&out, t->schema, r);
    yq_buf_adds(&out, "},\"after\":{}}");
    add_entry(w->journal, yq_buf_steal(&out));
    et_table_remove(t, r);
    w->changed = true;
}

static void keep_example(struct et_journal *j, const struct et_writer *w, const cJSON *row)
{
    if (j->example_count == ET_EXAMPLES)
        return;
    char *text = cJSON_PrintUnformatted(row);
    j->examples[j->example_count++] = yq_printf("{\"call\":\"%s\",\"row\":%s}", w->call, text);
    cJSON_free(text);
}

/* 410011, 410012, 410013: left, in service, enabled or disabled already. */
static bool is_already_so(int code)
{
    return code >= 410011 && code <= 410013;
}

void et_journal_row(struct et_journal *j, const struct et_writer *w, enum et_write_kind kind,
                    int code, const cJSON *row)
{
    j->rows++;
    if (code != 0 && !is_already_so(code)) {
        j->failed++;
    } else if (code != 0 || !w->changed) {
        j->noop_rows++;
        keep_example(j, w, row);
    } else {
        j->done[kind]++;
    }
}

void et_journal_print_counts(const struct et_journal *j, struct yq_buf *out)
{
#define ET_NAME(id, name) name,
    static const char *const names[] = {ET_WRITES(ET_NAME)};
#undef ET_NAME
    yq_buf_addf(out, "{\"rows\":%llu,\"noop_rows\":%llu,\"failed\":%llu",
                (unsigned long long)j->rows, (unsigned long long)j->noop_rows,
                (unsigned long long)j->failed);
    for (size_t i = 0; i < ET_WRITE_KINDS; i++)
        yq_buf_addf(out, ",\"%s\":%llu", names[i], (unsigned long long)j->done[i]);
    yq_buf_adds(out, ",\"noop_examples\":[");
    for (size_t i = 0; i < j->example_count; i++) {
        yq_buf_adds(out, i > 0 ? "," : "");
        yq_buf_adds(out, j->examples[i]);
    }
    yq_buf_adds(out, "]}");
}

void et_journal_print_history(const struct et_journal *j, uint64_t after, struct yq_buf *out)
{
    size_t i = 0;
    while (i < j->count && j->entries[i].seq <= after)
        i++;
    yq_buf_addf(out, "{\"last\":%llu,\"rows\":[", (unsigned long long)j->last_seq);
    for (size_t first = i; i < j->count; i++) {
        yq_buf_adds(out, i > first ? "," : "");
        yq_buf_adds(out, j->entries[i].json);
    }
    yq_buf_adds(out, "]}");
}

void et_journal_reset(struct et_journal *j)
{
    for (size_t i = 0; i < j->example_count; i++)
        free(j->examples[i]);
    j->rows = j->noop_rows = j->failed = 0;
    j->example_count = 0;
    memset(j->done, 0, sizeof(j->done));
}

void et_journal_release(struct et_journal *j)
{
    et_journal_reset(j);
    for (size_t i = 0; i < j->count; i++)
        free(j->entries[i].json);
    free(j->entries);
    *j = (struct et_journal){0};
}
