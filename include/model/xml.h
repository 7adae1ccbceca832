/* The small, flat XML that WeCom sends, through expat: any DOCTYPE is refused, depth and sizes are
 * bounded, values are trimmed of the blanks around CDATA. Feed and ask; no I/O. */
#ifndef YQ_MODEL_XML_H
#define YQ_MODEL_XML_H

#include <stddef.h>

#include "base/error.h"
#include "crypto/wecom_crypt.h"

#define YQ_XML_DEPTH 8       /* xml/ExtAttr/Item/Text/Value is 5 */
#define YQ_XML_ELEMENTS 2048 /* in one text; more is refused */
#define YQ_XML_ATTRIBUTES 64 /* the same; WeCom sends none */

struct yq_xml;

struct yq_xml *yq_xml_new(void); /* draws the hash salt from the system's random source, once */
void yq_xml_free(struct yq_xml *x);

/* Parses one text; its root must be <xml>. Returns 0, or -1 with a sentence that holds none of the
 * text. The result stays until the next parse. */
int yq_xml_parse(struct yq_xml *x, const char *text, size_t len, struct yq_error *err);
/* The trimmed value of the first child of the root with that name. Returns NULL if there is none;
 * an empty element gives a text of length 0, and one that holds elements has no value: NULL. */
const struct yq_text *yq_xml_get(const struct yq_xml *x, const char *name);
/* The same for a grandchild, as in ("BatchJob", "JobId"). */
const struct yq_text *yq_xml_get2(const struct yq_xml *x, const char *parent, const char *name);

#endif
