/* Every name and value of eteams that the bridge uses, in one place (eteams.md §2.12). V = read in
 * Weaver's documentation, O = seen in code that calls the real service, I = inferred, ASSUMED =
 * invented because the sources are silent: a real tenant may need another value here, and nowhere
 * else. Texts and numbers only, no logic. */
#ifndef YQ_CLIENTS_ETEAMS_CONTRACT_H
#define YQ_CLIENTS_ETEAMS_CONTRACT_H

#define ET_P_AUTHORIZE "/oauth2/authorize"              /* V */
#define ET_P_TOKEN "/oauth2/access_token"               /* V */
#define ET_P_REFRESH "/oauth2/refresh_token"            /* O; never used: two steps are enough */
#define ET_P_ORG_QUERY "/api/hrm/restful/queryOrg"      /* V */
#define ET_P_ORG_SYNC "/api/hrm/restful/syncDepartment" /* V */
#define ET_P_ORG_ENABLE "/api/hrm/restful/enableDepartment"   /* V */
#define ET_P_ORG_DISABLE "/api/hrm/restful/disableDepartment" /* ASSUMED path */
#define ET_P_EMP_QUERY "/api/hrm/restful/queryEmployee"       /* V */
#define ET_P_EMP_SYNC "/api/hrm/restful/syncEmployee"         /* V */
#define ET_P_EMP_REHIRE "/api/hrm/restful/rehireEmployee"     /* V */
#define ET_P_EMP_RESIGN                                                                            \
    "/api/hrm/restful/resignEmployee"                   /* ASSUMED; only with ET_RESIGN_MODE 2     \
                                                         */
#define ET_P_EXTRA_SYNC "/api/hrm/restful/syncExtra"    /* V */
#define ET_P_EXTRA_QUERY "/api/hrm/restful/queryExtra"  /* ASSUMED */
#define ET_P_ADMIN_QUERY "/api/hrm/restful/queryAdmin"  /* ASSUMED */
#define ET_P_FIELD_LOCK "/api/hrm/restful/setFieldLock" /* ASSUMED */
#define ET_P_EXTLINK_QUERY "/api/hrm/restful/queryExternalLink" /* ASSUMED */

#define ET_RULE_EMP "employee"      /* V */
#define ET_RULE_ORG "department"    /* V; for syncDepartment: I */
#define ET_RULE_POS "position"      /* V */
#define ET_RULE_BY_ID "id"          /* V */
#define ET_RULE_BY_CODE "code"      /* V */
#define ET_RULE_BY_JOBNUM "job_num" /* V */

#define ET_ROW_ID "id"            /* V */
#define ET_ROW_OPERATE "operate"  /* V */
#define ET_ROW_ERRCODE "errcode"  /* ASSUMED */
#define ET_ROW_ERRMSG "errmsg"    /* ASSUMED */
#define ET_EXTKEY_NAME "yq_key"   /* ours, through extKey (V) */
#define ET_EXTKEY_MAP "extKeyMap" /* V */

#define ET_ST_NORMAL "normal"        /* O */
#define ET_ST_RESIGNED "resigned"    /* ASSUMED */
#define ET_PS_REGULAR "3"            /* V */
#define ET_PS_LEFT "6"               /* V */
#define ET_POST_SYNC_TYPE "openapi"  /* V */
#define ET_Q_SINCE "updateTimeBegin" /* ASSUMED */

#define ET_F_SUPERIOR "superior"             /* V in sync, ASSUMED in query */
#define ET_F_OTHER_SUPERIOR "other_superior" /* V in sync, ASSUMED in query */
#define ET_F_ACCOUNT "account"               /* O */
#define ET_F_ACTIVATED "activated"           /* ASSUMED */
#define ET_F_LOCKED "locked"                 /* ASSUMED */
#define ET_F_IDENTITY "identity"             /* ASSUMED */
#define ET_F_IDENTITY_SECONDARY "secondary"  /* ASSUMED */
#define ET_F_UPDATE_TIME "update_time"       /* ASSUMED */
#define ET_F_CREATE_TIME "create_time"       /* ASSUMED */
#define ET_F_ADMIN_TYPE "adminType"          /* ASSUMED */
#define ET_ADMIN_SUPER "super"               /* ASSUMED */
#define ET_CLEAR_TEXT ""                     /* ASSUMED: the empty text clears a standard field */

#define ET_LOCK_SOURCE "wecom" /* ASSUMED: who locks the superiors */

#define ET_BATCH_ROWS 100     /* own */
#define ET_PAGE_ROWS 1000     /* V for queryOrg, ASSUMED for the others */
#define ET_RATE_PER_SEC 10    /* own */
#define ET_TOKEN_MARGIN_S 120 /* O */
#define ET_RESIGN_MODE 1      /* I: syncEmployee with personnel_status 6 (eteams.md §2.4) */

#endif
