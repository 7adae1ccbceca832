/* What takes more than one value to judge: required and missing, either-or, doubled ids. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "config_table.h"
#include "crypto/secret.h"
#include "language.h"
#include "model/subject.h"

static size_t line_of(const size_t *lines, const char *path, size_t otherwise)
{
    for (size_t i = 0; i < yq_option_count; i++) {
        if (strcmp(yq_options[i].path, path) == 0)
            return lines[i] != 0 ? lines[i] : otherwise;
    }
    return otherwise;
}

static bool is_set(const char *text)
{
    return text != NULL && text[0] != '\0';
}

/* A connection's key as it is shown. Valid until the next call. */
static const char *shown(const struct yq_connection_draft *c, const char *key)
{
    static _Thread_local char out[128];
    snprintf(out, sizeof(out), "connections[%zu].%s", c->c.number, key);
    return out;
}

static void fault(struct yq_config_draft *d, const struct yq_connection_draft *c, const char *key,
                  const char *text)
{
    char path[128];
    snprintf(path, sizeof(path), "%s%s", YQ_CONNECTION_PREFIX, key);
    yq_config_fault(d, line_of(c->lines, path, c->line), shown(c, key), "%s", text);
}

static void check_missing(struct yq_config_draft *d, const struct yq_connection_draft *c)
{
    size_t skip = strlen(YQ_CONNECTION_PREFIX);
    for (size_t i = 0; i < yq_option_count; i++) {
        const struct yq_option *o = &yq_options[i];
        if ((o->flags & YQ_OPTION_REQUIRED) != 0 && c->lines[i] == 0)
            fault(d, c, o->path + skip, _("is missing"));
    }
}

/* Fills key pair number `n`; texts that are not valid have had their fault. */
static void add_keys(struct yq_envelope_keys *keys, const char *token, const char *aes_key)
{
    if (!is_set(token) || !is_set(aes_key))
        return;
    size_t n = keys->count;
    memcpy(keys->keys[n].token, token, strlen(token) + 1);
    if (yq_wecom_key(aes_key, strlen(aes_key), keys->keys[n].aes_key) == 0)
        keys->count++;
}

static void finish_callback(struct yq_config_draft *d, struct yq_connection_draft *c)
{
    struct yq_envelope_keys *keys = &c->c.callback;
    add_keys(keys, c->token, c->aes_key);
    if (keys->count == 0 && is_set(c->token) && is_set(c->aes_key))
        fault(d, c, "wecom.callback.encoding_aes_key", _("is no key"));
    if (is_set(c->previous_token) != is_set(c->previous_aes_key))
        fault(d, c, "wecom.callback.previous", _("needs both token and encoding_aes_key"));
    add_keys(keys, c->previous_token, c->previous_aes_key);
    if (!is_set(c->c.wecom.corp_id))
        return;
    snprintf(keys->receivers[keys->receiver_count++], sizeof(keys->receivers[0]), "%s",
             c->c.wecom.corp_id);
    for (char **id = c->receive_ids; id != NULL && *id != NULL; id++) {
        if (keys->receiver_count == YQ_ENVELOPE_RECEIVERS) {
            fault(d, c, "wecom.callback.receive_ids", _("has more than 3 elements"));
            return;
        }
        snprintf(keys->receivers[keys->receiver_count++], sizeof(keys->receivers[0]), "%s", *id);
    }
}

static void finish_departments(struct yq_connection_draft *c)
{
    size_t count = 0;
    while (c->never_touch_departments != NULL && c->never_touch_departments[count] != NULL)
        count++;
    c->c.policy.never_touch_department_count = count;
    if (count == 0)
        return;
    c->c.policy.never_touch_departments = yq_calloc(count, sizeof(uint32_t));
    for (size_t i = 0; i < count; i++) {
        const char *text = c->never_touch_departments[i];
        (void)yq_wecom_id_parse(text, strlen(text), &c->c.policy.never_touch_departments[i]);
    }
}

static void finish_policy(struct yq_connection_draft *c)
{
    for (char **id = c->c.policy.never_touch_members; id != NULL && *id != NULL; id++) {
        char key[YQ_USERID_MAX + 1];
        yq_userid_key(*id, key);
        memcpy(*id, key, strlen(key) + 1);
    }
    finish_departments(c);
}

static bool was_given(const struct yq_connection_draft *c, const char *key)
{
    char path[128];
    snprintf(path, sizeof(path), "%s%s", YQ_CONNECTION_PREFIX, key);
    return line_of(c->lines, path, 0) != 0;
}

/* A value that was given but is wrong has had its fault: it does not count as missing. */
static void check_credentials(struct yq_config_draft *d, const struct yq_connection_draft *c)
{
    static const char *const of_eteams[] = {"eteams.corp_id", "eteams.app_key",
                                            "eteams.app_secret"};
    const char *const values[] = {c->c.eteams.corp_id, c->c.eteams.app_key, c->c.eteams.app_secret};
    if (!is_set(c->c.wecom.app_secret) && !is_set(c->c.wecom.contacts_secret) &&
        !was_given(c, "wecom.app_secret") && !was_given(c, "wecom.contacts_secret"))
        fault(d, c, "wecom.app_secret", _("is missing, and contacts_secret too: one is needed"));
    if (was_given(c, "eteams.static_token"))
        return;
    for (size_t i = 0; i < 3; i++) {
        if (!is_set(values[i]) && !was_given(c, of_eteams[i]))
            fault(d, c, of_eteams[i], _("is missing, and static_token too"));
    }
}

static void check_reconcile(struct yq_config_draft *d, const struct yq_connection_draft *c)
{
    static const char *const keys[] = {"sync.reconcile.departments", "sync.reconcile.members"};
    const int64_t values[] = {c->c.reconcile_departments_ms, c->c.reconcile_members_ms};
    for (size_t i = 0; i < 2; i++) {
        if (values[i] > 0 && values[i] < 60000)
            fault(d, c, keys[i], _("must be 0s or at least 1m"));
    }
}

static void check_doubled(struct yq_config_draft *d, size_t number)
{
    const struct yq_connection_draft *c = &d->connections[number];
    for (size_t i = 0; i < number && c->c.id != NULL; i++) {
        const struct yq_connection_draft *other = &d->connections[i];
        if (other->c.id == NULL || strcmp(other->c.id, c->c.id) != 0)
            continue;
        yq_config_fault(d, line_of(c->lines, "connections[].id", c->line), shown(c, "id"),
                        _("is given twice, first in line %zu"),
                        line_of(other->lines, "connections[].id", other->line));
        return;
    }
}

static void check_program(struct yq_config_draft *d)
{
    const struct yq_settings *s = d->s;
    size_t listen = line_of(d->lines, "admin.listen", 1);
    if (is_set(s->admin_listen) && !is_set(s->admin_token) &&
        line_of(d->lines, "admin.token", 0) == 0)
        yq_config_fault(d, listen, "admin.token", _("is missing: admin.listen needs it"));
    size_t len = strlen(s->listen);
    bool any_port = len > 2 && strcmp(s->listen + len - 2, ":0") == 0;
    if (is_set(s->admin_listen) && !any_port && strcmp(s->listen, s->admin_listen) == 0)
        yq_config_fault(d, listen, "admin.listen", _("must differ from listen"));
    size_t sentinels = 0;
    while (s->redis_sentinels != NULL && s->redis_sentinels[sentinels] != NULL)
        sentinels++;
    if (sentinels > YQ_REDIS_SENTINELS)
        yq_config_fault(d, line_of(d->lines, "redis.sentinels", 1), "redis.sentinels",
                        _("has more than 7 elements"));
    if (is_set(s->redis_user) && !is_set(s->redis_password) &&
        line_of(d->lines, "redis.password", 0) == 0)
        yq_config_fault(d, line_of(d->lines, "redis.user", 1), "redis.password",
                        _("is missing: redis.user needs it"));
    if (s->redis_wait_replicas > 0 && s->redis_wait_timeout_ms >= s->redis_timeout_ms)
        yq_config_fault(
            d, line_of(d->lines, "redis.wait_timeout", line_of(d->lines, "redis.wait_replicas", 1)),
            "redis.wait_timeout", _("must be less than redis.timeout"));
    if (s->workers > s->workers_max)
        yq_config_fault(d, line_of(d->lines, "workers", 1), "workers",
                        _("must not be more than workers_max"));
    if (s->retry_first_ms > s->retry_max_ms)
        yq_config_fault(d, line_of(d->lines, "retry.first", 1), "retry.first",
                        _("must not be more than retry.max"));
    if (!d->has_connections)
        yq_config_fault(d, 1, "connections", _("is missing"));
}

static void wipe_and_free(char *text)
{
    if (text != NULL)
        yq_secret_wipe(text, strlen(text));
    free(text);
}

static void free_list(char **list)
{
    for (char **item = list; item != NULL && *item != NULL; item++)
        free(*item);
    free(list);
}

/* The settings of the draft go over into the settings; the rest of it goes. */
static void move_connections(struct yq_config_draft *d)
{
    struct yq_settings *s = d->s;
    s->connections = yq_calloc(d->count, sizeof(*s->connections));
    s->connection_count = d->count;
    for (size_t i = 0; i < d->count; i++) {
        struct yq_connection_draft *c = &d->connections[i];
        s->connections[i] = c->c;
        wipe_and_free(c->token);
        wipe_and_free(c->aes_key);
        wipe_and_free(c->previous_token);
        wipe_and_free(c->previous_aes_key);
        free_list(c->receive_ids);
        free_list(c->never_touch_departments);
        yq_secret_wipe(c, sizeof(*c));
    }
    free(d->connections);
    d->connections = NULL;
}

void yq_config_finish(struct yq_config_draft *d)
{
    check_program(d);
    for (size_t i = 0; i < d->count; i++) {
        struct yq_connection_draft *c = &d->connections[i];
        check_missing(d, c);
        check_credentials(d, c);
        check_doubled(d, i);
        check_reconcile(d, c);
        finish_callback(d, c);
        finish_policy(c);
        yq_config_digest(c);
    }
    move_connections(d);
}
