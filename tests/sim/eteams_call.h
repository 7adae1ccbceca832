/* One call to the simulated interface: what came, who it is for, and the ways to answer. */
#ifndef SIM_ETEAMS_CALL_H
#define SIM_ETEAMS_CALL_H

#include "base/arena.h"
#include "base/json.h"
#include "eteams_auth.h"
#include "eteams_faults.h"
#include "eteams_journal.h"
#include "eteams_tenant.h"
#include "eteams_traffic.h"

#define ET_PREFIX_MAX 128

struct et_options {
    char prefix[ET_PREFIX_MAX]; /* before every path, as in "/papi/openapi" */
    char header_name[ET_PREFIX_MAX], header_value[ET_PREFIX_MAX]; /* wanted if not empty */
    bool errcode_numbers, id_numbers;
    int64_t max_rows;
    int64_t licence_limit;            /* people in service; 0 = none */
    char name_forbids[ET_PREFIX_MAX]; /* ASCII characters that no name may have */
    int64_t name_max;                 /* bytes of a name; 0 = no limit */
    int64_t delay_ms;
    cJSON *assumed_off; /* array of last path parts; NULL = all are there */
};

struct et_sim {
    struct et_tenant tenant;
    struct et_journal journal;
    struct et_auth auth;
    struct et_faults faults;
    struct et_traffic traffic;
    struct et_options options;
};

struct et_call {
    struct et_sim *sim;
    const struct sim_request *request;
    struct sim_reply *reply;
    const char *name;  /* last part of the path */
    const cJSON *body; /* NULL where there is none */
    struct yq_arena *arena;
    struct et_fault fault;
    struct et_writer writer;
    size_t rows; /* written or answered */
};

/* True, and the fault is used up, if the call is to meet this one. */
bool et_meets(struct et_call *call, enum et_fault_kind kind);

/* The envelope of the business calls without data, and the one of /oauth2. code 0 = success. */
void et_answer(struct et_call *call, int code, const char *text);
void et_answer_top(struct et_call *call, int code, const char *text);
/* "errcode":…,"errmsg":… as members of an object. */
void et_print_code(struct et_call *call, struct yq_buf *out, int code, const char *text);

/* ---- paged answers ---- */
struct et_page {
    size_t current, size;
    size_t seen; /* rows that match, so far */
    size_t printed;
    bool doubled; /* the fault: the last row of the page before instead of the first one */
    bool halved;  /* the fault: every second row is lacking, and the total is as ever */
    bool emptied; /* the fault: no rows, and a total of none */
    bool refused; /* the same, with an error code */
    struct yq_buf rows;
};

/* -1 after answering when current or pageSize is not a positive number. */
int et_page_begin(struct et_call *call, struct et_page *page, size_t max);
/* Call it for every row that matches, in order: true if the row is to be printed to page->rows. */
bool et_page_next(struct et_page *page);
void et_page_end(struct et_call *call, struct et_page *page);

/* ---- calls that write rows ---- */
struct et_row {
    const cJSON *json;
    enum et_write_kind kind; /* what it does when it succeeds */
    const char *id;          /* of the record; NULL = the one that was sent */
    const char *text;        /* why it failed */
};

/* Carries out one row; returns 0 or the code of §3. */
typedef int et_row_handler(struct et_call *call, struct et_row *row);

/* Carries out the rows of that member of the body one by one, and answers. rule is the key of
 * dataRule that must be there, NULL if none. */
void et_rows(struct et_call *call, const char *member, const char *rule, et_row_handler *handler);
/* One row, counted and traced unless by hand. */
int et_run_row(struct et_call *call, struct et_row *row, et_row_handler *handler);
/* Sets the text and returns the code. */
int et_refuse(struct et_row *row, int code, const char *text);

/* ---- finding records as the request says (eteams_rule.c) ---- */

/* The rule for "employee" or "department": "id" if the request names none. */
const char *et_rule(const struct et_call *call, const char *noun);
/* Finds the record that a rule and its key mean. 0 with NULL: none; else a code: 410016 several,
 * 410001 no such rule. */
int et_find_employee(struct et_call *call, const char *rule, const char *key,
                     struct et_record **ret);
int et_find_org(struct et_call *call, const char *rule, const char *key, struct et_record **ret);

/* ---- rows ---- */
et_row_handler et_org_sync_row, et_org_enable_row, et_org_disable_row;
et_row_handler et_employee_sync_row, et_employee_rehire_row, et_employee_resign_row;
et_row_handler et_extra_sync_row;

/* Fills the change with what leaving brings, removes posts and the administrator's role. 0 or
 * 410009. */
int et_leave(struct et_call *call, struct et_row *row, struct et_record *employee,
             const char *status, struct et_change *change);
/* The code if that person may not take those keys, which belong to somebody else (410007). NULL
 * keys are not asked. */
int et_check_keys(struct et_call *call, struct et_row *row, const struct et_record *self,
                  const char *const keys[3]);
/* 410019 when nobody more may come into service. */
int et_check_licence(struct et_call *call, struct et_row *row);

/* ---- paths ---- */
void et_query_org(struct et_call *call);
void et_query_employee(struct et_call *call);
void et_query_extra(struct et_call *call);
void et_query_admin(struct et_call *call);
void et_query_external_link(struct et_call *call);
void et_set_field_lock(struct et_call *call);

/* Answers to /_sim/…; path without that part. */
void et_control(struct et_sim *sim, const char *path, const struct sim_request *request,
                struct sim_reply *reply);
/* What an administrator does by hand (POST /_sim/change): one change or an array. Prints the ids. A
 * change that a rule refuses has its code in err. */
int et_change(struct et_sim *sim, const cJSON *json, struct yq_buf *out, struct yq_error *err);

/* Why a name is refused (410001), or NULL. */
const char *et_name_fault(const struct et_call *call, const char *name);

#endif
