/* The codes, names and sentences of reasons, from their one table. */
#include "model/reason.h"

#include <string.h>

#define ARG_COUNT (sizeof(((struct yq_reason *)0)->args) / sizeof(const char *))

static const struct {
    const char *name, *sentence;
} reasons[] = {
#define X(code, name, sentence) [YQ_REASON_##code] = {name, sentence},
    YQ_REASONS(X)
#undef X
};

const char *yq_reason_name(enum yq_reason_code code)
{
    return (unsigned)code < YQ_REASON_COUNT ? reasons[code].name : "?";
}

int yq_reason_parse(const char *name, enum yq_reason_code *ret)
{
    for (unsigned i = 0; i < YQ_REASON_COUNT; i++) {
        if (strcmp(reasons[i].name, name) == 0) {
            *ret = (enum yq_reason_code)i;
            return 0;
        }
    }
    return -1;
}

const char *yq_reason_template(enum yq_reason_code code)
{
    return (unsigned)code < YQ_REASON_COUNT ? reasons[code].sentence : "";
}

void yq_reason_format(const struct yq_reason *r, const char *sentence, struct yq_buf *out)
{
    for (const char *s = sentence; *s != '\0'; s++) {
        size_t number = s[0] == '%' ? (size_t)(unsigned char)s[1] - '1' : ARG_COUNT;
        if (number >= ARG_COUNT) {
            yq_buf_addc(out, *s);
            continue;
        }
        yq_buf_adds(out, r->args[number] ? r->args[number] : "?");
        s++;
    }
}
