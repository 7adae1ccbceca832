/* WeCom's directory read whole, from the simulator or a peer that a test writes. */
#ifndef TEST_WECOM_READER_H
#define TEST_WECOM_READER_H

#include "clients/wecom_listing.h"
#include "support/peer_script.h"

struct reader {
    struct yq_wecom *w;
    struct yq_http *h;
    struct yq_view *v;
    struct yq_snapshot s;
    struct yq_wecom_listing l;
    struct peer_server *server;
    struct script script;
};

/* app, contacts: the secrets; NULL where there is none. server and script stay what they are. */
void open_reader(struct reader *r, const char *base, const char *app, const char *contacts);
/* Ends r->server, too. */
void close_reader(struct reader *r);
/* Anew into r->s and r->l. */
int list_all(struct reader *r, struct yq_error *err);
const struct yq_snapshot_person *find(const struct reader *r, const char *userid);

#endif
