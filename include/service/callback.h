/* WeCom's callbacks: GET proves that the URL is ours, POST brings an event (wecom.md §1.2, §1.3).
 *
 * What is not authentic is answered 403, always with the same bytes; what is authentic is stored,
 * understood or not, and only then answered `success` (wecom.md §1.7). */
#ifndef YQ_SERVICE_CALLBACK_H
#define YQ_SERVICE_CALLBACK_H

#include "base/clock.h"
#include "service/http_server.h"
#include "service/intake.h"
#include "service/settings.h"

#define YQ_CALLBACK_PATH "/wecom/callback/"

struct yq_callback;

/* Holds the settings; the others must outlive it. */
struct yq_callback *yq_callback_new(const struct yq_settings *settings, struct yq_intake *intake,
                                    const struct yq_clock *clock);
/* The next callback is judged by these, which the intake must know already. NULL is fine. */
void yq_callback_reload(struct yq_callback *c, const struct yq_settings *settings);
void yq_callback_free(struct yq_callback *c);
/* The handler of YQ_CALLBACK_PATH, GET and POST; context: the struct yq_callback. */
yq_http_handler yq_callback_handle;

#endif
