/* Two directories of one size, page by page, as WeCom and eteams would show them: nothing of them
 * is kept, so that what is measured beside them is not theirs. One in eight people has a second
 * department; one in a hundred has another name in WeCom. */
#ifndef BENCH_PAGES_H
#define BENCH_PAGES_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

enum pages_side { PAGES_WECOM, PAGES_ETEAMS };

/* People are 0 … people - 1, departments 0 … pages_departments - 1; the first is the root. */
void pages_set_people(size_t people);
size_t pages_people(void);
size_t pages_departments(void);
size_t pages_differing(void); /* how many people differ */

typedef void take_page(void *context, enum pages_side side, const char *text, size_t len);
/* user/list of every department: whoever has two stands in two lists. b is scratch. */
void pages_of_wecom(struct yq_buf *b, take_page *take, void *context);
/* queryEmployee, 1000 a page. */
void pages_of_eteams(struct yq_buf *b, take_page *take, void *context);

/* One row, appended. */
void pages_add_wecom(struct yq_buf *b, size_t person);
void pages_add_eteams(struct yq_buf *b, size_t person);
void pages_add_wecom_department(struct yq_buf *b, size_t department);
void pages_add_eteams_department(struct yq_buf *b, size_t department);

/* Ids, and back. WeCom's department is its number plus 1. */
void pages_userid(size_t person, char ret[64]);
void pages_eteams_id(size_t person, char ret[32]);
void pages_department_id(size_t department, char ret[32]);
size_t pages_person_of_userid(const char *userid);
size_t pages_person_of_eteams(const char *id);
size_t pages_department_of_eteams(const char *id);

#endif
