/* A thread that does something again and again, until it is stopped. */
#ifndef YQ_SERVICE_TICKER_H
#define YQ_SERVICE_TICKER_H

struct yq_ticker;

/* Calls tick at once, then every interval_ms of real time. While it answers other than 0, what it
 * needs is away: it is called ever more seldom, at least every two seconds. */
struct yq_ticker *yq_ticker_start(int interval_ms, int (*tick)(void *context), void *context);
/* Waits for a tick that is under way. NULL is fine. */
void yq_ticker_stop(struct yq_ticker *t);

#endif
