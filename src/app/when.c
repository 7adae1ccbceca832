/* Reading and showing times. */
#include "when.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "language.h"

static bool is_entry(const char *text)
{
    size_t len = strspn(text, "0123456789");
    if (len < 1 || len > 19)
        return false;
    if (text[len] == '\0')
        return true;
    size_t more = text[len] == '-' ? strspn(text + len + 1, "0123456789") : 0;
    return more >= 1 && more <= 19 && text[len + 1 + more] == '\0';
}

/* "-7d" as milliseconds. */
static bool parse_ago(const char *text, int64_t *ret)
{
    static const struct {
        const char *unit;
        int64_t ms;
    } units[] = {{"s", 1000}, {"m", 60000}, {"h", 3600000}, {"d", 86400000}};
    size_t len = text[0] == '-' ? strspn(text + 1, "0123456789") : 0;
    if (len < 1 || len > 6)
        return false;
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        if (strcmp(text + 1 + len, units[i].unit) == 0) {
            *ret = strtoll(text + 1, NULL, 10) * units[i].ms;
            return true;
        }
    }
    return false;
}

/* True if the text looks like the pattern, in which 0 stands for any digit. */
static bool looks_like(const char *text, const char *pattern)
{
    for (; *pattern != '\0'; text++, pattern++) {
        if (*pattern == '0' ? *text < '0' || *text > '9' : *text != *pattern)
            return false;
    }
    return true;
}

/* "Z", "+08:00" or "-05:30" as minutes. */
static bool parse_offset(const char *text, int *ret)
{
    if (strcmp(text, "Z") == 0 || strcmp(text, "z") == 0) {
        *ret = 0;
        return true;
    }
    if ((text[0] != '+' && text[0] != '-') || !looks_like(text + 1, "00:00") || text[6] != '\0')
        return false;
    int hours = atoi(text + 1), minutes = atoi(text + 4);
    *ret = (hours * 60 + minutes) * (text[0] == '-' ? -1 : 1);
    return hours < 24 && minutes < 60;
}

/* Milliseconds of ".250"; moves *text behind it. */
static int parse_fraction(const char **text)
{
    int ms = 0, factor = 100;
    if (**text != '.' || (*text)[1] < '0' || (*text)[1] > '9')
        return 0;
    for ((*text)++; **text >= '0' && **text <= '9'; (*text)++, factor /= 10)
        ms += (**text - '0') * factor;
    return ms;
}

static bool parse_rfc3339(const char *text, int64_t *ret)
{
    struct tm tm = {0}, back;
    int offset;
    if (!looks_like(text, "0000-00-00") ||
        (text[10] != 'T' && text[10] != 't' && text[10] != ' ') ||
        !looks_like(text + 11, "00:00:00"))
        return false;
    tm.tm_year = atoi(text) - 1900;
    tm.tm_mon = atoi(text + 5) - 1;
    tm.tm_mday = atoi(text + 8);
    tm.tm_hour = atoi(text + 11);
    tm.tm_min = atoi(text + 14);
    tm.tm_sec = atoi(text + 17);
    back = tm;
    time_t seconds = timegm(&back);
    if (back.tm_mon != tm.tm_mon || back.tm_mday != tm.tm_mday || back.tm_hour != tm.tm_hour ||
        back.tm_min != tm.tm_min || seconds < 0)
        return false;
    text += 19;
    int ms = parse_fraction(&text);
    if (!parse_offset(text, &offset))
        return false;
    *ret = ((int64_t)seconds - offset * 60) * 1000 + ms;
    return *ret >= 0;
}

int yq_when_parse(const char *text, int64_t now_ms, char ret[YQ_ENTRY_MAX], struct yq_error *err)
{
    int64_t ms;
    if (is_entry(text)) {
        snprintf(ret, YQ_ENTRY_MAX, "%s", text);
        return 0;
    }
    if (parse_ago(text, &ms))
        ms = ms < now_ms ? now_ms - ms : 0;
    else if (!parse_rfc3339(text, &ms))
        return yq_error_set(err, YQ_ERROR_INVALID,
                            _("\"%.60s\" is no time: an entry id, 2026-01-01T08:00:00+08:00, -7d, "
                              "or 0 for the beginning"),
                            text);
    snprintf(ret, YQ_ENTRY_MAX, "%" PRId64, ms);
    return 0;
}

const char *yq_when_show(int64_t ms, char out[YQ_WHEN_MAX])
{
    struct tm tm;
    time_t seconds = (time_t)(ms / 1000);
    char zone[8] = "";
    if (ms <= 0 || localtime_r(&seconds, &tm) == NULL)
        return strcpy(out, "?");
    size_t len = strftime(out, YQ_WHEN_MAX, "%Y-%m-%d %H:%M:%S", &tm);
    strftime(zone, sizeof(zone), "%z", &tm);
    snprintf(out + len, YQ_WHEN_MAX - len, " %.3s:%.2s", zone, zone + 3);
    return out;
}

const char *yq_when_show_age(int64_t ms, char out[YQ_WHEN_MAX])
{
    if (ms < 1000)
        snprintf(out, YQ_WHEN_MAX, "%d ms", (int)(ms > 0 ? ms : 0));
    else if (ms < 120 * 1000)
        snprintf(out, YQ_WHEN_MAX, "%" PRId64 " s", ms / 1000);
    else if (ms < INT64_C(120) * 60000)
        snprintf(out, YQ_WHEN_MAX, "%" PRId64 " min", ms / 60000);
    else if (ms < INT64_C(48) * 3600000)
        snprintf(out, YQ_WHEN_MAX, "%" PRId64 " h", ms / 3600000);
    else
        snprintf(out, YQ_WHEN_MAX, "%" PRId64 " d", ms / 86400000);
    return out;
}
