/* A plan in lines of text, for golden cases and for whoever reads Redis, and the same as JSON, from
 * which commands make sentences in the reader's language.
 *
 *   100 department.create department:12 new name: -> 研发, parent: -> 4000000000000000001 (R1)
 *   in step member:li.na: both sides already agree */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "plan/plan.h"

static void add_ref(struct yq_buf *out, const struct yq_ref *ref)
{
    if (ref->id != NULL)
        yq_buf_adds(out, ref->id);
    else
        yq_buf_addf(out, "department:%u", ref->wecom);
}

static void add_change(struct yq_buf *out, const struct yq_change *c)
{
    yq_buf_addf(out, " %s:", c->field);
    if (c->before != NULL)
        yq_buf_addf(out, " %s", c->before[0] ? c->before : "\"\"");
    yq_buf_adds(out, " -> ");
    if (c->after != NULL)
        yq_buf_adds(out, c->after[0] ? c->after : "\"\"");
    else
        add_ref(out, &c->ref);
}

static void add_reason(struct yq_buf *out, const struct yq_reason *r)
{
    yq_reason_format(r, yq_reason_template(r->code), out);
}

static void add_operation(struct yq_buf *out, const struct yq_operation *op)
{
    char subject[YQ_SUBJECT_MAX];
    yq_subject_format(&op->subject, subject);
    yq_buf_addf(out, "%d %s %s %s", op->stage, yq_operation_kind_name(op->kind), subject,
                op->target ? op->target : "new");
    for (size_t i = 0; i < op->change_count; i++) {
        if (i > 0)
            yq_buf_addc(out, ',');
        add_change(out, &op->changes[i]);
    }
    if (op->kind == YQ_OP_POST_ADD || op->kind == YQ_OP_POST_REMOVE) {
        yq_buf_adds(out, " department: ");
        add_ref(out, &op->department);
    }
    if (op->from_userid != NULL)
        yq_buf_addf(out, " from: member:%s", op->from_userid);
    if (op->how != NULL && op->kind != YQ_OP_DEPARTMENT_CREATE && op->kind != YQ_OP_MEMBER_CREATE)
        yq_buf_addf(out, " by %s", op->how);
    yq_buf_addf(out, " (%s)%s", op->rule, op->held ? " held" : "");
}

static void add_verdict(struct yq_buf *out, const struct yq_verdict *v)
{
    yq_buf_addf(out, "%s %s", yq_verdict_name(v->kind), v->key);
    if (v->reason.code != YQ_REASON_NONE) {
        yq_buf_adds(out, ": ");
        add_reason(out, &v->reason);
    }
}

/* ---- the same for programs ---- */

static void add_pair(struct yq_buf *out, const char *name, const char *value)
{
    if (value == NULL)
        return;
    yq_buf_addf(out, ",\"%s\":", name);
    yq_buf_add_json_string(out, value);
}

static void write_change(struct yq_buf *out, const struct yq_change *c)
{
    yq_buf_adds(out, "{\"field\":");
    yq_buf_add_json_string(out, c->field);
    add_pair(out, "before", c->before);
    add_pair(out, "after", c->after != NULL ? c->after : c->ref.id);
    if (c->after == NULL && c->ref.wecom != 0)
        yq_buf_addf(out, ",\"wecom_department\":%" PRIu32, c->ref.wecom);
    yq_buf_addc(out, '}');
}

static void write_operation(struct yq_buf *out, const struct yq_operation *op)
{
    char subject[YQ_SUBJECT_MAX];
    yq_subject_format(&op->subject, subject);
    yq_buf_addf(out, "{\"op\":\"%s\"", yq_operation_kind_name(op->kind));
    add_pair(out, "rule", op->rule);
    add_pair(out, "subject", subject);
    add_pair(out, "target", op->target);
    add_pair(out, "name", op->name);
    add_pair(out, "department", op->department.id);
    if (op->department.id == NULL && op->department.wecom != 0)
        yq_buf_addf(out, ",\"wecom_department\":%" PRIu32, op->department.wecom);
    add_pair(out, "from_userid", op->from_userid);
    add_pair(out, "how", op->how);
    yq_buf_adds(out, op->held ? ",\"held\":true,\"changes\":[" : ",\"changes\":[");
    for (size_t i = 0; i < op->change_count; i++) {
        if (i > 0)
            yq_buf_addc(out, ',');
        write_change(out, &op->changes[i]);
    }
    yq_buf_adds(out, "]}");
}

static void write_verdict(struct yq_buf *out, const struct yq_verdict *v)
{
    static const char *const words[] = {"none", "none", "change", "none", "wait", "case", "held"};
    char subject[YQ_SUBJECT_MAX];
    yq_subject_format(&v->subject, subject);
    yq_plan_write_remark(words[v->kind], subject, &v->reason, out);
}

void yq_plan_write_remark(const char *word, const char *subject, const struct yq_reason *reason,
                          struct yq_buf *out)
{
    yq_buf_adds(out, "{\"subject\":");
    yq_buf_add_json_string(out, subject);
    yq_buf_addf(out, ",\"verdict\":\"%s\"", word);
    if (reason->code != YQ_REASON_NONE) {
        yq_buf_addf(out, ",\"reason\":\"%s\",\"args\":[", yq_reason_name(reason->code));
        for (size_t i = 0; i < 3 && reason->args[i] != NULL; i++) {
            yq_buf_adds(out, i > 0 ? "," : "");
            yq_buf_add_json_string(out, reason->args[i]);
        }
        yq_buf_addc(out, ']');
    }
    yq_buf_addc(out, '}');
}

/* ---- item by item ---- */

static int compare_verdicts(const void *a, const void *b)
{
    const struct yq_verdict *left = *(const struct yq_verdict *const *)a;
    const struct yq_verdict *right = *(const struct yq_verdict *const *)b;
    return strcmp(left->key, right->key);
}

static bool is_told(const struct yq_verdict *v)
{
    return v->asked || v->kind > YQ_VERDICT_CHANGE;
}

size_t yq_plan_items(const struct yq_plan *p)
{
    size_t count = p->operation_count;
    for (const struct yq_verdict *v = p->verdicts; v != NULL; v = v->hh.next)
        count += is_told(v);
    return count;
}

/* By key; the caller frees the list. */
static const struct yq_verdict **verdicts_of(const struct yq_plan *p, size_t *ret_count)
{
    size_t count = 0;
    const struct yq_verdict **list = yq_calloc(HASH_COUNT(p->verdicts) + 1, sizeof(*list));
    for (const struct yq_verdict *v = p->verdicts; v != NULL; v = v->hh.next) {
        if (is_told(v))
            list[count++] = v;
    }
    qsort(list, count, sizeof(*list), compare_verdicts);
    *ret_count = count;
    return list;
}

void yq_plan_each(const struct yq_plan *p, yq_plan_item_of *take, void *context)
{
    struct yq_buf text = YQ_BUF_INIT, json = YQ_BUF_INIT;
    size_t count;
    const struct yq_verdict **verdicts = verdicts_of(p, &count);
    for (size_t i = 0; i < p->operation_count + count; i++) {
        bool operation = i < p->operation_count;
        yq_buf_clear(&text);
        yq_buf_clear(&json);
        if (operation) {
            add_operation(&text, p->operations[i]);
            write_operation(&json, p->operations[i]);
        } else {
            add_verdict(&text, verdicts[i - p->operation_count]);
            write_verdict(&json, verdicts[i - p->operation_count]);
        }
        take(context, &(struct yq_plan_item){operation, yq_buf_text(&text), yq_buf_text(&json)});
    }
    free(verdicts);
    yq_buf_release(&text);
    yq_buf_release(&json);
}

static void add_line(void *context, const struct yq_plan_item *item)
{
    yq_buf_adds(context, item->text);
    yq_buf_addc(context, '\n');
}

void yq_plan_text(const struct yq_plan *p, struct yq_buf *out)
{
    yq_plan_each(p, add_line, out);
}
