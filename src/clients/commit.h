/* The words that the commit script knows besides Redis' own commands. For commit.c and store.c. */
#ifndef YQ_SRC_CLIENTS_COMMIT_H
#define YQ_SRC_CLIENTS_COMMIT_H

#define YQ_COMMIT_AUDIT "YQ.AUDIT" /* stream list field value … */
#define YQ_COMMIT_HDELIF                                                                           \
    "YQ.HDELIF" /* hash field value: deletes the field while it has that value */

#endif
