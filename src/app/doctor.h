/* What the files of `doctor` share: command_doctor.c (the command), doctor_checks.c (Redis, clocks,
 * peers), doctor_standing.c (what waits for a person), doctor_fields.c (the freshness table). */
#ifndef YQ_APP_DOCTOR_H
#define YQ_APP_DOCTOR_H

#include <cjson/cJSON.h>

#include "clients/http_client.h"
#include "commands.h"

enum yq_finding_level {
    YQ_FINDING_OK,
    YQ_FINDING_NOTE,  /* worth knowing; all is well */
    YQ_FINDING_FAULT, /* all is not well */
};

struct yq_finding {
    enum yq_finding_level level;
    const char *part;       /* "redis", "clock", "wecom", …: static text */
    const char *connection; /* NULL: the installation */
    char *text;             /* what is so */
    char *advice;           /* what to do about it; NULL where there is nothing */
};

struct yq_doctor {
    struct yq_cli *cli;
    struct yq_http *http;
    struct yq_finding *findings;
    size_t count, capacity;
    bool redis_answers;
};

/* Adds one. Both texts are taken over, and freed with the doctor; advice may be NULL. */
void yq_doctor_find(struct yq_doctor *d, const struct yq_finding *f);

void yq_doctor_check_redis(struct yq_doctor *d);
void yq_doctor_check_peers(struct yq_doctor *d, const struct yq_connection_settings *c);
void yq_doctor_check_standing(struct yq_doctor *d, const struct yq_connection_settings *c);
void yq_doctor_check_workers(struct yq_doctor *d);

/* The freshness table of a connection. */
void yq_doctor_print_fields(struct yq_doctor *d, const struct yq_connection_settings *c);
cJSON *yq_doctor_fields_as_json(struct yq_doctor *d, const struct yq_connection_settings *c);

#endif
