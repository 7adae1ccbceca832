/* Links as JSON, as they stand in Redis: writers and readers side by side.
 *
 *   department  {"v":1,"eteams":"…","how":"name","at":1767225600000,
 *                "agreed":{"name":"16 hex digits","parent":"…"},"heard":{"name":1767225600}}
 *   member      {"v":1,"userid":"Li.Na","eteams":"…","how":"account","at":…,"left":true,
 *                "wrote_job_num":true,"posts":["…"],"agreed":{"name":"…",…},
 *                "heard":{"mobile":1767225600,…}}
 * What is 0, false or empty is left out. */
#include "model/link.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"

static const char *const field_names[] = {
#define X(name, text) [YQ_FIELD_##name] = text,
    YQ_MEMBER_FIELDS(X)
#undef X
};

const char *yq_member_field_name(enum yq_member_field f)
{
    return (unsigned)f < YQ_MEMBER_FIELD_COUNT ? field_names[f] : "?";
}

/* FNV-1a, 64 bits. It is stored, so it never changes within one version of the link. */
uint64_t yq_agreed_hash(const char *text)
{
    uint64_t hash = 0xcbf29ce484222325u;
    for (const unsigned char *c = (const unsigned char *)text; *c != '\0'; c++)
        hash = (hash ^ *c) * 0x100000001b3u;
    return hash ? hash : 1;
}

/* ---- writing ---- */

static void add_comma(struct yq_buf *out)
{
    if (out->len > 0 && out->data[out->len - 1] != '{' && out->data[out->len - 1] != '[')
        yq_buf_addc(out, ',');
}

static void add_text(struct yq_buf *out, const char *key, const char *value)
{
    add_comma(out);
    yq_buf_addf(out, "\"%s\":", key);
    yq_buf_add_json_string(out, value);
}

static void add_hash(struct yq_buf *out, const char *key, uint64_t hash)
{
    if (hash == 0)
        return;
    add_comma(out);
    yq_buf_addf(out, "\"%s\":\"%016" PRIx64 "\"", key, hash);
}

void yq_link_department_write(const struct yq_link_department *l, struct yq_buf *out)
{
    yq_buf_addf(out, "{\"v\":%d", YQ_LINK_VERSION);
    add_text(out, "eteams", l->eteams);
    add_text(out, "how", l->how ? l->how : "");
    yq_buf_addf(out, ",\"at\":%" PRId64, l->at);
    yq_buf_adds(out, ",\"agreed\":{");
    add_hash(out, "name", l->agreed_name);
    add_hash(out, "parent", l->agreed_parent);
    yq_buf_addc(out, '}');
    if (l->heard_at != 0)
        yq_buf_addf(out, ",\"heard\":{\"name\":%" PRId64 "}", l->heard_at);
    yq_buf_addc(out, '}');
}

static void write_posts(const struct yq_link_member *l, struct yq_buf *out)
{
    if (l->post_count == 0)
        return;
    yq_buf_adds(out, ",\"posts\":[");
    for (size_t i = 0; i < l->post_count; i++) {
        add_comma(out);
        yq_buf_add_json_string(out, l->posts[i]);
    }
    yq_buf_addc(out, ']');
}

static void write_heard(const struct yq_link_member *l, struct yq_buf *out)
{
    yq_buf_adds(out, ",\"heard\":{");
    for (unsigned f = 0; f < YQ_MEMBER_FIELD_COUNT; f++) {
        if (l->heard_at[f] == 0)
            continue;
        add_comma(out);
        yq_buf_addf(out, "\"%s\":%" PRId64, field_names[f], l->heard_at[f]);
    }
    yq_buf_addc(out, '}');
}

void yq_link_member_write(const struct yq_link_member *l, struct yq_buf *out)
{
    yq_buf_addf(out, "{\"v\":%d", YQ_LINK_VERSION);
    add_text(out, "userid", l->userid);
    add_text(out, "eteams", l->eteams);
    add_text(out, "how", l->how ? l->how : "");
    yq_buf_addf(out, ",\"at\":%" PRId64, l->at);
    if (l->born != 0)
        yq_buf_addf(out, ",\"born\":%" PRId64, l->born);
    if (l->left)
        yq_buf_adds(out, ",\"left\":true");
    if (l->wrote_job_num)
        yq_buf_adds(out, ",\"wrote_job_num\":true");
    write_posts(l, out);
    yq_buf_adds(out, ",\"agreed\":{");
    for (unsigned f = 0; f < YQ_MEMBER_FIELD_COUNT; f++)
        add_hash(out, field_names[f], l->agreed[f]);
    yq_buf_addc(out, '}');
    write_heard(l, out);
    yq_buf_addc(out, '}');
}

/* ---- reading ---- */

/* A text that must be there and not empty, copied. */
static int read_text(struct yq_arena *arena, const cJSON *object, const char *key, const char **ret,
                     struct yq_error *err)
{
    const char *text = yq_json_text(arena, object, key);
    if (text == NULL || *text == '\0')
        return yq_error_set(err, YQ_ERROR_INVALID, "link without %s", key);
    *ret = yq_arena_strdup(arena, text);
    return 0;
}

static uint64_t read_hash(const cJSON *object, const char *key)
{
    const cJSON *item = yq_json_get(object, key);
    uint64_t hash = 0;
    if (!cJSON_IsString(item) || sscanf(item->valuestring, "%16" SCNx64, &hash) != 1)
        return 0;
    return hash;
}

/* Parses, and checks the version. */
static cJSON *parse(const char *json, size_t len, struct yq_error *err)
{
    cJSON *tree = yq_json_parse(json, len, err);
    int64_t version = 0;
    if (tree == NULL) {
        yq_error_prefix(err, "link");
        return NULL;
    }
    if (!yq_json_int(tree, "v", &version) || version != YQ_LINK_VERSION) {
        yq_error_set(err, YQ_ERROR_INVALID, "link of unknown version %" PRId64, version);
        cJSON_Delete(tree);
        return NULL;
    }
    return tree;
}

int yq_link_department_read(struct yq_arena *arena, uint32_t id, const char *json, size_t len,
                            struct yq_link_department *ret, struct yq_error *err)
{
    int rc = -1;
    struct yq_link_department l = {.id = id, .how = ""};
    cJSON *tree = parse(json, len, err);
    if (tree == NULL || read_text(arena, tree, "eteams", &l.eteams, err) < 0)
        goto out;
    const char *how = yq_json_text(arena, tree, "how");
    l.how = how ? yq_arena_strdup(arena, how) : "";
    (void)yq_json_int(tree, "at", &l.at); /* stays 0 */
    const cJSON *agreed = yq_json_get(tree, "agreed");
    l.agreed_name = read_hash(agreed, "name");
    l.agreed_parent = read_hash(agreed, "parent");
    (void)yq_json_int(yq_json_get(tree, "heard"), "name", &l.heard_at);
    *ret = l;
    rc = 0;
out:
    cJSON_Delete(tree);
    return rc;
}

static void read_posts(struct yq_arena *arena, const cJSON *tree, struct yq_link_member *l)
{
    const cJSON *list = yq_json_get(tree, "posts"), *item;
    size_t count = cJSON_IsArray(list) ? (size_t)cJSON_GetArraySize(list) : 0;
    if (count == 0)
        return;
    const char **posts = yq_arena_alloc(arena, count * sizeof(*posts));
    cJSON_ArrayForEach (item, list) {
        const char *text = yq_json_item_text(arena, item);
        if (text != NULL)
            posts[l->post_count++] = yq_arena_strdup(arena, text);
    }
    l->posts = posts;
}

int yq_link_member_read(struct yq_arena *arena, const char *key, const char *json, size_t len,
                        struct yq_link_member *ret, struct yq_error *err)
{
    int rc = -1;
    struct yq_link_member l = {.how = ""};
    cJSON *tree = parse(json, len, err);
    if (tree == NULL || read_text(arena, tree, "userid", &l.userid, err) < 0 ||
        read_text(arena, tree, "eteams", &l.eteams, err) < 0)
        goto out;
    l.key = yq_arena_strdup(arena, key);
    const char *how = yq_json_text(arena, tree, "how");
    l.how = how ? yq_arena_strdup(arena, how) : "";
    (void)yq_json_int(tree, "at", &l.at); /* stays 0 */
    (void)yq_json_int(tree, "born", &l.born);
    l.left = yq_json_bool(tree, "left", false);
    l.wrote_job_num = yq_json_bool(tree, "wrote_job_num", false);
    read_posts(arena, tree, &l);
    const cJSON *agreed = yq_json_get(tree, "agreed"), *heard = yq_json_get(tree, "heard");
    for (unsigned f = 0; f < YQ_MEMBER_FIELD_COUNT; f++) {
        l.agreed[f] = read_hash(agreed, field_names[f]);
        (void)yq_json_int(heard, field_names[f], &l.heard_at[f]);
    }
    *ret = l;
    rc = 0;
out:
    cJSON_Delete(tree);
    return rc;
}
