/* doctor: the freshness table. How each field of WeCom reaches us, as it really did so far, and how
 * old it can therefore get. */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "clients/store_inspect.h"
#include "doctor.h"
#include "printing.h"
#include "service/freshness.h"
#include "when.h"

#define NIGHT_MS (INT64_C(24) * 3600 * 1000)

static const char *const kinds[] = {[YQ_FRESHNESS_UNKNOWN] = "unknown",
                                    [YQ_FRESHNESS_EVENTS] = "events",
                                    [YQ_FRESHNESS_EVENT_ONLY] = "event_only",
                                    [YQ_FRESHNESS_RECONCILE] = "reconcile",
                                    [YQ_FRESHNESS_UNREADABLE] = "unreadable"};

static const char *words_of_field(const char *name)
{
    static const char *const words[][2] = {
        {"member.name", N_("member: name")},
        {"member.mobile", N_("member: mobile")},
        {"member.email", N_("member: e-mail")},
        {"member.gender", N_("member: gender")},
        {"member.departments", N_("member: departments")},
        {"member.main_department", N_("member: main department")},
        {"member.status", N_("member: status")},
        {"member.direct_leaders", N_("member: direct leaders")},
        {"member.leads", N_("member: departments it leads")},
        {"member.position", N_("member: position (not kept in step)")},
        {"department.name", N_("department: name")},
        {"department.parent", N_("department: parent")},
        {"department.order", N_("department: order (not kept in step)")},
        {"department.leaders", N_("department: leaders")},
    };
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (strcmp(words[i][0], name) == 0)
            return _(words[i][1]);
    }
    return name;
}

static const char *words_of_kind(const struct yq_freshness *f)
{
    switch (f->kind) {
    case YQ_FRESHNESS_EVENTS:
        return _("events, and reconcile");
    case YQ_FRESHNESS_EVENT_ONLY:
        return _("events alone: it cannot be read");
    case YQ_FRESHNESS_RECONCILE:
        return f->events_ms > 0 ? _("reconcile alone: events came without it")
                                : _("reconcile; no event has come yet");
    case YQ_FRESHNESS_UNREADABLE:
        return _("not readable");
    default:
        return _("never seen yet");
    }
}

/* How old it can get without events: the time between two reads of everything; 0: for ever, unless
 * a command asks. */
static int64_t interval_of(const struct yq_connection_settings *c, unsigned field)
{
    int64_t night = c->reconcile_full_at != NULL && c->reconcile_full_at[0] != '\0' ? NIGHT_MS : 0;
    int64_t shortest = night;
    if (c->reconcile_members_ms > 0 && (shortest == 0 || c->reconcile_members_ms < shortest))
        shortest = c->reconcile_members_ms;
    if (field >= YQ_SEEN_DEPARTMENTS && c->reconcile_departments_ms > 0 &&
        (shortest == 0 || c->reconcile_departments_ms < shortest))
        shortest = c->reconcile_departments_ms;
    return shortest;
}

static void add_age(struct yq_table *t, const struct yq_freshness *f, int64_t interval_ms)
{
    char age[YQ_WHEN_MAX], *text = NULL;
    bool reads = f->kind == YQ_FRESHNESS_EVENTS || f->kind == YQ_FRESHNESS_RECONCILE;
    if (interval_ms > 0)
        (void)yq_when_show_age(interval_ms, age);
    if (!reads)
        text = yq_strdup("-");
    else if (interval_ms == 0)
        text =
            yq_strdup(f->kind == YQ_FRESHNESS_EVENTS ? _("at once; for ever where an event is lost")
                                                     : _("until yunqiao sync: no schedule"));
    else if (f->kind == YQ_FRESHNESS_EVENTS)
        text = yq_printf(_("at once; %s where an event is lost"), age);
    else
        text = yq_strdup(age);
    yq_table_add(t, text);
    free(text);
}

static void add_time(struct yq_table *t, int64_t ms)
{
    char when[YQ_WHEN_MAX];
    yq_table_add(t, ms > 0 ? yq_when_show(ms, when) : "-");
}

static int load(struct yq_doctor *d, const char *id, struct yq_pairs *ret)
{
    return d->redis_answers
               ? yq_store_read_hash(d->cli->redis, &d->cli->keys, id, "fields", ret, NULL)
               : -1;
}

void yq_doctor_print_fields(struct yq_doctor *d, const struct yq_connection_settings *c)
{
    struct yq_pairs fields = {0};
    struct yq_table t = {.columns = 5};
    const char *const heads[] = {_("FIELD"), _("FED BY"), _("CAN BE OLD"), _("LAST READ"),
                                 _("LAST EVENT")};
    if (load(d, c->id, &fields) < 0)
        return;
    fprintf(d->cli->out, _("\n%s: how fresh each field of WeCom is, as seen so far\n"), c->id);
    for (size_t i = 0; i < t.columns; i++)
        yq_table_add(&t, heads[i]);
    for (unsigned i = 0; i < YQ_SEEN_COUNT; i++) {
        struct yq_freshness f = yq_freshness_of(&fields, i);
        yq_table_add(&t, words_of_field(yq_seen_field_name(i)));
        yq_table_add(&t, words_of_kind(&f));
        add_age(&t, &f, interval_of(c, i));
        add_time(&t, f.read_ms);
        add_time(&t, f.event_ms);
    }
    yq_table_print(&t, d->cli->out);
    yq_table_release(&t);
    yq_pairs_release(&fields);
}

cJSON *yq_doctor_fields_as_json(struct yq_doctor *d, const struct yq_connection_settings *c)
{
    struct yq_pairs fields = {0};
    cJSON *object = cJSON_CreateObject();
    cJSON_AddStringToObject(object, "id", c->id);
    cJSON *list = cJSON_AddArrayToObject(object, "fields");
    if (load(d, c->id, &fields) < 0)
        return object;
    for (unsigned i = 0; i < YQ_SEEN_COUNT; i++) {
        struct yq_freshness f = yq_freshness_of(&fields, i);
        cJSON *item = cJSON_CreateObject();
        cJSON_AddStringToObject(item, "field", yq_seen_field_name(i));
        cJSON_AddStringToObject(item, "fed_by", kinds[f.kind]);
        cJSON_AddNumberToObject(item, "interval_ms", (double)interval_of(c, i));
        cJSON_AddNumberToObject(item, "read_ms", (double)f.read_ms);
        cJSON_AddNumberToObject(item, "unread_ms", (double)f.unread_ms);
        cJSON_AddNumberToObject(item, "event_ms", (double)f.event_ms);
        cJSON_AddItemToArray(list, item);
    }
    yq_pairs_release(&fields);
    return object;
}
