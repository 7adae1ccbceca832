/* What changed between two readings of the configuration, by the option table. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "config_table.h"
#include "crypto/secret.h"

/* ---- an option's value, whatever its type ---- */

static size_t size_of(enum yq_option_type type)
{
    switch (type) {
    case YQ_OPTION_CHOICE:
        return sizeof(unsigned);
    case YQ_OPTION_BOOL:
        return sizeof(bool);
    case YQ_OPTION_INT:
        return sizeof(int);
    case YQ_OPTION_LONG:
    case YQ_OPTION_DURATION:
        return sizeof(int64_t);
    case YQ_OPTION_NUMBER:
        return sizeof(double);
    case YQ_OPTION_SIZE:
        return sizeof(size_t);
    default: /* texts, and what has no value */
        return 0;
    }
}

/* With its length in front: two texts are never taken for one. */
static void add_text(struct yq_buf *out, const char *text)
{
    size_t len = text != NULL ? strlen(text) : 0;
    yq_buf_addf(out, "%zu:", len);
    yq_buf_add(out, text != NULL ? text : "", len);
}

/* As bytes that are equal where the values are. */
static void add_value(struct yq_buf *out, const struct yq_option *o, const void *base)
{
    const char *at = (const char *)base + o->offset;
    if (o->type == YQ_OPTION_TEXT) {
        add_text(out, *(char *const *)(const void *)at);
    } else if (o->type == YQ_OPTION_TEXTS) {
        for (char *const *item = *(char **const *)(const void *)at; item != NULL && *item; item++)
            add_text(out, *item);
    } else {
        yq_buf_add(out, at, size_of(o->type));
    }
    yq_buf_addc(out, '\n');
}

static char **copy_list(char *const *list)
{
    size_t count = 0;
    while (list != NULL && list[count] != NULL)
        count++;
    char **copy = count > 0 ? yq_calloc(count + 1, sizeof(char *)) : NULL;
    for (size_t i = 0; i < count; i++)
        copy[i] = yq_strdup(list[i]);
    return copy;
}

static void drop_text(char *text)
{
    if (text != NULL)
        yq_secret_wipe(text, strlen(text));
    free(text);
}

static void copy_value(const struct yq_option *o, void *to, const void *from)
{
    void *target = (char *)to + o->offset;
    const void *source = (const char *)from + o->offset;
    if (o->type == YQ_OPTION_TEXT) {
        drop_text(*(char **)target);
        *(char **)target = yq_strdup(*(char *const *)source);
    } else if (o->type == YQ_OPTION_TEXTS) {
        for (char **item = *(char ***)target; item != NULL && *item != NULL; item++)
            drop_text(*item);
        free(*(char ***)target);
        *(char ***)target = copy_list(*(char **const *)source);
    } else {
        memcpy(target, source, size_of(o->type));
    }
}

static void wipe(struct yq_buf *b)
{
    if (b->len > 0)
        yq_secret_wipe(b->data, b->len);
    yq_buf_release(b);
}

static bool is_same(const struct yq_option *o, const void *a, const void *b)
{
    struct yq_buf one = YQ_BUF_INIT, other = YQ_BUF_INIT;
    add_value(&one, o, a);
    add_value(&other, o, b);
    bool same = one.len == other.len && memcmp(one.data, other.data, one.len) == 0;
    wipe(&one);
    wipe(&other);
    return same;
}

/* ---- what the readers and the reload want of it ---- */

static bool is_of_connection(const struct yq_option *o)
{
    return strncmp(o->path, YQ_CONNECTION_PREFIX, strlen(YQ_CONNECTION_PREFIX)) == 0;
}

void yq_config_digest(struct yq_connection_draft *c)
{
    struct yq_buf all = YQ_BUF_INIT;
    struct yq_digest *digest = yq_digest_new();
    for (size_t i = 0; i < yq_option_count; i++) {
        if (is_of_connection(&yq_options[i]))
            add_value(&all, &yq_options[i], c);
    }
    if (digest == NULL || yq_digest_sha256_hex(digest, all.data, all.len, c->c.digest) != 0)
        abort(); /* no memory */
    yq_digest_free(digest);
    wipe(&all);
}

int yq_config_reload(const char *path, const struct yq_settings *now, struct yq_settings **ret,
                     struct yq_buf *ret_restart, struct yq_buf *ret_faults)
{
    struct yq_settings *next = NULL;
    if (yq_config_load(path, &next, ret_faults) != 0)
        return -1;
    for (size_t i = 0; i < yq_option_count; i++) {
        const struct yq_option *o = &yq_options[i];
        bool fixed = (o->flags & YQ_OPTION_RELOADABLE) == 0 && o->type != YQ_OPTION_NOTHING;
        if (!fixed || is_of_connection(o) || is_same(o, now, next))
            continue;
        yq_buf_addf(ret_restart, "%s\n", o->path);
        copy_value(o, next, now);
    }
    *ret = next;
    return 0;
}
