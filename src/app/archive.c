/* Lines with checksums, written and read. */
#include "archive.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "crypto/digest.h"
#include "language.h"

#define VERSION 1
#define SUM_DIGITS 16
#define SUM_HEAD                                                                                   \
    ",\"sum\":\"" /* what stands between the digested part of a line and the digits                \
                   */
#define SUM_TAIL "\"}"
#define SUM_LEN (sizeof(SUM_HEAD) - 1 + SUM_DIGITS + sizeof(SUM_TAIL) - 1)

static void sum_of(struct yq_digest *d, const char *text, size_t len, char ret[SUM_DIGITS + 1])
{
    char hex[YQ_SHA256_HEX] = "";
    if (yq_digest_sha256_hex(d, text, len, hex) != 0)
        abort(); /* no memory */
    memcpy(ret, hex, SUM_DIGITS);
    ret[SUM_DIGITS] = '\0';
}

static struct yq_digest *new_digest(void)
{
    struct yq_digest *d = yq_digest_new();
    if (d == NULL)
        abort(); /* no memory */
    return d;
}

/* ---- writing ---- */

struct yq_archive_writer {
    FILE *out;
    char *what;
    size_t count;
    struct yq_digest *digest;
};

static void write_line(struct yq_archive_writer *w, const struct yq_buf *object)
{
    char sum[SUM_DIGITS + 1];
    sum_of(w->digest, yq_buf_text(object), object->len, sum);
    (void)fwrite(yq_buf_text(object), 1, object->len, w->out); /* asked for at the end */
    fprintf(w->out, SUM_HEAD "%s" SUM_TAIL "\n", sum);
}

struct yq_archive_writer *yq_archive_begin(FILE *out, const char *what, const char *connection)
{
    struct yq_archive_writer *w = yq_calloc(1, sizeof(*w));
    struct yq_buf line = YQ_BUF_INIT;
    w->out = out;
    w->what = yq_strdup(what);
    w->digest = new_digest();
    yq_buf_addf(&line, "{\"yunqiao\":\"%s\",\"v\":%d,\"connection\":", what, VERSION);
    yq_buf_add_json_string(&line, connection);
    write_line(w, &line);
    yq_buf_release(&line);
    return w;
}

void yq_archive_add(struct yq_archive_writer *w, const struct yq_buf *object)
{
    write_line(w, object);
    w->count++;
}

size_t yq_archive_count(const struct yq_archive_writer *w)
{
    return w->count;
}

int yq_archive_end(struct yq_archive_writer *w, struct yq_error *err)
{
    struct yq_buf line = YQ_BUF_INIT;
    yq_buf_addf(&line, "{\"end\":\"%s\",\"count\":%zu", w->what, w->count);
    write_line(w, &line);
    yq_buf_release(&line);
    if (fflush(w->out) != 0 || ferror(w->out))
        return yq_error_set(err, YQ_ERROR_FATAL, _("it could not be written: %s"), strerror(errno));
    return 0;
}

void yq_archive_writer_free(struct yq_archive_writer *w)
{
    if (w == NULL)
        return;
    yq_digest_free(w->digest);
    free(w->what);
    free(w);
}

/* ---- reading ---- */

struct yq_archive_reader {
    FILE *in;
    bool opened, ended;
    char *what, *line;
    size_t capacity, records; /* records: those that were read, good or bad */
    long number;
    cJSON *tree;
    struct yq_digest *digest;
};

/* 1: a line, without its end; 0: there is none; -1: longer than any, and skipped. */
static int read_line(struct yq_archive_reader *r, size_t *ret_len)
{
    size_t len = 0;
    int c;
    while ((c = getc(r->in)) != EOF && c != '\n') {
        if (len < YQ_ARCHIVE_LINE_MAX) {
            yq_grow(&r->line, &r->capacity, len + 1, 1);
            r->line[len] = (char)c;
        }
        len++;
    }
    if (c == EOF && len == 0)
        return 0;
    r->number++;
    if (len >= YQ_ARCHIVE_LINE_MAX)
        return -1;
    yq_grow(&r->line, &r->capacity, len, 1);
    r->line[len] = '\0';
    *ret_len = len;
    return 1;
}

static bool sum_is_right(struct yq_archive_reader *r, size_t len)
{
    char sum[SUM_DIGITS + 1];
    if (len < SUM_LEN)
        return false;
    const char *tail = r->line + len - SUM_LEN;
    sum_of(r->digest, r->line, len - SUM_LEN, sum);
    return memcmp(tail, SUM_HEAD, sizeof(SUM_HEAD) - 1) == 0 &&
           memcmp(tail + sizeof(SUM_HEAD) - 1, sum, SUM_DIGITS) == 0 &&
           strcmp(tail + SUM_LEN - (sizeof(SUM_TAIL) - 1), SUM_TAIL) == 0;
}

/* NULL: why says what is wrong with the line. */
static cJSON *parse_line(struct yq_archive_reader *r, int got, size_t len, const char **why)
{
    struct yq_error err = {0};
    *why = N_("it is longer than any event");
    if (got < 0)
        return NULL;
    *why = N_("its checksum is missing or wrong");
    if (!sum_is_right(r, len))
        return NULL;
    *why = N_("it is no JSON object");
    cJSON *tree = yq_json_parse(r->line, len, &err);
    if (cJSON_IsObject(tree))
        return tree;
    cJSON_Delete(tree);
    return NULL;
}

static bool says(const cJSON *tree, const char *member, const char *value)
{
    const cJSON *item = yq_json_get(tree, member);
    return cJSON_IsString(item) && strcmp(item->valuestring, value) == 0;
}

static int read_head(struct yq_archive_reader *r, struct yq_error *err)
{
    const char *why = NULL;
    size_t len = 0;
    int64_t version = 0;
    int got = read_line(r, &len);
    cJSON *head = got != 0 ? parse_line(r, got, len, &why) : NULL;
    bool right = says(head, "yunqiao", r->what);
    bool known = yq_json_int(head, "v", &version) && version == VERSION;
    cJSON_Delete(head);
    if (!right)
        return yq_error_set(err, YQ_ERROR_INVALID, _("line 1: this is no export of %s"), r->what);
    if (!known)
        return yq_error_set(err, YQ_ERROR_INVALID,
                            _("line 1: it was exported by another version: %d"), (int)version);
    return 0;
}

struct yq_archive_reader *yq_archive_open(const char *path, const char *what, struct yq_error *err)
{
    struct yq_archive_reader *r = yq_calloc(1, sizeof(*r));
    r->what = yq_strdup(what);
    r->digest = new_digest();
    r->opened = strcmp(path, "-") != 0;
    r->in = r->opened ? fopen(path, "re") : stdin;
    if (r->in == NULL)
        (void)yq_error_set(err, YQ_ERROR_INVALID, "%s: %s", path, strerror(errno));
    else if (read_head(r, err) == 0)
        return r;
    yq_archive_reader_free(r);
    return NULL;
}

static enum yq_archive_result bad(const struct yq_archive_reader *r, const char *why,
                                  struct yq_error *err)
{
    (void)yq_error_set(err, YQ_ERROR_INVALID, _("line %ld: %s"), r->number, _(why));
    return YQ_ARCHIVE_BAD;
}

/* The last line: did anything get lost before it, does anything stand behind it? */
static enum yq_archive_result finish(struct yq_archive_reader *r, struct yq_error *err)
{
    int64_t count = -1;
    size_t len;
    (void)yq_json_int(r->tree, "count", &count);
    r->ended = true;
    if (count != (int64_t)r->records)
        return bad(r, N_("lines are missing, or were added: their number is not what it says"),
                   err);
    if (read_line(r, &len) != 0)
        return bad(r, N_("something stands behind the end"), err);
    return YQ_ARCHIVE_END;
}

enum yq_archive_result yq_archive_next(struct yq_archive_reader *r, const cJSON **ret,
                                       struct yq_error *err)
{
    const char *why = NULL;
    size_t len = 0;
    cJSON_Delete(r->tree);
    r->tree = NULL;
    if (r->ended)
        return YQ_ARCHIVE_END;
    int got = read_line(r, &len);
    if (got == 0) {
        r->ended = true;
        (void)yq_error_set(err, YQ_ERROR_INVALID,
                           _("the end is missing: the file was cut off behind line %ld"),
                           r->number);
        return YQ_ARCHIVE_BAD;
    }
    r->tree = parse_line(r, got, len, &why);
    if (says(r->tree, "end", r->what))
        return finish(r, err);
    r->records++;
    if (r->tree == NULL)
        return bad(r, why, err);
    *ret = r->tree;
    return YQ_ARCHIVE_RECORD;
}

long yq_archive_line(const struct yq_archive_reader *r)
{
    return r->number;
}

void yq_archive_reader_free(struct yq_archive_reader *r)
{
    if (r == NULL)
        return;
    if (r->opened && r->in != NULL)
        (void)fclose(r->in);
    cJSON_Delete(r->tree);
    yq_digest_free(r->digest);
    free(r->what);
    free(r->line);
    free(r);
}
