/* Records of the spool: written, and found again among damaged ones. */
#include "clients/spool_record.h"

#include <endian.h>
#include <pthread.h>
#include <stdbool.h>
#include <string.h>

#define POLYNOMIAL 0x82f63b78u /* Castagnoli, reflected */

static const char head_mark[8] = {'Y', 'Q', 'S', 'P', 'O', 'O', 'L', '1'};
static const char record_mark[4] = {'y', 'q', 'r', '\n'};

static uint32_t table[256];
static pthread_once_t table_made = PTHREAD_ONCE_INIT;

static void make_table(void)
{
    for (uint32_t n = 0; n < 256; n++) {
        uint32_t c = n;
        for (int bit = 0; bit < 8; bit++)
            c = (c & 1) != 0 ? c >> 1 ^ POLYNOMIAL : c >> 1;
        table[n] = c;
    }
}

static uint32_t crc_more(uint32_t crc, const void *data, size_t len)
{
    const unsigned char *bytes = data;
    for (size_t i = 0; i < len; i++)
        crc = crc >> 8 ^ table[(crc ^ bytes[i]) & 0xff];
    return crc;
}

static void add32(struct yq_buf *out, uint32_t n)
{
    n = htole32(n);
    yq_buf_add(out, &n, sizeof(n));
}

static void add64(struct yq_buf *out, uint64_t n)
{
    n = htole64(n);
    yq_buf_add(out, &n, sizeof(n));
}

static uint32_t get32(const char *from)
{
    uint32_t n;
    memcpy(&n, from, sizeof(n));
    return le32toh(n);
}

static uint64_t get64(const char *from)
{
    uint64_t n;
    memcpy(&n, from, sizeof(n));
    return le64toh(n);
}

/* ---- the head ---- */

static uint32_t head_sum(const char *head)
{
    pthread_once(&table_made, make_table);
    return ~crc_more(~0u, head, sizeof(head_mark) + 8);
}

void yq_spool_write_head(struct yq_buf *out, uint64_t salt)
{
    size_t at = out->len;
    yq_buf_add(out, head_mark, sizeof(head_mark));
    add64(out, salt);
    add32(out, head_sum(out->data + at));
}

int yq_spool_read_head(const char *data, size_t len, uint64_t *ret_salt)
{
    if (len < YQ_SPOOL_HEAD || memcmp(data, head_mark, sizeof(head_mark)) != 0 ||
        get32(data + 16) != head_sum(data))
        return -1;
    *ret_salt = get64(data + 8);
    return 0;
}

/* ---- records ---- */

static void add_word(struct yq_buf *out, const char *word, size_t len)
{
    add32(out, (uint32_t)len);
    yq_buf_add(out, word, len);
    yq_buf_addc(out, '\0');
}

void yq_spool_write_body(struct yq_buf *out, const char *id, int argc, const char *const *argv,
                         const size_t *lens)
{
    add_word(out, id, strlen(id));
    for (int i = 0; i < argc; i++)
        add_word(out, argv[i], lens[i]);
}

/* fields: the length and the number, as they stand in the file. */
static uint32_t record_sum(uint64_t salt, const char *fields, const void *body, size_t len)
{
    pthread_once(&table_made, make_table);
    uint64_t bytes = htole64(salt);
    uint32_t crc = crc_more(~0u, &bytes, sizeof(bytes));
    crc = crc_more(crc, fields, 12);
    return ~crc_more(crc, body, len);
}

void yq_spool_write_record(struct yq_buf *out, uint64_t salt, uint64_t number, const void *body,
                           size_t len)
{
    yq_buf_add(out, record_mark, sizeof(record_mark));
    add32(out, (uint32_t)len);
    add64(out, number);
    add32(out, record_sum(salt, out->data + out->len - 12, body, len));
    yq_buf_add(out, body, len);
}

/* Length of the whole record at `at`; 0: there is none. */
static size_t record_at(const struct yq_spool_reader *r, size_t at)
{
    size_t left = r->len - at;
    const char *head = r->data + at;
    if (left < YQ_SPOOL_RECORD_HEAD || memcmp(head, record_mark, sizeof(record_mark)) != 0)
        return 0;
    size_t len = get32(head + 4);
    if (len > YQ_SPOOL_BODY_MAX || len > left - YQ_SPOOL_RECORD_HEAD)
        return 0;
    uint32_t sum = record_sum(r->salt, head + 4, head + YQ_SPOOL_RECORD_HEAD, len);
    return get32(head + 16) == sum ? YQ_SPOOL_RECORD_HEAD + len : 0;
}

static const char *next_word(const char **at, const char *end, size_t *ret_len)
{
    if (end - *at < 5)
        return NULL;
    size_t len = get32(*at);
    const char *word = *at + 4;
    if (len >= (size_t)(end - word) || word[len] != '\0')
        return NULL;
    *at = word + len + 1;
    *ret_len = len;
    return word;
}

static bool read_body(const char *at, size_t len, struct yq_spool_record *ret)
{
    const char *end = at + len;
    size_t id_len;
    ret->argc = 0;
    ret->id = next_word(&at, end, &id_len);
    while (ret->id != NULL && at < end && ret->argc < YQ_SPOOL_WORDS) {
        ret->argv[ret->argc] = next_word(&at, end, &ret->lens[ret->argc]);
        if (ret->argv[ret->argc] == NULL)
            return false;
        ret->argc++;
    }
    return ret->id != NULL && at == end && ret->argc > 0 && ret->argc % 2 == 0;
}

/* The next place behind `from` where a record stands; r->len: nowhere. */
static size_t find_record(const struct yq_spool_reader *r, size_t from)
{
    while (from < r->len) {
        const char *mark = memmem(r->data + from, r->len - from, record_mark, sizeof(record_mark));
        if (mark == NULL)
            break;
        from = (size_t)(mark - r->data);
        if (record_at(r, from) > 0)
            return from;
        from++;
    }
    return r->len;
}

enum yq_spool_sight yq_spool_read(struct yq_spool_reader *r, struct yq_spool_record *ret)
{
    if (r->at >= r->len)
        return YQ_SPOOL_END;
    size_t len = record_at(r, r->at);
    if (len == 0) {
        size_t next = find_record(r, r->at + 1);
        if (next == r->len)
            return YQ_SPOOL_END;
        r->at = next;
        return YQ_SPOOL_DAMAGE;
    }
    const char *head = r->data + r->at;
    r->at += len;
    if (!read_body(head + YQ_SPOOL_RECORD_HEAD, len - YQ_SPOOL_RECORD_HEAD, ret))
        return YQ_SPOOL_DAMAGE; /* of a version that we do not know */
    ret->number = get64(head + 8);
    return YQ_SPOOL_RECORD;
}
