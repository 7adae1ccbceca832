/* A tiny receiver of WeCom's callbacks for the test of the simulator: verifies, opens and remembers
 * what comes in, on a thread of its own. */
#ifndef TEST_WECOM_SINK_H
#define TEST_WECOM_SINK_H

#include <stddef.h>

#define SINK_TOKEN "QDG6eK"
#define SINK_KEY "jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C"
#define SINK_CORP "ww0123456789abcdef"

struct sink;

struct sink *sink_start(void);
void sink_stop(struct sink *s);
const char *sink_url(const struct sink *s);
/* The next `count` POSTs are answered with that status; they are remembered all the same. */
void sink_refuse(struct sink *s, int status, int count);
void sink_forget(struct sink *s);
size_t sink_count(struct sink *s);
/* Copies for free(): the plain text, and the envelope's ciphertext, of delivery i. The text is
 * "!signature", "!receiver" … where an envelope was not authentic. */
char *sink_text(struct sink *s, size_t i);
char *sink_encrypted(struct sink *s, size_t i);

#endif
