/* Reading JSON that a peer sent, through cJSON.
 *
 * Two things cJSON gets wrong for us are put right in the bytes before it parses them: integers of
 * 16 and more digits are quoted, so that ids of 19 digits stay text from the first byte to the
 * last; and a \u0000 escape is refused, since cJSON would silently end the string there. Members
 * are looked up with case. Nesting is bounded by cJSON's own limit. */
#ifndef YQ_BASE_JSON_H
#define YQ_BASE_JSON_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"

/* Parses the whole of the text: anything but blanks behind the value is an error. The caller frees
 * the result with cJSON_Delete. */
cJSON *yq_json_parse(const char *text, size_t len, struct yq_error *err);

const cJSON *yq_json_get(const cJSON *object,
                         const char *key); /* NULL where object is NULL or no object */
/* The first member of each name, or NULL, in one pass: quicker than to ask for each, above all
 * where the members come in the order of the keys. */
void yq_json_pick(const cJSON *object, const char *const *keys, size_t count, const cJSON **ret);
/* A string, an integer or a boolean ("1"/"0") as text; NULL if missing, null or of another type.
 * A string is borrowed from the tree; a number is printed into the arena. */
const char *yq_json_text(struct yq_arena *arena, const cJSON *object, const char *key);
const char *yq_json_item_text(struct yq_arena *arena, const cJSON *item);
/* An integer, or a string that holds nothing else. Returns false (and leaves *ret) if it is
 * neither. */
bool yq_json_int(const cJSON *object, const char *key, int64_t *ret);
bool yq_json_item_int(const cJSON *item, int64_t *ret);
/* true, false, 1, 0, "1", "0"; anything else or nothing: fallback. */
bool yq_json_bool(const cJSON *object, const char *key, bool fallback);

#endif
