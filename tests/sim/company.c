/* A made-up company from a seed: a tree of departments that repeats names in different places, as
 * real ones do, and people with Chinese names whose userids are their names in pinyin. */
#include "company.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* uthash's own default falls through switch labels, which clang does not like. */
#define HASH_FUNCTION HASH_SAX
#include <uthash.h>

#include "base/memory.h"
#include "sim_http.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define TOP_DEPARTMENTS 8
#define MAX_DEPTH 9             /* WeCom allows 15 */
#define MOBILE_RANGE 1000000000 /* nine digits behind the leading 13 */
#define MOBILE_STEP 104729      /* a prime: no number comes twice within the range */

struct syllable {
    const char *hanzi, *pinyin;
};

static const struct syllable surnames[] = {
    {"王", "wang"},     {"李", "li"},     {"张", "zhang"}, {"刘", "liu"},  {"陈", "chen"},
    {"杨", "yang"},     {"黄", "huang"},  {"赵", "zhao"},  {"吴", "wu"},   {"周", "zhou"},
    {"徐", "xu"},       {"孙", "sun"},    {"马", "ma"},    {"朱", "zhu"},  {"胡", "hu"},
    {"郭", "guo"},      {"何", "he"},     {"高", "gao"},   {"林", "lin"},  {"罗", "luo"},
    {"郑", "zheng"},    {"梁", "liang"},  {"谢", "xie"},   {"宋", "song"}, {"唐", "tang"},
    {"许", "xu"},       {"韩", "han"},    {"冯", "feng"},  {"邓", "deng"}, {"曹", "cao"},
    {"欧阳", "ouyang"}, {"司马", "sima"},
};

static const struct syllable given[] = {
    {"伟", "wei"},   {"芳", "fang"}, {"娜", "na"},   {"敏", "min"},  {"静", "jing"}, {"丽", "li"},
    {"强", "qiang"}, {"磊", "lei"},  {"军", "jun"},  {"洋", "yang"}, {"勇", "yong"}, {"艳", "yan"},
    {"杰", "jie"},   {"娟", "juan"}, {"涛", "tao"},  {"明", "ming"}, {"超", "chao"}, {"秀", "xiu"},
    {"霞", "xia"},   {"平", "ping"}, {"刚", "gang"}, {"桂", "gui"},  {"英", "ying"}, {"华", "hua"},
    {"玉", "yu"},    {"萍", "ping"}, {"红", "hong"}, {"鹏", "peng"}, {"宇", "yu"},   {"浩", "hao"},
    {"晨", "chen"},  {"轩", "xuan"}, {"欣", "xin"},  {"怡", "yi"},   {"佳", "jia"},  {"子", "zi"},
    {"梓", "zi"},    {"涵", "han"},  {"思", "si"},   {"雨", "yu"},   {"文", "wen"},  {"博", "bo"},
    {"志", "zhi"},   {"建", "jian"}, {"国", "guo"},  {"春", "chun"}, {"雪", "xue"},  {"梅", "mei"},
};

static const char *const tops[] = {"技术中心",   "销售中心", "市场中心",   "财务部",
                                   "人力资源部", "生产中心", "供应链中心", "总裁办"};
static const char *const middles[] = {"平台部", "产品部", "华东区", "华南区", "华北区",
                                      "西南区", "运营部", "质量部", "项目部", "综合部"};
static const char *const leaves[] = {"一组", "二组", "三组", "四组", "五组", "支持组"};

/* How often a pinyin name was given out, so that the next one gets a number. */
struct taken {
    char *base;
    unsigned times;
    UT_hash_handle hh;
};

static char *department_name(unsigned depth, unsigned nth)
{
    const char *const *names = depth == 1 ? tops : depth == 2 ? middles : leaves;
    size_t n = depth == 1 ? COUNT(tops) : depth == 2 ? COUNT(middles) : COUNT(leaves);
    if (nth < n)
        return yq_strdup(names[nth]);
    return yq_printf("%s%zu", names[nth % n], nth / n + 1);
}

static void make_departments(struct company *c, struct sim_random *random)
{
    unsigned *depth = yq_calloc(c->department_count, sizeof(*depth));
    unsigned *children = yq_calloc(c->department_count, sizeof(*children));
    c->departments[0] = (struct company_department){1, 0, 1, yq_strdup("云桥示例公司")};
    for (size_t i = 1; i < c->department_count; i++) {
        size_t parent = 0;
        if (i > TOP_DEPARTMENTS)
            parent = 1 + (size_t)sim_random_below(random, i / 4);
        if (depth[parent] + 1 >= MAX_DEPTH)
            parent = 0;
        depth[i] = depth[parent] + 1;
        unsigned nth = children[parent]++;
        c->departments[i] = (struct company_department){
            .id = (uint32_t)(i + 1),
            .parent = (uint32_t)(parent + 1),
            .order = 100000000U - 1000U * nth,
            .name = department_name(depth[i], nth),
        };
    }
    free(depth);
    free(children);
}

static char *unique_userid(struct taken **all, const char *base)
{
    struct taken *t;
    HASH_FIND_STR(*all, base, t);
    if (t == NULL) {
        t = yq_calloc(1, sizeof(*t));
        t->base = yq_strdup(base);
        HASH_ADD_KEYPTR(hh, *all, t->base, strlen(t->base), t);
    }
    t->times++;
    return t->times == 1 ? yq_strdup(base) : yq_printf("%s%u", base, t->times);
}

static void put_in_departments(struct company_member *m, size_t departments,
                               struct sim_random *random)
{
    size_t want = 1;
    while (want < COUNT(m->departments) && sim_random_below(random, 6) == 0)
        want++;
    for (size_t i = 0; i < want; i++) {
        size_t first = departments > 1 ? 1 : 0; /* people seldom sit in the root */
        uint32_t id = (uint32_t)(1 + first + sim_random_below(random, departments - first));
        bool known = false;
        for (size_t j = 0; j < m->department_count; j++)
            known = known || m->departments[j] == id;
        if (!known)
            m->departments[m->department_count++] = id;
    }
}

static void make_members(struct company *c, struct sim_random *random)
{
    struct taken *all = NULL, *t, *next;
    uint64_t mobile = sim_random_below(random, MOBILE_RANGE);
    for (size_t i = 0; i < c->member_count; i++) {
        struct company_member *m = &c->members[i];
        const struct syllable none = {"", ""};
        struct syllable a = surnames[sim_random_below(random, COUNT(surnames))];
        struct syllable b = given[sim_random_below(random, COUNT(given))];
        struct syllable d =
            sim_random_below(random, 4) == 0 ? none : given[sim_random_below(random, COUNT(given))];
        char base[64];
        (void)snprintf(base, sizeof(base), "%s%s%s", a.pinyin, b.pinyin, d.pinyin);
        m->name = yq_printf("%s%s%s", a.hanzi, b.hanzi, d.hanzi);
        m->userid = unique_userid(&all, base);
        m->email = yq_printf("%s@example.com", m->userid);
        mobile = (mobile + MOBILE_STEP) % MOBILE_RANGE;
        m->mobile = yq_printf("13%09llu", (unsigned long long)mobile);
        m->gender = sim_random_below(random, 2) == 0 ? '1' : '2';
        put_in_departments(m, c->department_count, random);
    }
    HASH_ITER (hh, all, t, next) {
        HASH_DEL(all, t);
        free(t->base);
        free(t);
    }
}

struct company *company_make(uint64_t seed, size_t people, size_t departments)
{
    struct sim_random random;
    sim_random_seed(&random, seed);
    struct company *c = yq_calloc(1, sizeof(*c));
    c->department_count = departments > 0 ? departments : 1;
    c->departments = yq_calloc(c->department_count, sizeof(*c->departments));
    c->member_count = people;
    c->members = yq_calloc(people > 0 ? people : 1, sizeof(*c->members));
    make_departments(c, &random);
    make_members(c, &random);
    return c;
}

void company_free(struct company *c)
{
    if (c == NULL)
        return;
    for (size_t i = 0; i < c->department_count; i++)
        free(c->departments[i].name);
    for (size_t i = 0; i < c->member_count; i++) {
        free(c->members[i].userid);
        free(c->members[i].name);
        free(c->members[i].mobile);
        free(c->members[i].email);
    }
    free(c->departments);
    free(c->members);
    free(c);
}
