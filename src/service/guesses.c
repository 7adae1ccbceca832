/* Counting wrong guesses. */
#include "guesses.h"

#include <netinet/in.h>
#include <stddef.h>
#include <string.h>

#define SLOTS (sizeof(((struct yq_guesses *)0)->slots) / sizeof(((struct yq_guesses *)0)->slots[0]))
#define NETWORK_BYTES 8 /* of IPv6: whoever has one address has the 64 bits behind it */

static size_t slot_of(const struct sockaddr_storage *from)
{
    unsigned char bytes[NETWORK_BYTES] = {0};
    if (from->ss_family == AF_INET6)
        memcpy(bytes, &((const struct sockaddr_in6 *)(const void *)from)->sin6_addr, NETWORK_BYTES);
    else if (from->ss_family == AF_INET)
        memcpy(bytes, &((const struct sockaddr_in *)(const void *)from)->sin_addr, 4);
    uint32_t hash = 2166136261u;
    for (size_t i = 0; i < NETWORK_BYTES; i++)
        hash = (hash ^ bytes[i]) * 16777619u;
    return (hash ^ hash >> 16) % SLOTS;
}

static bool is_over(int64_t since_ms, int64_t now_ms)
{
    return now_ms - since_ms >= YQ_GUESSES_WINDOW_MS;
}

bool yq_guesses_spent(const struct yq_guesses *g, const struct sockaddr_storage *from,
                      int64_t now_ms)
{
    size_t i = slot_of(from);
    return g->slots[i].wrong >= YQ_GUESSES_MOST && !is_over(g->slots[i].since_ms, now_ms);
}

bool yq_guesses_count(struct yq_guesses *g, const struct sockaddr_storage *from, int64_t now_ms)
{
    size_t i = slot_of(from);
    if (g->slots[i].wrong == 0 || is_over(g->slots[i].since_ms, now_ms)) {
        g->slots[i].since_ms = now_ms;
        g->slots[i].wrong = 0;
    }
    return ++g->slots[i].wrong == YQ_GUESSES_MOST;
}
