/* A made-up company, the same for the same seed, from which both simulators can start: departments
 * in a tree of several levels, people with Chinese names, mobiles and accounts. */
#ifndef SIM_COMPANY_H
#define SIM_COMPANY_H

#include <stddef.h>
#include <stdint.h>

struct company_department {
    uint32_t id;     /* WeCom's; the first one is 1, the root */
    uint32_t parent; /* 0 for the root; parents always stand before their children */
    uint32_t order;
    char *name; /* unique among siblings */
};

struct company_member {
    char *userid; /* plain, lower case, unique */
    char *name;
    char *mobile;            /* 11 digits, unique */
    char *email;             /* unique */
    char gender;             /* '1' or '2' */
    uint32_t departments[4]; /* the first is the main one */
    size_t department_count;
};

struct company {
    struct company_department *departments;
    size_t department_count;
    struct company_member *members;
    size_t member_count;
};

/* 100,000 people and 3,000 departments take well under a second. Free with company_free. */
struct company *company_make(uint64_t seed, size_t people, size_t departments);
void company_free(struct company *c);

#endif
