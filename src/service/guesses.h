/* How often somebody was wrong about a secret, by the address it came from: ten times a minute,
 * then nothing more is compared until the minute is over. In a table of fixed size, in which
 * addresses may meet: they then share the ten, so that no number of addresses has more than ten
 * times the size of the table. */
#ifndef YQ_SERVICE_GUESSES_H
#define YQ_SERVICE_GUESSES_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#define YQ_GUESSES_MOST 10
#define YQ_GUESSES_WINDOW_MS 60000

struct yq_guesses { /* all zero is its start; belongs to one thread */
    struct {
        int64_t since_ms;
        int wrong;
    } slots[64];
};

bool yq_guesses_spent(const struct yq_guesses *g, const struct sockaddr_storage *from,
                      int64_t now_ms);
/* One more was wrong. True when it was the last that is let through. */
bool yq_guesses_count(struct yq_guesses *g, const struct sockaddr_storage *from, int64_t now_ms);

#endif
