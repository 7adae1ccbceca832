/* The words that the commit script knows besides Redis' own commands. For commit.c and store.c. */
#ifndef YQ_SRC_CLIENTS_COMMIT_H
#define YQ_SRC_CLIENTS_COMMIT_H

#define YQ_COMMIT_AUDIT "YQ.AUDIT" /* stream list field value … */
#define YQ_COMMIT_HDELIF                                                                           \
    "YQ.HDELIF" /* hash field value: deletes the field while it has that value */
#define YQ_COMMIT_TOUCH                                                                            \
    "YQ.TOUCH" /* hash zset member: while the hash is there, adds the member under the next number \
                  of the hash's field `touches` */
#define YQ_COMMIT_DEAD                                                                             \
    "YQ.DEAD" /* dead events entry field value …: adds to the first stream an entry with these   \
                 fields, and with what else the entry of the second one has */
#define YQ_COMMIT_WAKE                                                                             \
    "YQ.WAKE" /* zset stream cases record at: takes every "RECORD SUBJECT" and "RECORD SUBJECT     \
                 post" of that record out of the set, and adds a case.reopened of the subject,     \
                 with its case, to the stream; of the former only while there is a case */

#define YQ_COMMIT_OWE "YQ.OWE" /* owed reconcile reconciled reason now: see YQ_OWE_LUA */

/* owe(owed, reconcile, reconciled, reason, now): a full reconcile is owed. The first time stays,
 * since when it is: but not where a full run that is going will take it away, or where one was
 * cancelled since. */
#define YQ_OWE_LUA                                                                                 \
    "local function owe(owed, reconcile, reconciled, reason, now)\n"                               \
    "  local since = tonumber(redis.call('HGET', owed, reason) or '')\n"                           \
    "  local run = redis.call('HMGET', reconcile, 'kind', 'started')\n"                            \
    "  local answered = tonumber(redis.call('HGET', reconciled, 'cancelled') or '') or 0\n"        \
    "  if run[1] == 'full' then answered = math.max(answered, tonumber(run[2] or '') or 0) end\n"  \
    "  if not since or since <= answered then redis.call('HSET', owed, reason, now) end\n"         \
    "end\n"

#endif
