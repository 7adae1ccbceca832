/* One line per fact on stderr: time, level, what happened, then key=value pairs. English.
 * Thread-safe.
 *
 *   2026-11-22T10:00:00.123Z info event.applied connection=acme event=1767225600000-0
 * subject=member:li.na ops=2
 *
 * Values with blanks or quotes are quoted. Nothing secret or personal goes in: userids and ids of
 * records may, names, mobiles, e-mails, tokens and raw texts may not. What a peer said about a
 * failure (base/error.h) is taken out of every value here. As a net below that rule, runs of 11 and
 * more digits that look like a Chinese mobile are masked on their way out. */
#ifndef YQ_SERVICE_LOG_H
#define YQ_SERVICE_LOG_H

enum yq_log_level { YQ_LOG_ERROR, YQ_LOG_WARN, YQ_LOG_INFO, YQ_LOG_DEBUG };

void yq_log_set_level(enum yq_log_level level);
/* what: a dotted name, static text. The rest: pairs of key and value (const char *), ended by NULL;
 * a NULL value leaves its pair out. */
void yq_log(enum yq_log_level level, const char *what, ...) __attribute__((sentinel));
/* A number as text for one call: up to 8 live at once per thread. */
const char *yq_log_int(long long n);
/* The same fact again within 10 s is counted instead of written, and the count is told with the
 * next one; while it goes on without a rest of 20 s, that time doubles, up to 10 minutes: keeps the
 * log calm while a part is down. key distinguishes facts of the same name. */
void yq_log_calm(enum yq_log_level level, const char *what, const char *key, const char *text);

#endif
