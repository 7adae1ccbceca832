/* WeCom's error codes and the shape of a failed answer (wecom.md §0.3, §6.3). */
#include <stddef.h>

#include "wecom_sim.h"

static const struct {
    int code;
    const char *text;
} errors[] = {
    {-1, "system busy"},
    {6000, "data version conflict"},
    {40001, "invalid credential"},
    {40003, "invalid userid"},
    {40013, "invalid corpid"},
    {40014, "invalid access_token"},
    {40031, "invalid userid list"},
    {40056, "invalid agentid"},
    {40057, "callback url verification failed"},
    {40058, "invalid argument"},
    {40066, "invalid party list"},
    {40068, "invalid tagid"},
    {40071, "tag name exists"},
    {40072, "invalid tag name"},
    {41001, "access_token missing"},
    {41002, "corpid missing"},
    {41004, "corpsecret missing"},
    {41009, "userid missing"},
    {41011, "agentid missing"},
    {41017, "tagid missing"},
    {41019, "department missing"},
    {42001, "access_token expired"},
    {45009, "api freq out of limit"},
    {45033, "api concurrent out of limit"},
    {48002, "api forbidden"},
    {48009, "api forbidden for the contacts assistant from this ip"},
    {50100, "invalid cursor"},
    {60001, "invalid department name length"},
    {60003, "department not found"},
    {60004, "parent department not found"},
    {60005, "department contains user"},
    {60006, "department contains sub-department"},
    {60007, "can not delete or move root department"},
    {60008, "department id or name existed"},
    {60009, "invalid department name"},
    {60010, "department parent id is not allowed"},
    {60011, "no privilege to access/modify contact/party/agent"},
    {60102, "userid existed"},
    {60103, "invalid mobile"},
    {60104, "mobile existed"},
    {60105, "invalid email"},
    {60106, "email existed"},
    {60110, "user in too many departments"},
    {60111, "userid not found"},
    {60112, "invalid user name"},
    {60123, "invalid party id"},
    {60129, "mobile and email can not both be empty"},
    {60132, "is_leader_in_dept and department differ in length"},
    {60257, "too many direct leaders"},
    {81001, "too many nodes in the department"},
    {81002, "department level exceeds the limit"},
    {301002, "not allow operate another agent with this accesstoken"},
    {301005, "the creator can not be deleted"},
    {301012, "invalid position"},
    {301013, "invalid telephone"},
    {301036, "userid can not be changed"},
};

const char *wecom_error_text(int code)
{
    for (size_t i = 0; i < sizeof errors / sizeof errors[0]; i++)
        if (errors[i].code == code)
            return errors[i].text;
    return "unknown error";
}

void wecom_error_put(struct wecom *w, struct yq_buf *out, int code)
{
    yq_buf_addf(out,
                "\"errcode\":%d,\"errmsg\":\"%s, hint: [%lld_%u_%016llx%016llx], from ip: "
                "127.0.0.1, more info at https://open.work.weixin.qq.com/devtool/query?e=%d\"",
                code, wecom_error_text(code), (long long)(sim_now_ms() / 1000),
                (unsigned)sim_random_below(&w->random, 100),
                (unsigned long long)sim_random_next(&w->random),
                (unsigned long long)sim_random_next(&w->random), code);
}
