/* Reading dead letters, sending their events again, taking them away. Two scripts: what becomes of
 * a letter happens at once or not at all, and no worker needs to be asked, since workers only add
 * to the stream. */
#include "clients/letters.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

#define PAGE 200

/* Both take KEYS: dead, events, audit. ARGV: "retry" or "drop", what the audit says instead of the
 * new entry, then for each letter its entry and the list of its subject ("": none). What a letter
 * of an older version lacks is taken from the event's own entry while that is still kept. Answers
 * an id for each letter, "" for one that is gone. */
static const struct yq_redis_script fate_script = {
    "local function map(fields)\n"
    "  local m = {}\n"
    "  for w = 1, #fields, 2 do m[fields[w]] = fields[w + 1] end\n"
    "  return m\n"
    "end\n"
    "local function send_again(m)\n"
    "  local old = m.event and redis.call('XRANGE', KEYS[2], m.event, m.event)[1]\n"
    "  local o = old and map(old[2]) or {}\n"
    "  local function get(name, other) return m[name] or o[name] or other end\n"
    "  return redis.call('XADD', KEYS[2], '*', 'v', get('v', '1'), 'kind', get('kind', "
    "'unknown'),\n"
    "    'subject', get('subject', 'all'), 'source', 'replay', 'at', get('at', '0'), 'digest',\n"
    "    get('digest', ''), 'data', get('data', '{}'), 'raw', get('raw', ''), 'origin',\n"
    "    get('origin', m.event or '0-0'))\n"
    "end\n"
    "local answer = {}\n"
    "for i = 3, #ARGV, 2 do\n"
    "  local letter = redis.call('XRANGE', KEYS[1], ARGV[i], ARGV[i])[1]\n"
    "  local id = ''\n"
    "  if letter then\n"
    "    local m = map(letter[2])\n"
    "    local after = {reason = ARGV[2]}\n"
    "    if ARGV[1] == 'retry' then\n"
    "      id = send_again(m)\n"
    "      after = {event = id}\n"
    "    end\n"
    "    local before = {error = m.error or '', attempts = m.attempts or '0'}\n"
    "    local told = redis.call('XADD', KEYS[3], '*', 'run', '', 'event', m.event or '', 'rule',\n"
    "      'command', 'op', 'letter.' .. ARGV[1], 'subject', m.subject or '', 'before',\n"
    "      cjson.encode(before), 'after', cjson.encode(after), 'result', 'ok')\n"
    "    if ARGV[i + 1] ~= '' then\n"
    "      redis.call('LPUSH', ARGV[i + 1], told)\n"
    "      redis.call('LTRIM', ARGV[i + 1], 0, 63)\n"
    "      redis.call('EXPIRE', ARGV[i + 1], 2592000)\n"
    "    end\n"
    "    redis.call('XDEL', KEYS[1], ARGV[i])\n"
    "    if id == '' then id = told end\n"
    "  end\n"
    "  answer[#answer + 1] = id\n"
    "end\n"
    "return answer\n"};

/* ---- reading ---- */

static const char *text_of(const struct yq_pairs *fields, const char *name)
{
    const char *value = yq_pairs_get(fields, name);
    return value != NULL ? value : "";
}

void yq_letter_read(const struct yq_stream_entry *e, struct yq_letter *ret)
{
    const struct yq_pairs *f = &e->fields;
    struct yq_letter l = {.entry = e->entry,
                          .event = text_of(f, "event"),
                          .kind = YQ_EVENT_UNKNOWN,
                          .subject = yq_subject_all(),
                          .dead_ms = yq_entry_ms(e->entry),
                          .error = text_of(f, "error"),
                          .data = text_of(f, "data"),
                          .source = text_of(f, "source"),
                          .raw = text_of(f, "raw"),
                          .digest = text_of(f, "digest")};
    l.at = strtoll(text_of(f, "at"), NULL, 10);
    l.first_ms = strtoll(text_of(f, "first"), NULL, 10);
    l.attempts = (unsigned)strtoul(text_of(f, "attempts"), NULL, 10);
    l.deaths = (unsigned)strtoul(text_of(f, "deaths"), NULL, 10);
    l.broken = yq_event_kind_parse(text_of(f, "kind"), &l.kind) != 0 ||
               yq_subject_parse(text_of(f, "subject"), &l.subject, NULL) != 0;
    *ret = l;
}

/* Returns false when the caller has enough. */
static bool pass_on(const struct yq_stream_entries *page, const struct yq_event_filter *f,
                    yq_letter_take *take, void *context)
{
    for (size_t i = 0; i < page->count; i++) {
        struct yq_letter l;
        yq_letter_read(&page->items[i], &l);
        if (yq_event_filter_takes(f, l.event, l.kind, &l.subject, l.broken) && !take(context, &l))
            return false;
    }
    return true;
}

int yq_letters_each(struct yq_redis *r, const struct yq_keys *keys, const char *id,
                    const struct yq_event_filter *f, yq_letter_take *take, void *context,
                    struct yq_error *err)
{
    char from[YQ_ENTRY_MAX + 1] = "-";
    size_t count = PAGE;
    bool more = true;
    while (more && count == PAGE) {
        struct yq_stream_entries page = {0};
        struct yq_stream_range range = {"dead", from, "+", false, PAGE};
        if (yq_store_read_stream(r, keys, id, &range, &page, err) != 0) {
            yq_stream_entries_release(&page);
            return -1;
        }
        count = page.count;
        if (count > 0)
            (void)snprintf(from, sizeof(from), "(%s", page.items[count - 1].entry);
        more = pass_on(&page, f, take, context);
        yq_stream_entries_release(&page);
    }
    return 0;
}

/* ---- what becomes of them ---- */

static int decide(struct yq_redis *r, const struct yq_keys *keys, const char *id,
                  const char *const words[2], struct yq_letter_fate *letters, size_t count,
                  struct yq_error *err)
{
    char streams[3][YQ_KEY_MAX], (*lists)[YQ_KEY_MAX] = yq_calloc(count + 1, sizeof(*lists));
    const char **argv = yq_calloc(5 + 2 * count, sizeof(*argv));
    int argc = 0, rc = -1;
    argv[argc++] = yq_key(keys, id, "dead", streams[0]);
    argv[argc++] = yq_key(keys, id, "events", streams[1]);
    argv[argc++] = yq_key(keys, id, "audit", streams[2]);
    argv[argc++] = words[0];
    argv[argc++] = words[1];
    for (size_t i = 0; i < count; i++) {
        char name[YQ_SUBJECT_MAX + 8];
        (void)snprintf(name, sizeof(name), "audit:%s", letters[i].subject);
        argv[argc++] = letters[i].entry;
        argv[argc++] = letters[i].subject[0] != '\0' ? yq_key(keys, id, name, lists[i]) : "";
    }
    redisReply *reply = yq_redis_script(r, &fate_script, 3, argc, argv, NULL, err);
    if (reply != NULL && reply->type == REDIS_REPLY_ARRAY && reply->elements == count) {
        for (size_t i = 0; i < count; i++)
            (void)snprintf(letters[i].again, sizeof(letters[i].again), "%s",
                           reply->element[i]->str != NULL ? reply->element[i]->str : "");
        rc = 0;
    } else if (reply != NULL) {
        (void)yq_error_set(err, YQ_ERROR_INVALID, "Redis gave an answer of an unexpected form");
    }
    if (reply != NULL)
        freeReplyObject(reply);
    free(argv);
    free(lists);
    return rc;
}

int yq_letters_retry(struct yq_redis *r, const struct yq_keys *keys, const char *id,
                     struct yq_letter_fate *letters, size_t count, struct yq_error *err)
{
    return decide(r, keys, id, (const char *const[]){"retry", ""}, letters, count, err);
}

int yq_letters_drop(struct yq_redis *r, const struct yq_keys *keys, const char *id,
                    struct yq_letter_fate *letters, size_t count, const char *reason,
                    struct yq_error *err)
{
    return decide(r, keys, id, (const char *const[]){"drop", reason}, letters, count, err);
}
