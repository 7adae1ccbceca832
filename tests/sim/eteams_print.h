/* Records as JSON: the one place that knows which fields are arrays and numbers on the wire. */
#ifndef SIM_ETEAMS_PRINT_H
#define SIM_ETEAMS_PRINT_H

#include "base/buf.h"
#include "eteams_tenant.h"

/* "name": with a comma before it unless the object has just been opened. */
void et_print_name(struct yq_buf *out, const char *name);
/* The value of a field by its name; bare = ids as numbers, which some servers send. */
void et_print_value(struct yq_buf *out, const char *name, const char *value, bool bare);
/* The employee's departments as an array, the main one first. */
void et_print_departments(struct yq_buf *out, const struct et_tenant *t,
                          const struct et_record *employee, bool bare);
/* All fields of a record as members of an object, without its braces. */
void et_print_fields(struct yq_buf *out, const struct et_schema *schema, const struct et_record *r);

#endif
