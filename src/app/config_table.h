/* The one table of options, and what the readers of the configuration share. */
#ifndef YQ_APP_CONFIG_TABLE_H
#define YQ_APP_CONFIG_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "app/config.h"
#include "base/buf.h"
#include "service/settings.h"

enum yq_option_type {
    YQ_OPTION_TEXT,     /* char *; with choices: one of them */
    YQ_OPTION_CHOICE,   /* unsigned: place in choices */
    YQ_OPTION_BOOL,     /* bool */
    YQ_OPTION_INT,      /* int */
    YQ_OPTION_LONG,     /* int64_t */
    YQ_OPTION_NUMBER,   /* double */
    YQ_OPTION_SIZE,     /* size_t: bytes */
    YQ_OPTION_DURATION, /* int64_t: milliseconds */
    YQ_OPTION_TEXTS,    /* char **, NULL-ended; NULL when empty */
    YQ_OPTION_NOTHING,  /* only the empty list is understood so far */
};

enum {
    YQ_OPTION_REQUIRED = 1 << 0,
    YQ_OPTION_SECRET = 1 << 1,     /* also as x_file; its value never shows */
    YQ_OPTION_RELOADABLE = 1 << 2, /* SIGHUP is enough; all of a connection is */
};

struct yq_option {
    const char *path; /* keys joined by '.', "connections[]." in front of a connection's own */
    enum yq_option_type type;
    unsigned flags;
    const char *fallback; /* as it would be written; NULL: none */
    int64_t min, max;     /* INT to DURATION (in milliseconds), both inclusive */
    const char *choices;  /* "a|b|c" */
    const char *later;    /* the one value that is known but not supported yet */
    /* Judges a TEXT, or each of TEXTS: NULL when fine, else what it must be, for gettext. */
    const char *(*check)(const char *text);
    size_t offset; /* in yq_settings, or in yq_connection_draft */
    const char *help;
};

#define YQ_CONFIG_FAULTS 100 /* no more are told at once */
#define YQ_OPTION_MAX 96
extern const struct yq_option yq_options[];
extern const size_t yq_option_count;
#define YQ_CONNECTION_PREFIX "connections[]."

/* A connection while it is read: what needs a second look stands beside the settings. */
struct yq_connection_draft {
    struct yq_connection_settings c;
    char *token, *aes_key, *previous_token, *previous_aes_key;
    char **receive_ids, **never_touch_departments;
    size_t line;
    size_t lines[YQ_OPTION_MAX]; /* where each option stands; 0 = nowhere */
};

struct yq_config_fault {
    size_t line;
    char *text; /* "KEY: what is wrong" */
};

struct yq_config_draft {
    const char *path;
    struct yq_settings *s;
    size_t lines[YQ_OPTION_MAX];
    struct yq_connection_draft *connections;
    size_t count, capacity;
    bool has_connections; /* the key was there: faults in it are told already */
    struct yq_config_fault *faults;
    size_t fault_count, fault_capacity;
};

/* Notes a fault: config.c. The key may be "" for the file as a whole. */
void yq_config_fault(struct yq_config_draft *d, size_t line, const char *key, const char *format,
                     ...) __attribute__((format(printf, 4, 5)));

/* Walks the YAML text and fills the draft: config_yaml.c. */
void yq_config_read_yaml(struct yq_config_draft *d, const char *text, size_t len);

/* config_value.c */
struct yq_config_place { /* of one value in the file */
    size_t line;
    const char *key; /* as shown: "connections[0].wecom.corp_id" */
    bool literal;    /* nothing was expanded in it: it may be shown if it is no secret */
};
/* Puts the text into its place under `base`; notes a fault and returns -1 if it does not fit. */
int yq_config_store(struct yq_config_draft *d, const struct yq_option *o, void *base,
                    const char *text, const struct yq_config_place *place);
/* Appends one element of a list. */
int yq_config_store_item(struct yq_config_draft *d, const struct yq_option *o, void *base,
                         const char *text, const struct yq_config_place *place);
/* Replaces ${NAME}; the caller wipes and frees. NULL with a fault noted. */
char *yq_config_expand(struct yq_config_draft *d, const struct yq_option *o, const char *text,
                       struct yq_config_place *place);
/* Content of a secret's file; the caller wipes and frees. NULL with a fault noted. */
char *yq_config_read_secret(struct yq_config_draft *d, const char *file,
                            const struct yq_config_place *place);

/* config_reload.c */
/* Notes in the connection what all its options are, as one digest. Before they are moved. */
void yq_config_digest(struct yq_connection_draft *c);

/* What needs more than one value: config_finish.c. Moves the connections into the settings. */
void yq_config_finish(struct yq_config_draft *d);

/* config_check.c */
const char *yq_check_address(const char *text); /* HOST:PORT */
const char *yq_check_socket_path(const char *text);
const char *yq_check_url(const char *text);
const char *yq_check_webhook(const char *text); /* with a path and a query */
const char *yq_check_redis(const char *text);
const char *yq_check_master(const char *text); /* of Sentinels */
const char *yq_check_redis_user(const char *text);
const char *yq_check_redis_password(const char *text);
const char *yq_check_proxy(const char *text);
const char *yq_check_header(const char *text);
const char *yq_check_connection_id(const char *text);
const char *yq_check_prefix(const char *text);
const char *yq_check_word(const char *text); /* no blanks, no control characters */
const char *yq_check_corp_id(const char *text);
const char *yq_check_token(const char *text);
const char *yq_check_aes_key(const char *text);
const char *yq_check_userid(const char *text);
const char *yq_check_department(const char *text);
const char *yq_check_digits(const char *text);
const char *yq_check_time_of_day(const char *text);
const char *yq_check_time_zone(const char *text);

#endif
