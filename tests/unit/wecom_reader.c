/* Opening, reading, closing. */
#include "wecom_reader.h"

#include "clients/system_clock.h"

void open_reader(struct reader *r, const char *base, const char *app, const char *contacts)
{
    r->h = yq_http_new();
    r->v = yq_view_new();
    r->l = (struct yq_wecom_listing){0};
    yq_snapshot_init(&r->s);
    r->w = yq_wecom_new(&(struct yq_wecom_options){.api_base = base,
                                                   .corp_id = "ww0123456789abcdef",
                                                   .agent_id = 1000002,
                                                   .app_secret = app,
                                                   .contacts_secret = contacts,
                                                   .budget = {10000, 4},
                                                   .clock = yq_system_clock()});
}

void close_reader(struct reader *r)
{
    yq_wecom_listing_release(&r->l);
    yq_snapshot_release(&r->s);
    yq_wecom_free(r->w);
    yq_view_free(r->v);
    yq_http_free(r->h);
    peer_server_free(r->server);
}

int list_all(struct reader *r, struct yq_error *err)
{
    yq_wecom_listing_release(&r->l);
    yq_view_free(r->v);
    r->v = yq_view_new();
    return yq_wecom_list_all(r->w, r->h, r->v, &r->s, &r->l, NULL, err);
}

const struct yq_snapshot_person *find(const struct reader *r, const char *userid)
{
    return yq_snapshot_find(&r->s, yq_userid_hash(userid));
}
