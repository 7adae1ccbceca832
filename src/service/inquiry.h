/* Questions to Redis that an administrator asks over HTTP: answered on a thread of their own, one
 * after the other, so that the loop that takes callbacks never waits. */
#ifndef YQ_SERVICE_INQUIRY_H
#define YQ_SERVICE_INQUIRY_H

#include <event2/event.h>

#include "base/buf.h"
#include "clients/redis.h"
#include "service/http_server.h"
#include "service/settings.h"

struct yq_inquiry;

/* Runs on the thread: fills out with JSON, returns 0; or -1 when Redis cannot be asked. */
typedef int yq_inquiry_work(void *context, struct yq_redis *r, struct yq_buf *out,
                            struct yq_error *err);

struct yq_inquiry *yq_inquiry_new(struct event_base *base, const struct yq_settings *settings,
                                  struct yq_error *err);
/* Answers 503 to whoever still waits. NULL is fine. */
void yq_inquiry_free(struct yq_inquiry *q);
/* The exchange is answered with what work says, or 503. */
void yq_inquiry_ask(struct yq_inquiry *q, yq_inquiry_work *work, void *context,
                    struct yq_exchange *x);

#endif
