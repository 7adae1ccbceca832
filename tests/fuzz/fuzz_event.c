/* Feeds decrypted texts to the reader of events: whatever comes in, `data` is a JSON object in
 * UTF-8, and the subject is one that can be written and read back. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

#include "base/json.h"
#include "model/event.h"

static struct yq_event_reader *reader;
static struct yq_event event;

static void check_utf8(const struct yq_buf *b)
{
    for (size_t at = 0; at < b->len;) {
        utf8proc_int32_t point;
        utf8proc_ssize_t step = utf8proc_iterate((const utf8proc_uint8_t *)b->data + at,
                                                 (utf8proc_ssize_t)(b->len - at), &point);
        if (step < 1 || point < 0x20)
            abort();
        at += (size_t)step;
    }
}

static void check_subject(void)
{
    char form[YQ_SUBJECT_MAX];
    struct yq_subject back;
    yq_subject_format(&event.subject, form);
    if (yq_subject_parse(form, &back, NULL) != 0 || back.kind != event.subject.kind ||
        back.id != event.subject.id || strcmp(back.userid, event.subject.userid) != 0)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (reader == NULL) {
        reader = yq_event_reader_new();
        yq_event_init(&event);
    }
    const char *why;
    yq_event_read(reader, (const char *)data, size, &event, &why);
    if ((why != NULL) != (event.kind == YQ_EVENT_UNKNOWN) || event.raw.len != size ||
        (unsigned)event.kind >= YQ_EVENT_KIND_COUNT || event.at < 0)
        abort();
    check_subject();
    check_utf8(&event.data);
    cJSON *json = yq_json_parse(event.data.data, event.data.len, NULL);
    if (!cJSON_IsObject(json))
        abort();
    cJSON_Delete(json);
    return 0;
}
