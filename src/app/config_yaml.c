/* The YAML text against the option table, by libyaml's documents: every node knows its line. */
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "base/memory.h"
#include "config_table.h"
#include "crypto/secret.h"
#include "language.h"

#define LIST_MAX 10000 /* elements of a list */

struct walk {
    struct yq_config_draft *d;
    yaml_document_t *document;
    void *base;          /* what the options' offsets count from */
    size_t *lines;       /* where each option was seen */
    const char *pattern; /* path of the mapping in the table's form, with a dot at its end */
    const char *shown;   /* the same with the place in lists, for faults */
};

static size_t line_of(const yaml_node_t *node)
{
    return node->start_mark.line + 1;
}

static bool is_scalar(const yaml_node_t *node)
{
    return node != NULL && node->type == YAML_SCALAR_NODE;
}

static const char *text_of(const yaml_node_t *node)
{
    return (const char *)node->data.scalar.value;
}

static bool is_null(const yaml_node_t *node)
{
    if (!is_scalar(node) || node->data.scalar.style != YAML_PLAIN_SCALAR_STYLE)
        return false;
    const char *text = text_of(node);
    return text[0] == '\0' || strcmp(text, "~") == 0 || strcmp(text, "null") == 0;
}

static const struct yq_option *find_option(const char *path, size_t len)
{
    for (size_t i = 0; i < yq_option_count; i++) {
        if (strlen(yq_options[i].path) == len && memcmp(yq_options[i].path, path, len) == 0)
            return &yq_options[i];
    }
    return NULL;
}

/* The secret that "PATH_file" stands for, or NULL. */
static const struct yq_option *find_file_option(const char *path)
{
    size_t len = strlen(path), end = sizeof("_file") - 1;
    if (len <= end || strcmp(path + len - end, "_file") != 0)
        return NULL;
    const struct yq_option *o = find_option(path, len - end);
    return o != NULL && (o->flags & YQ_OPTION_SECRET) != 0 ? o : NULL;
}

static bool is_section(const char *path)
{
    size_t len = strlen(path);
    for (size_t i = 0; i < yq_option_count; i++) {
        if (strncmp(yq_options[i].path, path, len) == 0 && yq_options[i].path[len] == '.')
            return true;
    }
    return false;
}

static void wipe_and_free(char *text)
{
    if (text != NULL)
        yq_secret_wipe(text, strlen(text));
    free(text);
}

/* The scalar's text with the environment in place; NULL with a fault noted. */
static char *value_of(struct walk *w, const struct yq_option *o, const yaml_node_t *node,
                      struct yq_config_place *place)
{
    if (!is_scalar(node)) {
        yq_config_fault(w->d, place->line, place->key, _("must be a single value"));
        return NULL;
    }
    if (strlen(text_of(node)) != node->data.scalar.length) {
        yq_config_fault(w->d, place->line, place->key, _("must not hold a NUL character"));
        return NULL;
    }
    return yq_config_expand(w->d, o, text_of(node), place);
}

static void take_item(struct walk *w, const struct yq_option *o, const yaml_node_t *node,
                      const char *key)
{
    struct yq_config_place place = {.line = line_of(node), .key = key};
    char *text = value_of(w, o, node, &place);
    if (text != NULL)
        (void)yq_config_store_item(w->d, o, w->base, text, &place);
    wipe_and_free(text);
}

static void take_list(struct walk *w, const struct yq_option *o, const yaml_node_t *node,
                      const struct yq_config_place *place)
{
    if (node->type != YAML_SEQUENCE_NODE) {
        yq_config_fault(w->d, place->line, place->key, _("must be a list"));
        return;
    }
    yaml_node_item_t *first = node->data.sequence.items.start;
    size_t count = (size_t)(node->data.sequence.items.top - first);
    if (o->type == YQ_OPTION_NOTHING && count > 0) {
        yq_config_fault(w->d, place->line, place->key, _("is not supported yet: leave it empty"));
        return;
    }
    if (count > LIST_MAX) {
        yq_config_fault(w->d, place->line, place->key, _("has more than %d elements"), LIST_MAX);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        char *key = yq_printf("%s[%zu]", place->key, i);
        take_item(w, o, yaml_document_get_node(w->document, first[i]), key);
        free(key);
    }
}

static void take_value(struct walk *w, const struct yq_option *o, const yaml_node_t *node,
                       struct yq_config_place *place)
{
    if (is_null(node)) {
        if ((o->flags & YQ_OPTION_REQUIRED) != 0)
            yq_config_fault(w->d, place->line, place->key, _("has no value"));
        return;
    }
    if (o->type == YQ_OPTION_TEXTS || o->type == YQ_OPTION_NOTHING) {
        take_list(w, o, node, place);
        return;
    }
    char *text = value_of(w, o, node, place);
    if (text != NULL)
        (void)yq_config_store(w->d, o, w->base, text, place);
    wipe_and_free(text);
}

/* A list from a file has one element a line. */
static void store_lines(struct walk *w, const struct yq_option *o, char *text,
                        const struct yq_config_place *place)
{
    char *rest = NULL;
    for (char *line = strtok_r(text, "\r\n", &rest); line; line = strtok_r(NULL, "\r\n", &rest))
        (void)yq_config_store_item(w->d, o, w->base, line, place);
}

static void take_file(struct walk *w, const struct yq_option *o, const yaml_node_t *node,
                      struct yq_config_place *place)
{
    static const struct yq_option path_option = {.type = YQ_OPTION_TEXT};
    char *file = value_of(w, &path_option, node, place);
    char *text = file != NULL ? yq_config_read_secret(w->d, file, place) : NULL;
    size_t len = text != NULL ? strlen(text) : 0;
    place->literal = false;
    if (text != NULL && o->type == YQ_OPTION_TEXTS)
        store_lines(w, o, text, place);
    else if (text != NULL)
        (void)yq_config_store(w->d, o, w->base, text, place);
    if (text != NULL)
        yq_secret_wipe(text, len);
    free(text);
    free(file);
}

/* An option once, be it as itself or as a file. */
static void take_option(struct walk *w, const struct yq_option *o, const yaml_node_t *node,
                        struct yq_config_place *place, bool is_file)
{
    size_t *seen = &w->lines[o - yq_options];
    if (*seen != 0) {
        yq_config_fault(w->d, place->line, place->key, _("is given twice, first in line %zu"),
                        *seen);
        return;
    }
    *seen = place->line;
    if (is_file)
        take_file(w, o, node, place);
    else
        take_value(w, o, node, place);
}

static void walk_mapping(struct walk *w, const yaml_node_t *node);

/* True, with a fault, when an earlier pair of this mapping has the same key. */
static bool is_doubled(struct walk *w, const yaml_node_t *mapping, const yaml_node_pair_t *pair,
                       const struct yq_config_place *place)
{
    const char *name = text_of(yaml_document_get_node(w->document, pair->key));
    for (yaml_node_pair_t *p = mapping->data.mapping.pairs.start; p < pair; p++) {
        const yaml_node_t *key = yaml_document_get_node(w->document, p->key);
        if (is_scalar(key) && strcmp(text_of(key), name) == 0) {
            yq_config_fault(w->d, place->line, place->key, _("is given twice, first in line %zu"),
                            line_of(key));
            return true;
        }
    }
    return false;
}

static void take_section(struct walk *w, const yaml_node_t *node, const char *path,
                         const struct yq_config_place *place)
{
    if (is_null(node))
        return;
    if (node->type != YAML_MAPPING_NODE) {
        yq_config_fault(w->d, place->line, place->key, _("must hold further keys"));
        return;
    }
    struct walk inner = *w;
    char *pattern = yq_printf("%s.", path), *shown = yq_printf("%s.", place->key);
    inner.pattern = pattern;
    inner.shown = shown;
    walk_mapping(&inner, node);
    free(pattern);
    free(shown);
}

static void apply_fallbacks(struct yq_config_draft *d, void *base, bool of_connection)
{
    struct yq_config_place place = {.key = "", .literal = true};
    for (size_t i = 0; i < yq_option_count; i++) {
        const struct yq_option *o = &yq_options[i];
        bool inside = strncmp(o->path, YQ_CONNECTION_PREFIX, strlen(YQ_CONNECTION_PREFIX)) == 0;
        if (inside != of_connection || o->fallback == NULL || o->type == YQ_OPTION_NOTHING)
            continue;
        place.key = o->path;
        (void)yq_config_store(d, o, base, o->fallback, &place);
    }
}

static void take_connection(struct walk *w, const yaml_node_t *node, size_t number)
{
    struct yq_config_draft *d = w->d;
    char shown[48];
    snprintf(shown, sizeof(shown), "connections[%zu]", number);
    if (node->type != YAML_MAPPING_NODE) {
        yq_config_fault(d, line_of(node), shown, _("must hold further keys"));
        return;
    }
    yq_grow(&d->connections, &d->capacity, d->count, sizeof(*d->connections));
    struct yq_connection_draft *c = &d->connections[d->count++];
    memset(c, 0, sizeof(*c));
    c->line = line_of(node);
    c->c.number = number;
    apply_fallbacks(d, c, true);
    snprintf(shown, sizeof(shown), "connections[%zu].", number);
    struct walk inner = {.d = d,
                         .document = w->document,
                         .base = c,
                         .lines = c->lines,
                         .pattern = YQ_CONNECTION_PREFIX,
                         .shown = shown};
    walk_mapping(&inner, node);
}

static void take_connections(struct walk *w, const yaml_node_t *node,
                             const struct yq_config_place *place)
{
    w->d->has_connections = true;
    size_t count = 0;
    if (node->type == YAML_SEQUENCE_NODE)
        count = (size_t)(node->data.sequence.items.top - node->data.sequence.items.start);
    if (count == 0 || count > LIST_MAX) {
        yq_config_fault(w->d, place->line, place->key, _("must be a list of 1 to %d connections"),
                        LIST_MAX);
        return;
    }
    for (size_t i = 0; i < count; i++)
        take_connection(w, yaml_document_get_node(w->document, node->data.sequence.items.start[i]),
                        i);
}

static void take_pair(struct walk *w, const yaml_node_t *mapping, const yaml_node_pair_t *pair)
{
    const yaml_node_t *key = yaml_document_get_node(w->document, pair->key);
    const yaml_node_t *value = yaml_document_get_node(w->document, pair->value);
    if (!is_scalar(key)) {
        yq_config_fault(w->d, line_of(key), w->shown, _("a key must be a single word"));
        return;
    }
    char *path = yq_printf("%s%s", w->pattern, text_of(key));
    char *shown = yq_printf("%s%s", w->shown, text_of(key));
    struct yq_config_place place = {.line = line_of(key), .key = shown};
    bool is_word = strpbrk(text_of(key), ".[]") == NULL; /* "a.b" is no way to write a: {b} */
    const struct yq_option *o = is_word ? find_option(path, strlen(path)) : NULL;
    const struct yq_option *file = is_word ? find_file_option(path) : NULL;
    if (o != NULL || file != NULL)
        take_option(w, o != NULL ? o : file, value, &place, o == NULL);
    else if (!is_word || (strcmp(path, "connections") != 0 && !is_section(path)))
        yq_config_fault(w->d, place.line, shown, _("is no known key"));
    else if (is_doubled(w, mapping, pair, &place))
        ; /* told already */
    else if (strcmp(path, "connections") == 0)
        take_connections(w, value, &place);
    else
        take_section(w, value, path, &place);
    free(path);
    free(shown);
}

static void walk_mapping(struct walk *w, const yaml_node_t *node)
{
    yaml_node_pair_t *pair = node->data.mapping.pairs.start;
    for (; pair < node->data.mapping.pairs.top && w->d->fault_count < YQ_CONFIG_FAULTS; pair++)
        take_pair(w, node, pair);
}

/* The texts that libyaml copied may be secrets. */
static void wipe_document(yaml_document_t *document)
{
    for (yaml_node_t *node = document->nodes.start; node < document->nodes.top; node++) {
        if (is_scalar(node))
            yq_secret_wipe(node->data.scalar.value, node->data.scalar.length);
    }
    yaml_document_delete(document);
}

static void walk_document(struct yq_config_draft *d, yaml_document_t *document)
{
    yaml_node_t *root = yaml_document_get_root_node(document);
    struct walk w = {
        .d = d, .document = document, .base = d->s, .lines = d->lines, .pattern = "", .shown = ""};
    if (root != NULL && root->type == YAML_MAPPING_NODE)
        walk_mapping(&w, root);
    else if (root != NULL && !is_null(root))
        yq_config_fault(d, line_of(root), "", _("must hold keys and values"));
}

static void note_syntax_fault(struct yq_config_draft *d, const yaml_parser_t *parser)
{
    yq_config_fault(d, parser->problem_mark.line + 1, "", _("is not YAML: %s"),
                    parser->problem != NULL ? parser->problem : _("out of memory"));
    d->has_connections = true; /* nothing is said about what could not be read */
}

void yq_config_read_yaml(struct yq_config_draft *d, const char *text, size_t len)
{
    yaml_parser_t parser;
    yaml_document_t document;
    apply_fallbacks(d, d->s, false);
    if (!yaml_parser_initialize(&parser))
        abort();
    yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&parser, (const unsigned char *)text, len);
    if (!yaml_parser_load(&parser, &document)) {
        note_syntax_fault(d, &parser);
        goto out;
    }
    walk_document(d, &document);
    wipe_document(&document);
    if (!yaml_parser_load(&parser, &document)) {
        note_syntax_fault(d, &parser);
        goto out;
    }
    yaml_node_t *second = yaml_document_get_root_node(&document);
    if (second != NULL)
        yq_config_fault(d, line_of(second), "", _("holds a second document"));
    wipe_document(&document);
out:
    yaml_parser_delete(&parser);
}
