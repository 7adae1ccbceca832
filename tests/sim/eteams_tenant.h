/* The simulated tenant: one root, organisation nodes, employees, part-time posts, administrators
 * and locked fields. No rules here: who writes by the interface goes through eteams_write.h. */
#ifndef SIM_ETEAMS_TENANT_H
#define SIM_ETEAMS_TENANT_H

#include <cjson/cJSON.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"
#include "eteams_table.h"
#include "sim_http.h"

#define ET_ORG_FIELDS(X)                                                                           \
    X(ORG_ID, "id")                                                                                \
    X(ORG_NAME, "name")                                                                            \
    X(ORG_FULLNAME, "fullname")                                                                    \
    X(ORG_CODE, "code")                                                                            \
    X(ORG_PARENT, "parent")                                                                        \
    X(ORG_TYPE, "type")                                                                            \
    X(ORG_STATUS, "status")                                                                        \
    X(ORG_DISPORDER, "disporder")                                                                  \
    X(ORG_COADJUTANT, "coadjutant")                                                                \
    X(ORG_DESCRIPTION, "description")                                                              \
    X(ORG_CREATE_TIME, "create_time")                                                              \
    X(ORG_UPDATE_TIME, "update_time")

/* other_superior holds ids joined by commas. The last_ ones remember the account of somebody who
 * left. */
#define ET_EMP_FIELDS(X)                                                                           \
    X(EMP_ID, "id")                                                                                \
    X(EMP_USER_ID, "user_id")                                                                      \
    X(EMP_USERNAME, "username")                                                                    \
    X(EMP_ALIAS, "alias")                                                                          \
    X(EMP_ACCOUNT, "account")                                                                      \
    X(EMP_JOB_NUM, "job_num")                                                                      \
    X(EMP_MOBILE, "mobile")                                                                        \
    X(EMP_TELEPHONE, "telephone")                                                                  \
    X(EMP_EMAIL, "email")                                                                          \
    X(EMP_SEX, "sex")                                                                              \
    X(EMP_DEPARTMENT, "department")                                                                \
    X(EMP_POSITION, "position")                                                                    \
    X(EMP_SUPERIOR, "superior")                                                                    \
    X(EMP_OTHER_SUPERIOR, "other_superior")                                                        \
    X(EMP_PERSONNEL_STATUS, "personnel_status")                                                    \
    X(EMP_STATUS, "status")                                                                        \
    X(EMP_HIREDATE, "hiredate")                                                                    \
    X(EMP_LOCATION, "location")                                                                    \
    X(EMP_ACTIVATED, "activated")                                                                  \
    X(EMP_LOCKED, "locked")                                                                        \
    X(EMP_IDENTITY, "identity")                                                                    \
    X(EMP_CREATE_TIME, "create_time")                                                              \
    X(EMP_UPDATE_TIME, "update_time")                                                              \
    X(EMP_LAST_USER_ID, "last_user_id")                                                            \
    X(EMP_LAST_ACCOUNT, "last_account")

#define ET_POST_FIELDS(X)                                                                          \
    X(POST_EMPLOYEE, "id")                                                                         \
    X(POST_TYPE, "externalSyncType")                                                               \
    X(POST_SYNC_ID, "externalSyncId")                                                              \
    X(POST_DEPARTMENT, "departmentId")                                                             \
    X(POST_POSITION, "positionId")                                                                 \
    X(POST_SUPERIOR, "superiorId")                                                                 \
    X(POST_REMARK, "remark")

#define ET_ADMIN_FIELDS(X)                                                                         \
    X(ADMIN_EMPLOYEE, "id")                                                                        \
    X(ADMIN_TYPE, "adminType")

/* by: "api" where the interface locked it, "admin" where somebody else did. */
#define ET_LOCK_FIELDS(X)                                                                          \
    X(LOCK_FIELD, "field")                                                                         \
    X(LOCK_SOURCE, "source")                                                                       \
    X(LOCK_BY, "by")

#define ET_NUMBER(id, name) id,
enum { ET_ORG_FIELDS(ET_NUMBER) ORG_FIELDS };
enum { ET_EMP_FIELDS(ET_NUMBER) EMP_FIELDS };
enum { ET_POST_FIELDS(ET_NUMBER) POST_FIELDS };
enum { ET_ADMIN_FIELDS(ET_NUMBER) ADMIN_FIELDS };
enum { ET_LOCK_FIELDS(ET_NUMBER) LOCK_FIELDS };
#undef ET_NUMBER

enum { ORG_BY_ID, ORG_BY_PARENT, ORG_BY_NAME, ORG_BY_CODE };
enum {
    EMP_BY_ID,
    EMP_BY_ACCOUNT,
    EMP_BY_MOBILE,
    EMP_BY_EMAIL,
    EMP_BY_JOB_NUM,
    EMP_BY_USERNAME,
    EMP_BY_DEPARTMENT,
};
enum { POST_BY_EMPLOYEE, POST_BY_SYNC_ID, POST_BY_DEPARTMENT };
enum { ADMIN_BY_EMPLOYEE };
enum { LOCK_BY_FIELD };

struct et_tenant {
    struct et_table orgs, employees, posts, admins, locks;
    char root[24]; /* id of the root */
    uint64_t seed;
    struct sim_random random;
    int64_t last_id;
};

/* A tenant with the root and one super administrator. seed decides all ids. */
void et_tenant_start(struct et_tenant *t, uint64_t seed);
/* The same, with root_id and root_name instead of "总部" (NULL = the usual). */
void et_tenant_start_with_root(struct et_tenant *t, uint64_t seed, const char *root_id,
                               const char *root_name);
/* Adds the made-up company of company.h below the root. */
void et_tenant_add_company(struct et_tenant *t, size_t people, size_t departments);
void et_tenant_release(struct et_tenant *t);

#define ET_ID_SIZE 24
/* The next id: 19 digits, odd, growing. */
void et_tenant_next_id(struct et_tenant *t, char ret_id[ET_ID_SIZE]);
/* Makes sure that ids still grow after somebody brought one of his own. */
void et_tenant_saw_id(struct et_tenant *t, const char *id);

bool et_in_service(const struct et_record *employee);
/* Those people hold an account and are in service: mobile, email and account are theirs alone. */
bool et_owns_account(const struct et_record *employee);
/* The employee's departments: the main one, then the part-time ones by their sync ids, none twice.
 * Returns how many, at most max; borrowed. */
size_t et_departments_of(const struct et_tenant *t, const struct et_record *employee,
                         const char **ret_ids, size_t max);
/* "2025-01-31 12:00:00", as a server in China says it. */
#define ET_TIME_SIZE 24
void et_time_text(int64_t ms, char ret_text[ET_TIME_SIZE]);

/* All that is true, in the form that et_tenant_load reads. */
void et_tenant_dump(const struct et_tenant *t, struct yq_buf *out);

/* Reads {"departments":[…],"members":[…],"posts":[…],"admins":[…]} without asking any rule, so that
 * a test may make what the interface would refuse (eteams_load.c says the members). Fills in the
 * ids of the members in json. */
int et_tenant_load(struct et_tenant *t, cJSON *json, struct yq_error *err);

#endif
