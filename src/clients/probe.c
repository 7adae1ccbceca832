/* One cheap question to each peer. */
#include "clients/probe.h"

#include <time.h>

#include "eteams_inner.h"
#include "wecom_inner.h"

static int64_t now_us(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t); /* fails for unknown clocks only */
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

/* ---- WeCom ---- */

/* Out of the app's range or not there: it was answered all the same. */
static bool is_about_subject(const struct yq_error *err)
{
    return err->kind == YQ_ERROR_REFUSED;
}

static void ask_wecom(struct yq_wecom_credential *c, struct yq_http *h, struct yq_call *call,
                      struct yq_probe *ret)
{
    struct yq_error err = {0};
    int64_t began = now_us();
    *ret = (struct yq_probe){.setting = c->setting};
    if (yq_wecom_run(c, h, call, 1, NULL, &err) < 0) {
        ret->error = err;
    } else if (call->error.kind != YQ_ERROR_NONE && !is_about_subject(&call->error)) {
        ret->error = call->error;
        if (ret->error.kind == YQ_ERROR_FATAL)
            yq_wecom_explain(c, &ret->error);
    }
    ret->took_us = now_us() - began;
    yq_calls_release(call, 1);
}

size_t yq_wecom_probe(struct yq_wecom *w, struct yq_http *h, struct yq_probe ret[YQ_WECOM_PROBES])
{
    size_t count = 0;
    struct yq_call of_app = {.api = WC_P_DEPARTMENT_GET, .query = "id=1"};
    struct yq_call of_contacts = {.api = WC_P_USER_LIST_ID,
                                  .body = "{\"cursor\":\"\",\"limit\":1}"};
    if (w->app.peer != NULL)
        ask_wecom(&w->app, h, &of_app, &ret[count++]);
    if (w->contacts.peer != NULL)
        ask_wecom(&w->contacts, h, &of_contacts, &ret[count++]);
    return count;
}

/* ---- eteams ---- */

void yq_eteams_probe(struct yq_eteams *e, struct yq_http *h, struct yq_probe *ret)
{
    struct yq_call call = {.api = ET_P_ORG_QUERY, .body = "{\"current\":1,\"pageSize\":1}"};
    struct yq_error err = {0};
    int64_t began = now_us();
    *ret = (struct yq_probe){.setting = e->static_token != NULL ? "eteams.static_token"
                                                                : "eteams.app_secret"};
    if (yq_peer_run(e->peer, h, &call, 1, NULL, &err) < 0)
        ret->error = err;
    else
        ret->error = call.error;
    ret->took_us = now_us() - began;
    yq_calls_release(&call, 1);
}

/* ---- their clocks ---- */

int64_t yq_peer_date(struct yq_http *h, const char *base, const struct yq_http_options *options,
                     struct yq_error *err)
{
    struct yq_http_response response = {0};
    struct yq_buf url = YQ_BUF_INIT;
    yq_buf_addf(&url, "%s/", base);
    const struct yq_http_request request = {.url = yq_buf_text(&url), .options = options};
    int rc = yq_peer_ask(h, &request, NULL, &response, err);
    yq_buf_release(&response.body);
    yq_buf_release(&url);
    return rc < 0 ? -1 : response.date;
}
