/* The made-up people of both directories, in the shape of user/list and queryEmployee. */
#include "pages.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PER_DEPARTMENT 50 /* people; the largest companies have 30,000 departments */
#define DEPARTMENTS_MAX 30000
#define PAGE_ROWS 1000
#define FIRST_PERSON 4000000000000000001ull /* odd: a double cannot hold them */
#define FIRST_DEPARTMENT 5000000000000000001ull

static size_t people;

void pages_set_people(size_t count)
{
    people = count;
}

size_t pages_people(void)
{
    return people;
}

size_t pages_departments(void)
{
    size_t n = people / PER_DEPARTMENT + 1;
    return n < DEPARTMENTS_MAX ? n : DEPARTMENTS_MAX;
}

static uint64_t mixed(uint64_t x)
{
    x += 0x9e3779b97f4a7c15u;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return x ^ (x >> 31);
}

static size_t department_of(size_t i)
{
    return i % pages_departments();
}

static bool has_second(size_t i)
{
    return pages_departments() > 1 && mixed(i) % 8 == 0;
}

static size_t second_of(size_t i)
{
    return (department_of(i) + 1) % pages_departments();
}

static bool differs(size_t i)
{
    return i % 100 == 37;
}

size_t pages_differing(void)
{
    return (people + 62) / 100;
}

/* ---- ids ---- */

void pages_userid(size_t i, char ret[64])
{
    (void)snprintf(ret, 64, "zhang.wei%zu", i);
}

void pages_eteams_id(size_t i, char ret[32])
{
    (void)snprintf(ret, 32, "%llu", FIRST_PERSON + 2 * (unsigned long long)i);
}

void pages_department_id(size_t at, char ret[32])
{
    (void)snprintf(ret, 32, "%llu", FIRST_DEPARTMENT + 2 * (unsigned long long)at);
}

size_t pages_person_of_userid(const char *userid)
{
    return (size_t)strtoull(userid + strlen("zhang.wei"), NULL, 10);
}

size_t pages_person_of_eteams(const char *id)
{
    return (size_t)((strtoull(id, NULL, 10) - FIRST_PERSON) / 2);
}

size_t pages_department_of_eteams(const char *id)
{
    return (size_t)((strtoull(id, NULL, 10) - FIRST_DEPARTMENT) / 2);
}

/* ---- rows ---- */

static void add_name(struct yq_buf *b, size_t i)
{
    static const char *const surnames[] = {"王", "李", "张", "刘", "陈", "杨", "赵", "黄"};
    static const char *const given[] = {"伟", "芳", "娜", "敏", "静", "丽", "强", "磊",
                                        "军", "洋", "勇", "艳", "杰", "娟", "涛", "明"};
    uint64_t r = mixed(i * 7 + 1);
    yq_buf_addf(b, "%s%s%s", surnames[r % 8], given[r / 8 % 16], given[r / 128 % 16]);
}

static unsigned long long mobile_of(size_t i)
{
    return 13000000000ull + mixed(i * 3 + 2) % 900000000ull * 10 % 9000000000ull;
}

void pages_add_wecom(struct yq_buf *b, size_t i)
{
    size_t at = department_of(i);
    yq_buf_addf(b, "{\"userid\":\"zhang.wei%zu\",\"name\":\"", i);
    add_name(b, i);
    yq_buf_addf(b, "%s\",\"department\":[%zu", differs(i) ? "新" : "", at + 1);
    if (has_second(i))
        yq_buf_addf(b, ",%zu", second_of(i) + 1);
    yq_buf_addf(b,
                "],\"order\":[0%s],\"position\":\"高级工程师\",\"mobile\":\"%llu\",\"gender\":"
                "\"%d\",\"email\":\"zhang.wei%zu@example.com\",\"is_leader_in_dept\":[0%s],"
                "\"direct_leader\":[\"zhang.wei%zu\"],"
                "\"avatar\":\"https://wework.qpic.cn/wwpic3az/%016llx_%016llx/0\","
                "\"thumb_avatar\":\"https://wework.qpic.cn/wwpic3az/%016llx_%016llx/100\","
                "\"telephone\":\"\",\"alias\":\"\",\"status\":1,\"address\":\"\","
                "\"hide_mobile\":0,\"enable\":1,"
                "\"main_department\":%zu,\"qr_code\":\"https://open.work.weixin.qq.com/wwopen/"
                "userQRCode?vcode=vc%016llx\",\"extattr\":{\"attrs\":[]},"
                "\"external_position\":\"\",\"biz_mail\":\"zhang.wei%zu@example.cn\"}",
                has_second(i) ? ",0" : "", mobile_of(i), (int)(i % 2) + 1, i,
                has_second(i) ? ",0" : "", i / 10, (unsigned long long)mixed(i),
                (unsigned long long)mixed(i + 1), (unsigned long long)mixed(i),
                (unsigned long long)mixed(i + 1), at + 1, (unsigned long long)mixed(i + 2), i);
}

void pages_add_eteams(struct yq_buf *b, size_t i)
{
    char id[32], user_id[32], department[32];
    pages_eteams_id(i, id);
    pages_eteams_id(i + 4, user_id); /* another number: nothing hangs on it */
    pages_department_id(department_of(i), department);
    yq_buf_addf(b, "{\"id\":\"%s\",\"user_id\":\"%s\",\"username\":\"", id, user_id);
    add_name(b, i);
    yq_buf_addf(b,
                "\",\"account\":\"zhang.wei%zu\",\"job_num\":\"A%07zu\",\"mobile\":\"%llu\","
                "\"email\":\"zhang.wei%zu@example.com\",\"sex\":\"%s\",\"department\":[\"%s",
                i, i, mobile_of(i), i, i % 2 ? "female" : "male", department);
    if (has_second(i)) {
        pages_department_id(second_of(i), department);
        yq_buf_addf(b, "\",\"%s", department);
    }
    yq_buf_adds(b, "\"],\"personnel_status\":\"3\",\"status\":\"normal\",\"identity\":\"main\"}");
}

void pages_add_wecom_department(struct yq_buf *b, size_t at)
{
    yq_buf_addf(b, "{\"id\":%zu,\"name\":\"部门%zu\",\"parentid\":%d,\"order\":1}", at + 1, at,
                at > 0);
}

void pages_add_eteams_department(struct yq_buf *b, size_t at)
{
    char id[32], root[32];
    pages_department_id(at, id);
    pages_department_id(0, root);
    yq_buf_addf(b, "{\"id\":\"%s\",\"name\":\"部门%zu\",\"parent\":\"%s\",\"status\":\"1\"}", id,
                at, at > 0 ? root : "0");
}

/* ---- pages ---- */

static void add_members(struct yq_buf *b, size_t at)
{
    size_t before = (at + pages_departments() - 1) % pages_departments();
    bool some = false;
    for (size_t i = at; i < people; i += pages_departments(), some = true) {
        yq_buf_adds(b, some ? "," : "");
        pages_add_wecom(b, i);
    }
    for (size_t i = before; i < people && before != at; i += pages_departments()) {
        if (!has_second(i))
            continue;
        yq_buf_adds(b, some ? "," : "");
        pages_add_wecom(b, i);
        some = true;
    }
}

void pages_of_wecom(struct yq_buf *b, take_page *take, void *context)
{
    for (size_t at = 0; at < pages_departments(); at++) {
        yq_buf_clear(b);
        yq_buf_adds(b, "{\"errcode\":0,\"errmsg\":\"ok\",\"userlist\":[");
        add_members(b, at);
        yq_buf_adds(b, "]}");
        take(context, PAGES_WECOM, b->data, b->len);
    }
}

void pages_of_eteams(struct yq_buf *b, take_page *take, void *context)
{
    for (size_t from = 0; from < people; from += PAGE_ROWS) {
        yq_buf_clear(b);
        yq_buf_addf(b,
                    "{\"message\":{\"errcode\":\"0\",\"errmsg\":\"success\"},\"data\":{\"current\":"
                    "%zu,\"total\":%zu,\"data\":[",
                    from / PAGE_ROWS + 1, people);
        for (size_t i = from; i < people && i < from + PAGE_ROWS; i++) {
            yq_buf_adds(b, i > from ? "," : "");
            pages_add_eteams(b, i);
        }
        yq_buf_adds(b, "]}}");
        take(context, PAGES_ETEAMS, b->data, b->len);
    }
}
