/* Makes events durable without ever blocking the loop: an asynchronous connection to Redis, over
 * hiredis, that pipelines by itself, and goes back to work the moment Redis does.
 *
 * What Redis does not take goes to the spool (service/spool.h). What could not be stored there,
 * either, is answered 503, WeCom repeats it a few times, and a reconcile is owed: that is
 * remembered here, and written as soon as Redis is back. So it is where Redis has lost an entry
 * that it had acknowledged. */
#ifndef YQ_SERVICE_INTAKE_H
#define YQ_SERVICE_INTAKE_H

#include <event2/event.h>
#include <stdbool.h>

#include "base/clock.h"
#include "base/error.h"
#include "model/event.h"
#include "service/settings.h"
#include "service/spool.h"

struct yq_intake;

/* id: of the connection. stored: Redis said so, in time, and as many replicas as are wanted, or the
 * spool has it. Otherwise it may have
 * been stored all the same: an accepted double. */
typedef void yq_intake_done(void *context, const char *id, bool stored);

/* Connects as soon as the loop runs. clock must outlive it. NULL only for a redis_url that cannot
 * be read. */
struct yq_intake *yq_intake_new(struct event_base *base, const struct yq_settings *settings,
                                const struct yq_clock *clock, struct yq_error *err);
/* Events of these connections are taken from now on; those that are under way end as they began.
 * NULL is fine. */
void yq_intake_reload(struct yq_intake *in, const struct yq_settings *settings);
/* Those who still wait are told that nothing was stored. */
void yq_intake_free(struct yq_intake *in);

/* Copies the event. done is called once: from here when Redis is known to be gone and there is no
 * spool, otherwise from the loop, after redis_timeout_ms and the time of a sync at the latest. */
void yq_intake_push(struct yq_intake *in, const struct yq_connection_settings *connection,
                    const struct yq_event *e, yq_intake_done *done, void *context);
/* Redis answers. */
bool yq_intake_up(const struct yq_intake *in);
/* It takes events, but too few of its replicas had the last ones in time. */
bool yq_intake_lags(const struct yq_intake *in);
struct yq_spool *yq_intake_spool(const struct yq_intake *in); /* NULL: there is none */

#endif
