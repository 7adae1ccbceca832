/* Reading which events are meant. */
#include "filter.h"

#include <stdio.h>
#include <string.h>

#include "language.h"
#include "when.h"

#define LAST_OF_ALL "-18446744073709551615" /* of one millisecond */

bool yq_filter_given(const struct yq_filter_options *o)
{
    return o->kind != NULL || o->subject != NULL || o->from != NULL || o->to != NULL;
}

/* "-" and "+" are no bounds; an end without its second part takes the whole millisecond in. */
static int parse_time(const char *text, int64_t now_ms, bool is_end, char ret[YQ_ENTRY_MAX],
                      struct yq_error *err)
{
    char parsed[YQ_ENTRY_MAX];
    if (text == NULL)
        return 0;
    if (yq_when_parse(text, now_ms, parsed, err) != 0)
        return -1;
    if (strchr(parsed, '-') != NULL)
        memcpy(ret, parsed, sizeof(parsed));
    else
        (void)snprintf(ret, YQ_ENTRY_MAX, "%.20s%s", parsed, is_end ? LAST_OF_ALL : "-0");
    return 0;
}

int yq_filter_parse(const struct yq_filter_options *o, int64_t now_ms, struct yq_event_filter *ret,
                    struct yq_error *err)
{
    struct yq_event_filter f = {.by_kind = o->kind != NULL};
    struct yq_subject subject;
    if (o->kind != NULL && yq_event_kind_parse(o->kind, &f.kind) != 0)
        return yq_error_set(err, YQ_ERROR_INVALID, _("\"%.60s\" is no kind of event"), o->kind);
    if (o->subject != NULL) {
        if (yq_subject_parse(o->subject, &subject, NULL) != 0)
            return yq_error_set(err, YQ_ERROR_INVALID,
                                _("a subject is member:USERID, department:ID, tag:ID or all"));
        yq_subject_key(&subject, f.subject);
    }
    if (parse_time(o->from, now_ms, false, f.first, err) != 0 ||
        parse_time(o->to, now_ms, true, f.last, err) != 0)
        return -1;
    *ret = f;
    return 0;
}

bool yq_is_entry_id(const char *text)
{
    size_t len = strspn(text, "0123456789");
    if (len < 1 || len > 19)
        return false;
    return text[len] == '\0' ||
           (text[len] == '-' && text[len + 1] != '\0' && strlen(text) < YQ_ENTRY_MAX &&
            text[len + 1 + strspn(text + len + 1, "0123456789")] == '\0');
}
