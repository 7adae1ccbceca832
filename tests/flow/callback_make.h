/* Callbacks as WeCom makes them, with whatever text in them, for the connection of a stage. */
#ifndef FLOW_CALLBACK_MAKE_H
#define FLOW_CALLBACK_MAKE_H

#include <stddef.h>

#include "base/buf.h"

struct callback_maker; /* belongs to one thread */

struct callback_maker *callback_maker_new(void);
void callback_maker_free(struct callback_maker *m);
/* Adds a whole request, signed and encrypted. more: headers, each with its line's end. */
void callback_make(struct callback_maker *m, const void *text, size_t len, const char *more,
                   struct yq_buf *request);
/* The text of one that says nothing but who changed, with a number of its own in
 * <Serial>…</Serial>. */
void callback_text(unsigned member, unsigned serial, struct yq_buf *text);

#endif
