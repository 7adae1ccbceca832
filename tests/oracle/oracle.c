/* The oracle's entry: what must be true of any state, and then rule by rule. */
#include "oracle.h"

#include <string.h>

#include "facts.h"

/* One root, no cycle, no two enabled siblings of one name (eteams.md §1.8). */
static void judge_tree(struct judge *j)
{
    const cJSON *departments = cJSON_GetObjectItemCaseSensitive(j->c->after, "departments"), *d, *e;
    cJSON_ArrayForEach (d, departments) {
        const cJSON *above = d;
        int depth = 0;
        while (above != NULL && depth++ < 1000 && !same_text(text_of(above, "parent"), "0") &&
               *text_of(above, "parent") != '\0')
            above = find_record(j->c->after, "departments", text_of(above, "parent"));
        if (above == NULL || depth >= 1000)
            differ(j, text_of(d, "name"), "has no way to the root");
        for (e = d->next; e != NULL; e = e->next) {
            if (same_text(text_of(d, "status"), "1") && same_text(text_of(e, "status"), "1") &&
                same_text(text_of(d, "parent"), text_of(e, "parent")) &&
                same_text(text_of(d, "name"), text_of(e, "name")))
                differ(j, text_of(d, "name"), "two enabled siblings have this name");
        }
    }
}

/* No two W subjects stand for one record, and every link leads somewhere. */
static void judge_links(struct judge *j, const cJSON *links, const char *table, const char *what)
{
    const cJSON *a, *b;
    cJSON_ArrayForEach (a, links) {
        const char *id = text_of(a, "eteams");
        for (b = a->next; b != NULL; b = b->next) {
            if (same_text(id, text_of(b, "eteams")))
                differ(j, a->string, "is linked with the same %s as %s", what, b->string);
        }
    }
    cJSON_ArrayForEach (a, links) {
        const char *subject = a->string;
        bool asked = strcmp(table, "members") == 0 && member_touched(j, subject, NULL);
        if (asked && find_record(j->c->after, table, text_of(a, "eteams")) == NULL)
            differ(j, subject, "is linked with a %s that does not exist", what);
    }
}

/* Administrators and records are never deleted. */
static void judge_nothing_vanished(struct judge *j, const char *table)
{
    const cJSON *record;
    cJSON_ArrayForEach (record, cJSON_GetObjectItemCaseSensitive(j->c->before, table)) {
        if (find_record(j->c->after, table, text_of(record, "id")) == NULL)
            differ(j, text_of(record, "id"), "was deleted from eteams' %s", table);
    }
}

size_t oracle_judge(const struct oracle_case *c, struct yq_buf *out)
{
    struct judge j = {.c = c, .out = out};
    judge_tree(&j);
    judge_links(&j, c->department_links_after, "departments", "department");
    judge_links(&j, c->member_links_after, "members", "person");
    judge_nothing_vanished(&j, "departments");
    judge_nothing_vanished(&j, "members");
    judge_departments(&j);
    judge_members(&j);
    return j.differences;
}
