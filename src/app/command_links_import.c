/* links import: all links of an export, or none of them. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uthash.h>

#include "base/arena.h"
#include "base/json.h"
#include "base/memory.h"
#include "clients/store.h"
#include "clients/store_inspect.h"
#include "import.h"

#define COMMIT_MAX 500    /* links written at once */
#define PATIENCE_MS 15000 /* for a worker who is at it */
#define LOOK_US 100000
#define OWED_LINKS "links were imported"

struct known { /* "member li.na" -> record, "record member 400…" -> key */
    char *name, *value;
    long line; /* 0: it stands here already */
    UT_hash_handle hh;
};

struct item {
    bool is_member;
    struct yq_link_member member;
    struct yq_link_department department;
};

struct links {
    struct yq_import import; /* first: take_link gets it back */
    struct yq_arena *arena;
    struct known *known;
    struct item *items;
    size_t count, capacity;
};

static const struct known *find(const struct links *l, const char *name)
{
    struct known *k = NULL;
    HASH_FIND_STR(l->known, name, k);
    return k;
}

static void note(struct links *l, char *name, const char *value, long line)
{
    struct known *k = yq_calloc(1, sizeof(*k));
    k->name = name;
    k->value = yq_strdup(value);
    k->line = line;
    HASH_ADD_KEYPTR(hh, l->known, k->name, strlen(k->name), k);
}

/* Both ways: a subject has one record, a record one subject. */
static void note_link(struct links *l, const char *kind, const char *key, const char *eteams,
                      long line)
{
    note(l, yq_printf("%s %s", kind, key), eteams, line);
    note(l, yq_printf("record %s %s", kind, eteams), key, line);
}

static int conflict(struct links *l, const struct known *k, const char *what, struct yq_error *err)
{
    if (k->line > 0)
        return yq_error_set(err, YQ_ERROR_INVALID, _("line %ld: %s is linked with %s in line %ld"),
                            yq_archive_line(l->import.archive), what, k->value, k->line);
    return yq_error_set(err, YQ_ERROR_INVALID, _("line %ld: %s is linked with %s here already"),
                        yq_archive_line(l->import.archive), what, k->value);
}

/* 1: it is new; 0: it stands here already, as it is; -1: something else does. */
static int compare(struct links *l, const char *kind, const char *key, const char *eteams,
                   struct yq_error *err)
{
    char *subject = yq_printf("%s %s", kind, key),
         *record = yq_printf("record %s %s", kind, eteams);
    const struct known *own = find(l, subject), *owner = find(l, record);
    int rc = 1;
    if (own != NULL && (own->line > 0 || strcmp(own->value, eteams) != 0))
        rc = conflict(l, own, subject, err);
    else if (own == NULL && owner != NULL)
        rc = conflict(l, owner, record, err);
    else if (own != NULL)
        rc = 0;
    free(subject);
    free(record);
    return rc;
}

static bool is_eteams_id(const char *text)
{
    size_t len = strlen(text);
    return len > 0 && len <= 24 && strspn(text, "0123456789") == len;
}

static int read_link(struct links *l, const char *kind, const char *key, const char *json,
                     struct item *ret, struct yq_error *err)
{
    uint32_t id;
    char normal[YQ_USERID_MAX + 1] = "";
    *ret = (struct item){.is_member = strcmp(kind, "member") == 0};
    if (ret->is_member) {
        if (yq_link_member_read(l->arena, key, json, strlen(json), &ret->member, err) != 0)
            return -1;
        if (yq_userid_valid(ret->member.userid, strlen(ret->member.userid)))
            yq_userid_key(ret->member.userid, normal);
        return strcmp(normal, key) == 0 && is_eteams_id(ret->member.eteams)
                   ? 0
                   : yq_error_set(err, YQ_ERROR_INVALID, _("userid or record is malformed"));
    }
    if (strcmp(kind, "department") != 0 || yq_wecom_id_parse(key, strlen(key), &id) != 0)
        return yq_error_set(err, YQ_ERROR_INVALID, _("kind or key is malformed"));
    if (yq_link_department_read(l->arena, id, json, strlen(json), &ret->department, err) != 0)
        return -1;
    return is_eteams_id(ret->department.eteams)
               ? 0
               : yq_error_set(err, YQ_ERROR_INVALID, _("userid or record is malformed"));
}

static int take_link(struct yq_import *m, const cJSON *record, struct yq_error *err)
{
    struct links *l = (struct links *)m;
    struct yq_error why = {0};
    struct item item;
    const char *kind = yq_json_text(l->arena, record, "kind");
    const char *key = yq_json_text(l->arena, record, "key");
    char *json = cJSON_PrintUnformatted(yq_json_get(record, "link"));
    int rc = kind != NULL && key != NULL && json != NULL
                 ? read_link(l, kind, key, json, &item, &why)
                 : yq_error_set(&why, YQ_ERROR_INVALID, _("kind, key or link is missing"));
    cJSON_free(json);
    if (rc != 0)
        return yq_import_refuse(m, err, why.text);
    const char *eteams = item.is_member ? item.member.eteams : item.department.eteams;
    rc = compare(l, kind, key, eteams, err);
    if (rc < 0)
        return -1;
    m->left_out += rc == 0;
    if (rc == 0)
        return 0;
    note_link(l, kind, key, eteams, yq_archive_line(m->archive));
    yq_grow(&l->items, &l->capacity, l->count, sizeof(*l->items));
    l->items[l->count++] = item;
    return 0;
}

static int load_present(struct links *l, const char *kind, struct yq_error *err)
{
    struct yq_pairs pairs = {0};
    struct yq_cli *cli = l->import.cli;
    char name[32];
    (void)snprintf(name, sizeof(name), "linked:%s", kind);
    if (yq_store_read_hash(cli->redis, &cli->keys, l->import.id, name, &pairs, err) != 0)
        return -1;
    for (size_t i = 0; i < pairs.count; i++)
        note_link(l, kind, pairs.items[i].value, pairs.items[i].name, 0);
    yq_pairs_release(&pairs);
    return 0;
}

/* Nobody else may write links meanwhile: a worker who is at it is waited for. */
static int take_lease(struct links *l, struct yq_lease *ret, struct yq_error *err)
{
    struct yq_cli *cli = l->import.cli;
    int64_t retry_ms, give_up = yq_mono_ms(cli->clock) + PATIENCE_MS;
    for (;;) {
        switch (yq_lease_take(cli->redis, &cli->keys, l->import.id, cli->settings->lease_ms,
                              cli->clock, ret, &retry_ms, err)) {
        case YQ_LEASE_TAKEN:
            return 0;
        case YQ_LEASE_ERROR:
            return -1;
        case YQ_LEASE_HELD:
            break;
        }
        if (yq_mono_ms(cli->clock) > give_up)
            return yq_error_set(err, YQ_ERROR_RETRY,
                                _("a worker is at it all the time: yunqiao pause %s, and again"),
                                l->import.id);
        (void)usleep(LOOK_US);
    }
}

static int write_links(struct links *l, struct yq_lease *lease, struct yq_error *err)
{
    struct yq_cli *cli = l->import.cli;
    const struct yq_keys *keys = &cli->keys;
    struct yq_commit *c = yq_commit_new();
    int rc = 0;
    for (size_t i = 0; i < l->count && rc == 0; i++) {
        const struct item *item = &l->items[i];
        if (item->is_member)
            yq_store_put_member_link(c, keys, l->import.id, &item->member);
        else
            yq_store_put_department_link(c, keys, l->import.id, &item->department);
        if ((i + 1) % COMMIT_MAX != 0 && i + 1 < l->count)
            continue;
        rc = yq_lease_renew(cli->redis, keys, lease, cli->clock, err);
        if (rc == 0)
            rc = yq_lease_commit(cli->redis, keys, lease, c, err);
        l->import.taken = rc == 0 ? i + 1 : l->import.taken;
    }
    yq_commit_free(c);
    return rc;
}

/* Under the lease, so that what stands here does not change between looking and writing. */
static int carry_out(struct links *l, struct yq_error *err)
{
    struct yq_cli *cli = l->import.cli;
    struct yq_lease lease;
    bool more = false;
    if (take_lease(l, &lease, err) != 0)
        return -1;
    int rc = load_present(l, "department", err);
    if (rc == 0)
        rc = load_present(l, "member", err);
    if (rc == 0)
        rc = yq_import_each(&l->import, take_link, err);
    if (rc == 0 && l->import.bad == 0 && l->count > 0)
        rc = write_links(l, &lease, err);
    if (rc == 0 && l->import.taken > 0)
        rc = yq_store_owe_reconcile(cli->redis, &cli->keys, l->import.id, OWED_LINKS,
                                    yq_wall_ms(cli->clock), err);
    if (yq_lease_release(cli->redis, &cli->keys, &lease, &more, NULL) == 0 && more)
        (void)yq_ready_add(cli->redis, &cli->keys, l->import.id, yq_wall_ms(cli->clock), NULL);
    return rc;
}

static void release(struct links *l)
{
    struct known *k, *next;
    HASH_ITER (hh, l->known, k, next) {
        HASH_DEL(l->known, k);
        free(k->name);
        free(k->value);
        free(k);
    }
    free(l->items);
    yq_arena_free(l->arena);
    yq_archive_reader_free(l->import.archive);
}

enum yq_exit yq_command_links_import(struct yq_cli *cli, int argc, char **argv)
{
    struct links l = {.import = {.cli = cli}};
    struct yq_error err = {0};
    enum yq_exit status = yq_import_begin(&l.import, "links", argc, argv);
    if (status != YQ_EXIT_DONE)
        return status;
    l.arena = yq_arena_new();
    if (carry_out(&l, &err) != 0) {
        status = yq_cli_fail(cli, _("%s; %zu links were written"), err.text, l.import.taken);
    } else {
        yq_import_print(&l.import);
        if (l.import.bad > 0)
            status = yq_cli_fail(cli, "%s", _("no link was written: it is all of them or none"));
    }
    release(&l);
    return status;
}
