/* Faults on demand and at random: which call meets which one. */
#include "eteams_faults.h"

#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "eteams_print.h"

#define SLOW_MS 3000 /* of slow, unless the rule says otherwise */

#define ET_NAME(id, name, where) #name,
static const char *const names[] = {"", ET_FAULTS(ET_NAME)};
#define ET_WHERE(id, name, where) where,
static const enum et_fault_where wheres[] = {ET_AT_ANY, ET_FAULTS(ET_WHERE)};

static struct et_fault by_rate(struct et_faults *f, const bool *places)
{
    enum et_fault_kind kinds[ET_FAULT_KINDS];
    size_t n = 0;
    for (enum et_fault_kind k = 1; k < ET_FAULT_KINDS; k++)
        if (f->rate_kind[k] && places[wheres[k]])
            kinds[n++] = k;
    if (n == 0 || sim_random_below(&f->random, 100) >= f->rate_percent)
        return (struct et_fault){0};
    return (struct et_fault){.kind = kinds[sim_random_below(&f->random, n)], .delay_ms = SLOW_MS};
}

struct et_fault et_faults_pick(struct et_faults *f, const char *path, const bool *places)
{
    for (size_t i = 0; i < f->count; i++) {
        struct et_fault_rule *r = &f->rules[i];
        if (r->count == 0 || !places[wheres[r->kind]])
            continue;
        if (strcmp(r->path, "*") != 0 && strcmp(r->path, path) != 0)
            continue;
        if (r->skip > 0)
            r->skip--;
        else
            return (struct et_fault){.kind = r->kind, .rule = r, .delay_ms = r->delay_ms};
    }
    return by_rate(f, places);
}

void et_faults_settle(struct et_faults *f, const struct et_fault *fault)
{
    if (!fault->hit)
        return;
    f->hits[fault->kind]++;
    if (fault->rule != NULL && fault->rule->count > 0)
        fault->rule->count--;
}

void et_faults_clear(struct et_faults *f)
{
    for (size_t i = 0; i < f->count; i++)
        free(f->rules[i].path);
    free(f->rules);
    *f = (struct et_faults){0};
}

static enum et_fault_kind kind_named(const char *name)
{
    for (enum et_fault_kind k = 1; name != NULL && k < ET_FAULT_KINDS; k++)
        if (strcmp(names[k], name) == 0)
            return k;
    return ET_FAULT_NONE;
}

static int configure_rate(struct et_faults *f, const cJSON *json, struct yq_error *err)
{
    int64_t percent = 0, seed = 1;
    (void)yq_json_int(json, "rate_percent", &percent);
    (void)yq_json_int(json, "seed", &seed);
    if (percent < 0 || percent > 100)
        return yq_error_set(err, YQ_ERROR_INVALID, "rate_percent is not 0 to 100");
    bool kinds[ET_FAULT_KINDS] = {false};
    const cJSON *item;
    cJSON_ArrayForEach (item, yq_json_get(json, "kinds")) {
        enum et_fault_kind k = kind_named(cJSON_GetStringValue(item));
        if (k == ET_FAULT_NONE)
            return yq_error_set(err, YQ_ERROR_INVALID, "a kind of fault is not known");
        kinds[k] = true;
    }
    memcpy(f->rate_kind, kinds, sizeof(kinds));
    f->rate_percent = (unsigned)percent;
    sim_random_seed(&f->random, (uint64_t)seed);
    return 0;
}

int et_faults_configure(struct et_faults *f, const cJSON *json, struct yq_error *err)
{
    if (yq_json_bool(json, "clear", false)) {
        et_faults_clear(f);
        return 0;
    }
    if (yq_json_get(json, "rate_percent") != NULL)
        return configure_rate(f, json, err);
    const char *path = cJSON_GetStringValue(yq_json_get(json, "path"));
    struct et_fault_rule r = {.count = 1, .delay_ms = SLOW_MS};
    r.kind = kind_named(cJSON_GetStringValue(yq_json_get(json, "kind")));
    if (r.kind == ET_FAULT_NONE)
        return yq_error_set(err, YQ_ERROR_INVALID, "this kind of fault is not known");
    (void)yq_json_int(json, "count", &r.count);
    (void)yq_json_int(json, "skip", &r.skip);
    (void)yq_json_int(json, "delay_ms", &r.delay_ms);
    r.path = yq_strdup(path ? path : "*");
    yq_grow(&f->rules, &f->capacity, f->count, sizeof(*f->rules));
    f->rules[f->count++] = r;
    return 0;
}

void et_faults_print(const struct et_faults *f, struct yq_buf *out)
{
    yq_buf_adds(out, "{\"hits\":{");
    for (enum et_fault_kind k = 1; k < ET_FAULT_KINDS; k++) {
        et_print_name(out, names[k]);
        yq_buf_addf(out, "%llu", (unsigned long long)f->hits[k]);
    }
    yq_buf_addf(out, "},\"rate_percent\":%u,\"rules\":[", f->rate_percent);
    for (size_t i = 0; i < f->count; i++) {
        const struct et_fault_rule *r = &f->rules[i];
        yq_buf_adds(out, i > 0 ? ",{\"path\":" : "{\"path\":");
        yq_buf_add_json_string(out, r->path);
        yq_buf_addf(out, ",\"kind\":\"%s\",\"count\":%lld,\"skip\":%lld}", names[r->kind],
                    (long long)r->count, (long long)r->skip);
    }
    yq_buf_adds(out, "]}");
}
