/* The simulated WeCom: one process that holds a company, answers /cgi-bin, calls back, and does on
 * /_sim what an administrator or a test asks for. */
#ifndef SIM_WECOM_SIM_H
#define SIM_WECOM_SIM_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "sim_http.h"
#include "wecom_directory.h"

enum wecom_kind { WECOM_APP, WECOM_CONTACTS, WECOM_KINDS }; /* SB and CS of wecom.md §0.2 */

struct wecom_settings {    /* POST /_sim/settings */
    bool sensitive;        /* the app gets mobile, email, gender … */
    bool contacts_details; /* the contacts assistant may read details: no 48009 */
    bool errcode_missing;  /* successes come without errcode */
    bool shuffle;          /* lists come in changing order */
    bool auto_departments; /* user/create makes departments that do not exist */
    int64_t rate;          /* calls per window and path; 0 = no limit */
    int64_t window_s;      /* and how long 45009 then lasts */
    int64_t concurrency;   /* calls in flight per path, above it 45033; 0 = no limit */
    int64_t token_life_s;
};

struct wecom_token {
    char text[160]; /* "" = none */
    int64_t expires_ms;
};

struct wecom_faults;
struct wecom_traffic;
struct wecom_callback;
struct wecom_delivery;

struct wecom {
    struct event_base *base;
    struct wecom_directory *directory;
    uint64_t epoch; /* of the directory: cursors of an older one are refused */
    struct sim_random random;
    const char *corp_id, *secrets[WECOM_KINDS];
    int64_t agent_id;
    struct wecom_settings settings;
    int64_t delay_ms; /* of every API answer */
    struct wecom_token tokens[WECOM_KINDS];
    struct wecom_faults *faults;
    struct wecom_traffic *traffic;
    struct wecom_callback *callback;
    struct wecom_delivery *delivery;
};

/* Replaces the company; ends the validity of cursors. Takes `d`. */
void wecom_set_directory(struct wecom *w, struct wecom_directory *d);

/* wecom_error.c: the text of an error code, "unknown error" for one that is not in the table. */
const char *wecom_error_text(int code);
/* Writes `"errcode":…,"errmsg":"…"` in the shape of wecom.md §0.3. */
void wecom_error_put(struct wecom *w, struct yq_buf *out, int code);

/* wecom_json.c: small writers and readers. Writers put a comma in front, unless the buffer ends
 * with an opening bracket or a colon. */
void wecom_put_text(struct yq_buf *out, const char *name, const char *value);
void wecom_put_int(struct yq_buf *out, const char *name, int64_t value);
void wecom_put_name(struct yq_buf *out, const char *name); /* `"name":` */
void wecom_put_comma(struct yq_buf *out);
const char *wecom_get_text(const cJSON *object, const char *name); /* NULL unless a string */
bool wecom_get_id(const cJSON *item, uint32_t *ret);
int64_t wecom_get_int(const cJSON *object, const char *name, int64_t fallback);

/* What the lists of a member are called: the API's names or those of the control side. */
struct wecom_member_names {
    const char *departments, *orders, *leader_in, *direct;
};
extern const struct wecom_member_names wecom_api_names, wecom_control_names;
/* Reads a member's fields; texts are borrowed from the tree. 0 or 40058. */
int wecom_member_parse(const cJSON *object, const struct wecom_member_names *names,
                       struct wecom_member_input *ret);

/* wecom_state.c: the whole truth as JSON fields, and back. */
void wecom_state_put(struct wecom *w, struct yq_buf *out);
/* Returns a new directory, or NULL with a sentence in why. */
struct wecom_directory *wecom_state_load(const cJSON *state, char why[256]);
/* Sets what is ticked: {"departments":[],"members":[],"tags":[]}. 0 or an error code. */
int wecom_range_load(struct wecom_directory *d, const cJSON *range);

/* wecom_api.c */
struct wecom_call {
    struct wecom *w;
    const struct sim_request *request;
    enum wecom_kind kind;
    cJSON *body;        /* NULL unless the request carried JSON */
    struct yq_buf *out; /* fields of a success, wecom_put_… */
    const char *done;   /* errmsg of a success: "ok" */
};
typedef int wecom_endpoint(struct wecom_call *call); /* 0 or an error code */
void wecom_api(struct wecom *w, const struct sim_request *request, struct sim_reply *reply);
/* The indexes 0…n-1 in random order (or as they are, where settings.shuffle is off). free() them.
 */
size_t *wecom_shuffled(struct wecom *w, size_t n);
/* True if this call may see it: the contacts assistant sees the whole company. */
bool wecom_call_sees_department(struct wecom_call *c, const struct wecom_department *department);
bool wecom_call_sees_member(struct wecom_call *c, const struct wecom_member *m);

/* wecom_read.c, wecom_lists.c, wecom_write.c: the endpoints. */
wecom_endpoint wecom_user_get, wecom_user_simplelist, wecom_user_list, wecom_user_list_id;
wecom_endpoint wecom_department_list, wecom_department_simplelist, wecom_department_get;
wecom_endpoint wecom_tag_list, wecom_tag_get, wecom_agent_get, wecom_getcallbackip;
wecom_endpoint wecom_user_create_call, wecom_user_update_call, wecom_user_delete_call;
wecom_endpoint wecom_department_create_call, wecom_department_update_call,
    wecom_department_delete_call;

/* wecom_token.c */
wecom_endpoint wecom_gettoken;
/* 0 and the kind, or 41001, 40014, 42001. */
int wecom_token_check(struct wecom *w, const char *token, enum wecom_kind *ret);
/* Ends the present token early: answered by 40014 (dead) or 42001 (expired). */
void wecom_token_end(struct wecom *w, enum wecom_kind kind, bool expired);

/* wecom_traffic.c: what came in, and the limits. */
struct wecom_traffic *wecom_traffic_new(void);
void wecom_traffic_free(struct wecom_traffic *t);
void wecom_traffic_note(struct wecom *w, const struct sim_request *request);
/* 0, 45009 or 45033. */
int wecom_traffic_limit(struct wecom *w, const char *path);
/* Blocks a path with 45009 for that time. */
void wecom_traffic_block(struct wecom *w, const char *path, int64_t seconds);
void wecom_traffic_forget_limits(struct wecom *w);
/* A call of that path is in flight, until this answer to it is over. */
void wecom_traffic_busy(struct wecom *w, const char *path, struct sim_reply *reply);
/* Of calls in flight only that they are is kept. */
void wecom_traffic_reset(struct wecom *w);
void wecom_traffic_put(struct wecom *w, struct yq_buf *out);
void wecom_wire_put(struct wecom *w, struct yq_buf *out, size_t n);

/* wecom_faults.c */
struct wecom_fault {
    const char *kind; /* NULL = none */
    int64_t window_s, delay_ms;
};
struct wecom_faults *wecom_faults_new(void);
void wecom_faults_free(struct wecom_faults *f);
/* Adds what a body of POST /_sim/faults says; false: not understood. */
bool wecom_faults_add(struct wecom *w, const cJSON *fault);
void wecom_faults_clear(struct wecom *w);
void wecom_faults_put(struct wecom *w, struct yq_buf *out);
struct wecom_fault wecom_faults_next(struct wecom *w, const char *path);
/* True if the fault answers by itself, without processing the call. */
bool wecom_fault_before(struct wecom *w, const struct wecom_fault *fault, const char *path,
                        const char *empty, struct sim_reply *reply);
/* Spoils the answer of a call that was processed. */
void wecom_fault_after(const struct wecom_fault *fault, struct sim_reply *reply);

/* wecom_callback.c: where events go, and their envelopes. */
struct wecom_quirks {
    bool creation_burst;       /* update, update, create in one second (wecom.md §2.1.1) */
    bool delete_update;        /* a deletion brings an update_user behind it */
    bool main_department_only; /* MainDepartment alone, when nothing else changed; trimmed mode too
                                */
    bool no_cdata, blank_cdata, random_order;
    bool subscribe;  /* subscribe and unsubscribe for whom a change brings into the app's range or
                        out */
    bool own_writes; /* writes through the API call back too */
    bool wrong_receiver, wrong_signature;
};
struct wecom_callback {
    char *url, *token; /* url NULL: nobody is called */
    uint8_t key[32];
    bool trimmed, json;
    int64_t agent_id; /* in the envelope; -1 = empty */
    struct wecom_quirks quirks;
    struct yq_wecom_crypt *crypt;
    uint64_t last_id;
    struct yq_buf
        noted; /* events since wecom_callback_note(): [{"id","text"},…] without brackets */
};
struct wecom_callback *wecom_callback_new(void);
void wecom_callback_free(struct wecom_callback *c);
/* 0 or an error code. */
int wecom_callback_configure(struct wecom *w, const cJSON *body);
void wecom_callback_note(struct wecom *w); /* starts a new list of noted events */
/* Queues a plain text for delivery. */
void wecom_callback_queue(struct wecom *w, const char *text);
/* A sealed envelope: query string and body, for free(). */
void wecom_callback_seal(struct wecom *w, const char *text, char **ret_query, char **ret_body);
/* The GET verification with the given or the configured parameters; writes what came back. */
int wecom_callback_verify(struct wecom *w, const cJSON *body, struct yq_buf *out);

/* wecom_events.c: from a change to the events that WeCom sends. */
void wecom_notify_member_created(struct wecom *w, const struct wecom_member *m);
/* old_userid: NULL unless it changed. */
void wecom_notify_member_updated(struct wecom *w, const struct wecom_member *m, unsigned changed,
                                 const char *old_userid);
/* To be called before the deletion. */
void wecom_notify_member_deleted(struct wecom *w, const struct wecom_member *m);
void wecom_notify_department_created(struct wecom *w, const struct wecom_department *department);
void wecom_notify_department_updated(struct wecom *w, const struct wecom_department *department,
                                     unsigned changed);
void wecom_notify_department_deleted(struct wecom *w, uint32_t id);
/* "subscribe" or "unsubscribe": the member came into the app's range, or dropped out of it. */
void wecom_notify_range(struct wecom *w, const char *event, const char *userid);
struct wecom_tag_change {
    struct yq_buf add_members, remove_members, add_departments, remove_departments; /* CSV */
};
void wecom_notify_tag(struct wecom *w, const struct wecom_tag *t, struct wecom_tag_change *change);

/* wecom_delivery.c */
struct wecom_delivery *wecom_delivery_new(struct wecom *w);
void wecom_delivery_free(struct wecom_delivery *d);
void wecom_delivery_add(struct wecom *w, uint64_t id, const char *text);
void wecom_delivery_configure(struct wecom *w, const cJSON *body);
/* Sends what is held, as POST /_sim/deliver says. */
void wecom_delivery_release(struct wecom *w, const cJSON *body, struct yq_buf *out);
void wecom_delivery_put(struct wecom *w, struct yq_buf *out);
void wecom_delivery_reset(struct wecom *w);

/* wecom_console.c: one change as an administrator makes it. 0 or an error code. */
int wecom_console_change(struct wecom *w, const cJSON *change);

/* wecom_control.c: everything under /_sim/. */
void wecom_control(struct wecom *w, const struct sim_request *request, struct sim_reply *reply);

#endif
