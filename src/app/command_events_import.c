/* events import: stored events of another installation, or of a backup, sent again. */
#include <string.h>

#include "base/arena.h"
#include "base/json.h"
#include "clients/queue.h"
#include "crypto/digest.h"
#include "import.h"

struct events {
    struct yq_import import; /* first: take_event gets it back */
    struct yq_event_reader *reader;
    struct yq_digest *digest;
    struct yq_event event;
};

/* As the line says. */
static int read_stored(struct events *v, const cJSON *record, struct yq_error *err)
{
    struct yq_event *e = &v->event;
    struct yq_arena *arena = yq_arena_new();
    const char *kind = yq_json_text(arena, record, "kind");
    const char *subject = yq_json_text(arena, record, "subject");
    const cJSON *data = yq_json_get(record, "data");
    int rc = 0;
    e->at = 0;
    (void)yq_json_int(record, "at", &e->at); /* 0: not known */
    if (kind == NULL || yq_event_kind_parse(kind, &e->kind) != 0)
        rc = yq_import_refuse(&v->import, err, _("its kind is not known"));
    else if (subject == NULL || yq_subject_parse(subject, &e->subject, NULL) != 0)
        rc = yq_import_refuse(&v->import, err, _("its subject cannot be read"));
    else if (!cJSON_IsObject(data))
        rc = yq_import_refuse(&v->import, err, _("its data is no JSON object"));
    char *text = rc == 0 ? cJSON_PrintUnformatted(data) : NULL;
    yq_buf_clear(&e->data);
    yq_buf_adds(&e->data, text != NULL ? text : "{}");
    cJSON_free(text);
    yq_arena_free(arena);
    return rc;
}

/* From the text that came, where it is understood; as it was stored otherwise. */
static int read_event(struct events *v, const cJSON *record, struct yq_error *err)
{
    struct yq_event *e = &v->event;
    const cJSON *raw = yq_json_get(record, "raw"), *digest = yq_json_get(record, "digest");
    char hex[YQ_SHA256_HEX];
    if (read_stored(v, record, err) != 0)
        return -1;
    if (!cJSON_IsString(raw) || !cJSON_IsString(digest))
        return yq_import_refuse(&v->import, err, _("raw or digest is missing"));
    size_t len = strlen(raw->valuestring);
    if (len > 0 && (yq_digest_sha256_hex(v->digest, raw->valuestring, len, hex) != 0 ||
                    strcmp(hex, digest->valuestring) != 0))
        return yq_import_refuse(&v->import, err, _("its text is not that of its digest"));
    if (len > 0)
        yq_event_read(v->reader, raw->valuestring, len, e, NULL);
    if (len > 0 && e->kind == YQ_EVENT_UNKNOWN)
        (void)read_stored(v, record, err);
    if (len == 0) {
        yq_buf_clear(&e->raw);
        (void)snprintf(e->digest, sizeof(e->digest), "%s", digest->valuestring);
    }
    e->source = YQ_SOURCE_IMPORT;
    return 0;
}

static int take_event(struct yq_import *m, const cJSON *record, struct yq_error *err)
{
    struct events *v = (struct events *)m;
    if (read_event(v, record, err) != 0)
        return -1;
    if (!yq_event_kind_is_report(v->event.kind) || v->event.kind == YQ_EVENT_UNKNOWN) {
        m->left_out++;
        return 0;
    }
    if (yq_queue_push(m->cli->redis, &m->cli->keys, m->id, &v->event, NULL, err) != 0)
        return -1;
    m->taken++;
    return 0;
}

enum yq_exit yq_command_events_import(struct yq_cli *cli, int argc, char **argv)
{
    struct events v = {.import = {.cli = cli}};
    struct yq_error err = {0};
    enum yq_exit status = yq_import_begin(&v.import, "events", argc, argv);
    if (status != YQ_EXIT_DONE)
        return status;
    v.reader = yq_event_reader_new();
    v.digest = yq_digest_new();
    yq_event_init(&v.event);
    if (yq_import_each(&v.import, take_event, &err) != 0)
        status = yq_cli_fail(cli, _("%s; lines up to %ld were taken in before"), err.text,
                             yq_archive_line(v.import.archive) - 1);
    else
        yq_import_print(&v.import);
    if (v.import.taken > 0)
        yq_cli_tell_who_reads(cli, v.import.id);
    if (v.import.bad > 0)
        status = YQ_EXIT_FAILED;
    yq_event_release(&v.event);
    yq_digest_free(v.digest);
    yq_event_reader_free(v.reader);
    yq_archive_reader_free(v.import.archive);
    return status;
}
