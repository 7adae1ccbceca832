/* Dead letters: the stream `dead` of a connection, for operators. A letter is named by the entry id
 * that its event had on the queue. */
#ifndef YQ_CLIENTS_LETTERS_H
#define YQ_CLIENTS_LETTERS_H

#include "clients/filter.h"
#include "clients/store_inspect.h"

/* Points into the entry that it was read from. */
struct yq_letter {
    const char *entry; /* in the stream of dead letters */
    const char *event; /* on the queue: its name */
    bool broken;       /* the event cannot be read: kind and subject say nothing */
    enum yq_event_kind kind;
    struct yq_subject subject;
    int64_t at;       /* of the event, seconds; 0: not said */
    int64_t dead_ms;  /* when it was set aside */
    int64_t first_ms; /* when it was first tried; 0: not known */
    unsigned attempts, deaths;
    const char *error, *data, *source, *raw, *digest; /* "" where it has none */
};
void yq_letter_read(const struct yq_stream_entry *e, struct yq_letter *ret);

/* Passes those that the filter takes, oldest first: that is the order of the events of a subject.
 * `take` returns false to end it. */
typedef bool yq_letter_take(void *context, const struct yq_letter *l);
int yq_letters_each(struct yq_redis *r, const struct yq_keys *keys, const char *id,
                    const struct yq_event_filter *f, yq_letter_take *take, void *context,
                    struct yq_error *err);

/* What an operator decided of one letter. */
struct yq_letter_fate {
    const char *entry;        /* of the letter */
    const char *subject;      /* its key, for the audit of the subject; "" where it has none */
    char again[YQ_ENTRY_MAX]; /* answered: where the event stands now; "": it is not a letter
                                 any more */
};
/* Puts the events on the queue again, with all they hold, in this order, each marked as sent again
 * (source "replay", origin), and takes the letters away. All of it or nothing; the caller makes the
 * connection ready. At most YQ_LETTERS_MAX. */
#define YQ_LETTERS_MAX 200
int yq_letters_retry(struct yq_redis *r, const struct yq_keys *keys, const char *id,
                     struct yq_letter_fate *letters, size_t count, struct yq_error *err);
/* Takes the letters away for that reason, which stands in the audit. `again` then is the entry of
 * the audit. */
int yq_letters_drop(struct yq_redis *r, const struct yq_keys *keys, const char *id,
                    struct yq_letter_fate *letters, size_t count, const char *reason,
                    struct yq_error *err);

#endif
