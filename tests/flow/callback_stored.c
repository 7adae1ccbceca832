/* Compares what a load was answered with what is stored. */
#include "callback_stored.h"

#include "story.h"

#include "base/memory.h"

/* Marks the serials that stand on the page. */
static size_t mark_page(const redisReply *page, unsigned char *seen, unsigned count)
{
    for (size_t i = 0; i < page->elements; i++) {
        const redisReply *fields = page->element[i]->element[1];
        for (size_t f = 0; f + 1 < fields->elements; f += 2) {
            const char *at = strstr(fields->element[f + 1]->str, "<Serial>");
            unsigned n = at != NULL ? (unsigned)strtoul(at + 8, NULL, 10) : count;
            if (n < count && strcmp(fields->element[f]->str, "raw") == 0)
                seen[n]++;
        }
    }
    return page->elements;
}

static void mark_stream(struct yq_redis *r, const char *stream, unsigned char *seen, unsigned count)
{
    char from[64] = "-";
    size_t got = 1;
    while (got > 0) {
        struct yq_error err = {0};
        redisReply *page =
            yq_redis_command(r, &err, "XRANGE yq:{acme}:%s %s + COUNT 1000", stream, from);
        if (page == NULL)
            fail_msg("%s: %s", stream, err.text);
        got = mark_page(page, seen, count);
        if (got > 0)
            (void)snprintf(from, sizeof(from), "(%s", page->element[got - 1]->element[0]->str);
        freeReplyObject(page);
    }
}

struct callback_stored callback_stored(const struct yq_redis_address *redis,
                                       const struct callback_load *load)
{
    struct callback_stored c = {0};
    unsigned count = callback_load_count(load);
    unsigned char *seen = yq_calloc(count + 1, 1);
    struct yq_redis *r = yq_redis_new(redis, 10000);
    mark_stream(r, "events", seen, count);
    mark_stream(r, "dead", seen, count);
    yq_redis_free(r);
    for (unsigned n = 0; n < count; n++) {
        bool was = callback_load_was_accepted(load, n);
        c.accepted += was;
        c.twice += seen[n] > 1;
        c.lost += was && seen[n] == 0;
        c.unheard += !was && seen[n] > 0;
    }
    free(seen);
    print_message(
        "acknowledged %u of %u, lost %u, stored twice %u, stored though not answered %u\n",
        c.accepted, count, c.lost, c.twice, c.unheard);
    return c;
}
