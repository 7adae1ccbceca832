/* Freeing settings, with every text wiped first: some of them are secrets. */
#include "service/settings.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/secret.h"

static void drop(char *text)
{
    if (text != NULL)
        yq_secret_wipe(text, strlen(text));
    free(text);
}

static void drop_list(char **list)
{
    for (char **item = list; item != NULL && *item != NULL; item++)
        drop(*item);
    free(list);
}

static void release_outgoing(struct yq_outgoing *o)
{
    drop(o->proxy);
    drop(o->ca_file);
    drop_list(o->headers);
}

static void release_connection(struct yq_connection_settings *c)
{
    drop(c->id);
    drop(c->wecom.corp_id);
    drop(c->wecom.app_secret);
    drop(c->wecom.contacts_secret);
    release_outgoing(&c->wecom.outgoing);
    drop(c->eteams.open_base);
    drop(c->eteams.corp_id);
    drop(c->eteams.app_key);
    drop(c->eteams.app_secret);
    drop(c->eteams.static_token);
    drop(c->eteams.root_org_id);
    release_outgoing(&c->eteams.outgoing);
    drop_list(c->policy.protected_ids);
    drop_list(c->policy.never_touch_members);
    free(c->policy.never_touch_departments);
    drop(c->reconcile_full_at);
    yq_secret_wipe(&c->callback, sizeof(c->callback));
}

const struct yq_connection_settings *yq_settings_connection(const struct yq_settings *s,
                                                            const char *id)
{
    for (size_t i = 0; i < s->connection_count; i++) {
        if (strcmp(s->connections[i].id, id) == 0)
            return &s->connections[i];
    }
    return NULL;
}

static int put_text(const char *text, char *out, size_t room, struct yq_error *err)
{
    if (text == NULL || text[0] == '\0')
        return 0;
    if (strlen(text) >= room)
        return yq_error_set(err, YQ_ERROR_INVALID, "redis: a name or the password is too long");
    memcpy(out, text, strlen(text) + 1);
    return 0;
}

int yq_settings_redis(const struct yq_settings *s, struct yq_redis_address *ret,
                      struct yq_error *err)
{
    struct yq_redis_address a;
    if (yq_redis_address_parse(s->redis_url, &a, err) != 0 ||
        put_text(s->redis_user, a.user, sizeof(a.user), err) != 0 ||
        put_text(s->redis_password, a.password, sizeof(a.password), err) != 0)
        return -1;
    for (char **text = s->redis_sentinels; text != NULL && *text != NULL; text++) {
        if (yq_redis_add_sentinel(&a, *text, err) != 0)
            return -1;
    }
    if (put_text(s->redis_master, a.master, sizeof(a.master), err) != 0)
        return -1;
    *ret = a;
    yq_secret_wipe(&a, sizeof(a));
    return 0;
}

const struct yq_settings *yq_settings_hold(const struct yq_settings *s)
{
    (void)atomic_fetch_add(&((struct yq_settings *)s)->holders, 1);
    return s;
}

void yq_settings_free(const struct yq_settings *settings)
{
    struct yq_settings *s =
        (struct yq_settings *)settings; /* constant to all but its last holder */
    if (s == NULL || atomic_fetch_sub(&s->holders, 1) > 0)
        return;
    for (size_t i = 0; i < s->connection_count; i++)
        release_connection(&s->connections[i]);
    free(s->connections);
    drop(s->listen);
    drop(s->admin_listen);
    drop(s->admin_token);
    drop(s->handover);
    drop(s->redis_url);
    drop(s->redis_prefix);
    drop_list(s->redis_sentinels);
    drop(s->redis_master);
    drop(s->redis_user);
    drop(s->redis_password);
    drop(s->spool_dir);
    drop(s->wecom_api_base);
    drop(s->language);
    drop(s->time_zone);
    drop(s->log_level);
    drop_list(s->alarms.webhooks);
    drop_list(s->alarms.robots);
    drop(s->alarms.proxy);
    drop(s->alarms.ca_file);
    free(s);
}
