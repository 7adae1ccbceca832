/* The small, flat XML that WeCom sends: the values of the root's children and grandchildren, kept
 * in one buffer that is reused from text to text. */
#include "model/xml.h"

#include <expat.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/memory.h"
#include "crypto/secret.h"

#define NO_NODE SIZE_MAX
#define CHILD 2 /* depth of the root's children; the root's own is 1 */
#define GRANDCHILD 3

struct node {
    uint64_t key; /* name_key of its name */
    size_t parent;
    size_t name, name_len; /* offsets into `bytes`, which moves while it grows */
    size_t text;
    bool leaf; /* holds no elements */
    struct yq_text value;
};

struct yq_xml {
    XML_Parser parser;
    unsigned long salt;
    struct node *nodes; /* depth 2 and 3, in the order of the text */
    size_t count, cap;
    size_t open;         /* the node whose text is being collected */
    size_t depth;        /* elements that are open */
    size_t elements;     /* elements so far */
    size_t attributes;   /* … and attributes */
    struct yq_buf bytes; /* names and values */
    const char *refusal; /* why a handler stopped the parser; static text */
};

/* The first eight bytes: names that differ there need no further look. */
static uint64_t name_key(const char *name, size_t len)
{
    uint64_t key = 0;
    memcpy(&key, name, len < sizeof(key) ? len : sizeof(key));
    return key;
}

static void refuse(struct yq_xml *x, const char *why)
{
    x->refusal = why;
    (void)XML_StopParser(x->parser, XML_FALSE); /* fails only when it has stopped already */
}

static void on_doctype(void *data, const XML_Char *name, const XML_Char *system_id,
                       const XML_Char *public_id, int has_internal_subset)
{
    (void)name, (void)system_id, (void)public_id, (void)has_internal_subset;
    refuse(data, "XML with a DOCTYPE");
}

static size_t add_node(struct yq_xml *x, const char *name, size_t parent)
{
    size_t len = strlen(name);
    if (x->count == x->cap)
        yq_grow(&x->nodes, &x->cap, x->count, sizeof(*x->nodes));
    struct node *n = &x->nodes[x->count];
    n->key = name_key(name, len);
    n->parent = parent;
    n->name = x->bytes.len;
    n->name_len = len;
    n->text = n->name + len;
    n->leaf = true;
    n->value = (struct yq_text){NULL, 0};
    yq_buf_add(&x->bytes, name, len);
    return x->count++;
}

/* Counted over the whole text. */
static bool too_many(struct yq_xml *x, const XML_Char **attributes)
{
    for (size_t i = 0; attributes[i] != NULL; i += 2)
        x->attributes++;
    return x->attributes > YQ_XML_ATTRIBUTES;
}

static void on_start(void *data, const XML_Char *name, const XML_Char **attributes)
{
    struct yq_xml *x = data;
    x->depth++;
    if (++x->elements > YQ_XML_ELEMENTS) {
        refuse(x, "XML with too many elements");
    } else if (attributes[0] != NULL && too_many(x, attributes)) {
        refuse(x, "XML with too many attributes");
    } else if (x->depth > YQ_XML_DEPTH) {
        refuse(x, "XML nested too deeply");
    } else if (x->depth < CHILD) {
        if (strcmp(name, "xml") != 0)
            refuse(x, "XML whose root is not <xml>");
    } else {
        if (x->open != NO_NODE)
            x->nodes[x->open].leaf = false;
        if (x->depth <= GRANDCHILD)
            x->open = add_node(x, name, x->open);
    }
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\n' || c == '\t' || c == '\r';
}

/* The value of a leaf is what was collected since its start, from `begin` to `end` without blanks;
 * its length is final, its pointer is set when the bytes move no longer. */
static void close_leaf(struct yq_xml *x, struct node *n)
{
    const char *bytes = x->bytes.data;
    size_t end = x->bytes.len;
    while (n->text < end && is_blank(bytes[n->text]))
        n->text++;
    while (end > n->text && is_blank(bytes[end - 1]))
        end--;
    n->value.len = end - n->text;
}

static void on_end(void *data, const XML_Char *name)
{
    (void)name;
    struct yq_xml *x = data;
    if (x->depth <= GRANDCHILD && x->open != NO_NODE) {
        struct node *n = &x->nodes[x->open];
        if (n->leaf)
            close_leaf(x, n);
        x->open = n->parent;
    }
    x->depth--;
}

static void on_text(void *data, const XML_Char *text, int len)
{
    struct yq_xml *x = data;
    if (x->open != NO_NODE && x->depth <= GRANDCHILD && x->nodes[x->open].leaf)
        yq_buf_add(&x->bytes, text, (size_t)len);
}

struct yq_xml *yq_xml_new(void)
{
    struct yq_xml *x = yq_calloc(1, sizeof(*x));
    x->parser = XML_ParserCreate(NULL);
    if (x->parser == NULL || yq_secret_random(&x->salt, sizeof(x->salt)) != 0)
        abort();  /* no memory, or a system without random bytes */
    x->salt |= 1; /* expat draws its own, each time, where it is 0 */
    return x;
}

void yq_xml_free(struct yq_xml *x)
{
    if (x == NULL)
        return;
    XML_ParserFree(x->parser);
    yq_buf_release(&x->bytes);
    free(x->nodes);
    free(x);
}

/* expat keeps its tables as large as the largest text has made them, and walks through all of them
 * at every reset: what one hostile text has swollen would be paid by all that come behind it. */
static void renew_parser(struct yq_xml *x)
{
    XML_ParserFree(x->parser);
    x->parser = XML_ParserCreate(NULL);
    if (x->parser == NULL)
        abort(); /* no memory */
}

/* A reset forgets the handlers and the salt. */
static void start_over(struct yq_xml *x)
{
    (void)XML_ParserReset(x->parser, NULL); /* fails only for a parser of an entity */
    (void)XML_SetHashSalt(x->parser, x->salt);
    XML_SetUserData(x->parser, x);
    XML_SetElementHandler(x->parser, on_start, on_end);
    XML_SetCharacterDataHandler(x->parser, on_text);
    XML_SetStartDoctypeDeclHandler(x->parser, on_doctype);
    x->count = 0;
    x->open = NO_NODE;
    x->depth = 0;
    x->elements = 0;
    x->attributes = 0;
    x->refusal = NULL;
    yq_buf_clear(&x->bytes);
}

int yq_xml_parse(struct yq_xml *x, const char *text, size_t len, struct yq_error *err)
{
    start_over(x);
    enum XML_Status status = XML_STATUS_ERROR;
    if (len <= INT32_MAX)
        status = XML_Parse(x->parser, text, (int)len, 1);
    if (status != XML_STATUS_OK) {
        x->count = 0;
        const char *why = x->refusal;
        if (why == NULL)
            why = XML_ErrorString(XML_GetErrorCode(x->parser));
        renew_parser(x);
        return yq_error_set(err, YQ_ERROR_INVALID, "%s", why != NULL ? why : "XML too large");
    }
    for (size_t i = 0; i < x->count; i++) {
        struct node *n = &x->nodes[i];
        if (n->leaf)
            n->value.data = x->bytes.data + n->text;
    }
    return 0;
}

static size_t find(const struct yq_xml *x, size_t parent, const char *name, size_t from)
{
    size_t len = strlen(name);
    uint64_t key = name_key(name, len);
    for (size_t i = from; i < x->count; i++) {
        const struct node *n = &x->nodes[i];
        if (n->key == key && n->name_len == len && n->parent == parent &&
            memcmp(x->bytes.data + n->name, name, len) == 0)
            return i;
    }
    return NO_NODE;
}

static const struct yq_text *value_at(const struct yq_xml *x, size_t node)
{
    return node != NO_NODE && x->nodes[node].leaf ? &x->nodes[node].value : NULL;
}

const struct yq_text *yq_xml_get(const struct yq_xml *x, const char *name)
{
    return value_at(x, find(x, NO_NODE, name, 0));
}

const struct yq_text *yq_xml_get2(const struct yq_xml *x, const char *parent, const char *name)
{
    size_t outer = find(x, NO_NODE, parent, 0);
    return outer != NO_NODE ? value_at(x, find(x, outer, name, outer + 1)) : NULL;
}
