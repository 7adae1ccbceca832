/* Between a decrypted text's elements and the JSON in an event's `data`. */
#ifndef YQ_EVENT_CODEC_H
#define YQ_EVENT_CODEC_H

#include <cjson/cJSON.h>

#include "base/arena.h"
#include "base/buf.h"
#include "crypto/wecom_crypt.h"
#include "model/xml.h"

/* Where elements are looked up: the XML, or (xml NULL) its JSON twin. */
struct yq_event_source {
    const struct yq_xml *xml;
    const cJSON *json;
    struct yq_arena *arena; /* for texts made from JSON values */
};

/* The value of an element of the root; of an element's own element. NULL where there is none. A
 * JSON list comes as the XML has it, with commas. */
const struct yq_text *yq_event_field(const struct yq_event_source *s, const char *name);
const struct yq_text *yq_event_field2(const struct yq_event_source *s, const char *parent,
                                      const char *name);

/* Append the JSON object of the subject; the id has been checked. */
void yq_event_write_member(const struct yq_event_source *s, struct yq_text userid,
                           struct yq_buf *out);
void yq_event_write_department(const struct yq_event_source *s, struct yq_text id,
                               struct yq_buf *out);
void yq_event_write_tag(const struct yq_event_source *s, struct yq_text id, struct yq_buf *out);
/* {"job_id","job_type","error_code","error_message"} of a batch job. */
void yq_event_write_job(const struct yq_event_source *s, struct yq_text id, struct yq_buf *out);

#endif
