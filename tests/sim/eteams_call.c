/* Envelopes, pages and row answers of the simulated interface. */
#include "eteams_call.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "eteams_print.h"

#define PAGE_DEFAULT 10

bool et_meets(struct et_call *call, enum et_fault_kind kind)
{
    if (call->fault.kind != kind)
        return false;
    call->fault.hit = true;
    return true;
}

void et_print_code(struct et_call *call, struct yq_buf *out, int code, const char *text)
{
    bool number = call->sim->options.errcode_numbers || et_meets(call, ET_FAULT_ERRCODE_NUMBER);
    yq_buf_addf(out, number ? "\"errcode\":%d" : "\"errcode\":\"%d\"", code);
    et_print_name(out, "errmsg");
    yq_buf_add_json_string(out, text);
}

/* {"message":{…} and what follows comes from the caller. */
static void open_message(struct et_call *call, int code, const char *text)
{
    struct yq_buf *out = &call->reply->body;
    yq_buf_clear(out);
    yq_buf_adds(out, "{\"message\":{");
    et_print_code(call, out, code, text);
    if (et_meets(call, ET_FAULT_NUL_ESCAPE))
        yq_buf_adds(out, ",\"trace\":\"a\\u0000b\"");
    yq_buf_addc(out, '}');
}

void et_answer(struct et_call *call, int code, const char *text)
{
    open_message(call, code, text);
    yq_buf_addc(&call->reply->body, '}');
}

void et_answer_top(struct et_call *call, int code, const char *text)
{
    struct yq_buf *out = &call->reply->body;
    yq_buf_clear(out);
    yq_buf_addc(out, '{');
    et_print_code(call, out, code, text);
    if (et_meets(call, ET_FAULT_NUL_ESCAPE))
        yq_buf_adds(out, ",\"trace\":\"a\\u0000b\"");
    yq_buf_addc(out, '}');
}

/* ---- paged answers ---- */

/* 0 if the member is missing (then *ret stays) or a positive integer. */
static int positive(const cJSON *body, const char *name, int64_t *ret)
{
    if (yq_json_get(body, name) == NULL)
        return 0;
    return yq_json_int(body, name, ret) && *ret > 0 ? 0 : -1;
}

int et_page_begin(struct et_call *call, struct et_page *page, size_t max)
{
    int64_t current = 1, size = PAGE_DEFAULT;
    if (positive(call->body, "current", &current) < 0 ||
        positive(call->body, "pageSize", &size) < 0 || current > INT32_MAX) {
        et_answer(call, 410001, "current or pageSize is malformed");
        return -1;
    }
    *page = (struct et_page){.current = (size_t)current, .size = (size_t)size};
    if (page->size > max)
        page->size = max;
    page->doubled = page->current > 1 && call->fault.kind == ET_FAULT_DUPLICATE_ROW;
    page->halved = et_meets(call, ET_FAULT_HALF_PAGE);
    page->refused = et_meets(call, ET_FAULT_REFUSED_PAGE);
    page->emptied = page->refused || et_meets(call, ET_FAULT_EMPTY_PAGE);
    return 0;
}

bool et_page_next(struct et_page *page)
{
    size_t at = page->seen++;
    size_t start = (page->current - 1) * page->size;
    bool wanted = at >= start && at < start + page->size;
    if (page->emptied || (page->halved && at % 2 == 1))
        wanted = false;
    if (page->doubled && at == start)
        wanted = false;
    if (page->doubled && at + 1 == start)
        wanted = true;
    if (!wanted)
        return false;
    if (page->printed++ > 0)
        yq_buf_addc(&page->rows, ',');
    return true;
}

void et_page_end(struct et_call *call, struct et_page *page)
{
    struct yq_buf *out = &call->reply->body;
    size_t total = page->emptied ? 0 : page->seen;
    if (page->doubled && page->printed > 0)
        (void)et_meets(call, ET_FAULT_DUPLICATE_ROW);
    if (et_meets(call, ET_FAULT_TOTAL_CHANGES))
        total += page->current;
    open_message(call, page->refused ? 500000 : 0, page->refused ? "internal error" : "success");
    yq_buf_addf(out, ",\"data\":{\"current\":%zu,\"total\":%zu,\"data\":[", page->current, total);
    yq_buf_add(out, page->rows.data, page->rows.len);
    yq_buf_adds(out, "]}}");
    call->rows = page->printed;
    yq_buf_release(&page->rows);
}

/* ---- calls that write rows ---- */

int et_refuse(struct et_row *row, int code, const char *text)
{
    row->text = text;
    return code;
}

int et_run_row(struct et_call *call, struct et_row *row, et_row_handler *handler)
{
    call->writer.changed = false;
    int code = handler(call, row);
    if (!call->writer.manual)
        et_journal_row(&call->sim->journal, &call->writer, row->kind, code, row->json);
    return code;
}

/* S1's own example of a rehire answer says "add"; "fail" is assumed. */
static const char *operate(const struct et_row *row, int code)
{
    if (code != 0)
        return "fail";
    bool add = row->kind == ET_CREATE || row->kind == ET_POST_ADD || row->kind == ET_REHIRE;
    return add ? "add" : "update";
}

static void print_row(struct et_call *call, const struct et_row *row, int code, struct yq_buf *out)
{
    const char *id = row->id ? row->id : yq_json_text(call->arena, row->json, "id");
    yq_buf_addc(out, '{');
    et_print_name(out, "id");
    et_print_value(out, "id", id ? id : "", call->sim->options.id_numbers);
    et_print_name(out, "operate");
    yq_buf_add_json_string(out, operate(row, code));
    yq_buf_addc(out, ',');
    et_print_code(call, out, code, code ? row->text : "");
    const char *key = yq_json_text(call->arena, call->body, "extKey");
    const char *value = key ? yq_json_text(call->arena, row->json, key) : NULL;
    if (value != NULL && !et_meets(call, ET_FAULT_EXTKEYMAP_MISSING)) {
        yq_buf_adds(out, ",\"extKeyMap\":{");
        et_print_name(out, key);
        yq_buf_add_json_string(out, value);
        yq_buf_addc(out, '}');
    }
    yq_buf_addc(out, '}');
}

static void run_or_fail(struct et_call *call, const cJSON *json, bool fails,
                        et_row_handler *handler, struct yq_buf *out)
{
    struct et_row row = {.json = json, .kind = ET_UPDATE, .text = ""};
    int code;
    if (fails) {
        bool locked = sim_random_below(&call->sim->faults.random, 2) == 0;
        code = et_refuse(&row, locked ? 410018 : 500000, "this row failed");
    } else {
        code = et_run_row(call, &row, handler);
    }
    print_row(call, &row, code, out);
}

static void print_rows(struct et_call *call, const struct yq_buf *rows, size_t count)
{
    struct yq_buf *out = &call->reply->body;
    open_message(call, 0, "success");
    if (!et_meets(call, ET_FAULT_ROWS_MISSING)) {
        /* Shuffled means turned by one: no row stays in its place. */
        size_t first = count > 1 && et_meets(call, ET_FAULT_ROWS_SHUFFLED) ? 1 : 0;
        yq_buf_adds(out, ",\"data\":[");
        for (size_t i = 0; i < count; i++) {
            const struct yq_buf *row = &rows[(i + first) % count];
            yq_buf_adds(out, i > 0 ? "," : "");
            yq_buf_add(out, row->data, row->len);
        }
        yq_buf_addc(out, ']');
    }
    yq_buf_addc(out, '}');
}

/* 0, or the code that refuses the whole request. */
static int check_rows(struct et_call *call, const cJSON *rows, const char *rule)
{
    if (!cJSON_IsArray(rows) || cJSON_GetArraySize(rows) == 0)
        return 410001;
    if (cJSON_GetArraySize(rows) > call->sim->options.max_rows)
        return 410002;
    if (rule != NULL && yq_json_get(yq_json_get(call->body, "dataRule"), rule) == NULL)
        return 410001;
    const cJSON *row;
    cJSON_ArrayForEach (row, rows) {
        if (!cJSON_IsObject(row))
            return 410001;
    }
    return 0;
}

void et_rows(struct et_call *call, const char *member, const char *rule, et_row_handler *handler)
{
    const cJSON *list = yq_json_get(call->body, member), *json;
    int code = check_rows(call, list, rule);
    if (code != 0) {
        et_answer(call, code, code == 410002 ? "too many rows" : "rows or dataRule are malformed");
        return;
    }
    size_t count = (size_t)cJSON_GetArraySize(list), i = 0;
    struct yq_buf *rows = yq_calloc(count, sizeof(*rows));
    size_t failing = count;
    if (et_meets(call, ET_FAULT_ROW_FAILED))
        failing = (size_t)sim_random_below(&call->sim->faults.random, count);
    cJSON_ArrayForEach (json, list) {
        run_or_fail(call, json, i == failing, handler, &rows[i]);
        i++;
    }
    call->rows = count;
    print_rows(call, rows, count);
    for (i = 0; i < count; i++)
        yq_buf_release(&rows[i]);
    free(rows);
}

const char *et_name_fault(const struct et_call *call, const char *name)
{
    const struct et_options *o = &call->sim->options;
    if (name[0] == '\0')
        return "the name is empty";
    if (strpbrk(name, o->name_forbids) != NULL)
        return yq_arena_printf(call->arena, "the name has a character that is not allowed: %s",
                               name);
    if (o->name_max > 0 && strlen(name) > (size_t)o->name_max)
        return "the name is too long";
    return NULL;
}
