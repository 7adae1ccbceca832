/* Small texts of the clients: parts of URLs, and what of a peer's words may be repeated. */
#ifndef YQ_CLIENTS_PEER_TEXT_H
#define YQ_CLIENTS_PEER_TEXT_H

#include "base/buf.h"

/* Appends text, percent-encoded for a query or a form. */
void yq_url_add(struct yq_buf *out, const char *text);
/* Appends "name=value", with '&' in front unless it is the first. */
void yq_url_add_pair(struct yq_buf *out, const char *name, const char *value);

#define YQ_WORDS_MAX 88
/* What of a peer's error message may stand in ours: at most 80 printable bytes, up to ", hint",
 * long numbers and whatever holds an '@' replaced by '*' (they may be a person's), with a blank in
 * front and between the marks of base/error.h, by which the log knows a peer's words; "" where
 * nothing is left. */
void yq_peer_words(const char *message, char out[YQ_WORDS_MAX]);

#endif
