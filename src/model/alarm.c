/* Alarms as they stand in Redis, and as they are told. */
#include "model/alarm.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"

#define ROBOT_BYTES 4096    /* of a robot's markdown, in UTF-8 */
#define MARKED(text) (text) /* for translation, as the table's sentences are */

static const struct {
    const char *name, *sentence, *commands[YQ_ALARM_COMMANDS];
} kinds[] = {
#define X(code, name, text, command, second) [YQ_ALARM_##code] = {name, text, {command, second}},
    YQ_ALARMS(X)
#undef X
};

const char *yq_alarm_name(enum yq_alarm_kind kind)
{
    return (unsigned)kind < YQ_ALARM_COUNT ? kinds[kind].name : "?";
}

int yq_alarm_parse_key(const char *key, enum yq_alarm_kind *ret)
{
    size_t len = strcspn(key, ":");
    for (unsigned i = 0; i < YQ_ALARM_COUNT; i++) {
        if (strlen(kinds[i].name) == len && memcmp(kinds[i].name, key, len) == 0) {
            *ret = (enum yq_alarm_kind)i;
            return 0;
        }
    }
    return -1;
}

/* ---- in Redis ---- */

static void write_args(const struct yq_alarm *a, struct yq_buf *out)
{
    yq_buf_addc(out, '[');
    for (size_t i = 0; i < 3 && a->args[i] != NULL; i++) {
        yq_buf_adds(out, i ? "," : "");
        yq_buf_add_json_string(out, a->args[i]);
    }
    yq_buf_addc(out, ']');
}

static void write_text(const char *name, const char *text, struct yq_buf *out)
{
    if (text == NULL)
        return;
    yq_buf_addf(out, ",\"%s\":", name);
    yq_buf_add_json_string(out, text);
}

void yq_alarm_write(const struct yq_alarm *a, struct yq_buf *out)
{
    yq_buf_adds(out, "{\"text\":");
    yq_buf_add_json_string(out, kinds[a->kind].sentence);
    yq_buf_adds(out, ",\"args\":");
    write_args(a, out);
    yq_buf_addf(out, ",\"at\":%" PRId64, a->at);
    write_text("run", a->run, out);
    write_text("mark", a->mark, out);
    yq_buf_addc(out, '}');
}

static const char *text_of(struct yq_arena *arena, const cJSON *item)
{
    return cJSON_IsString(item) ? yq_arena_strdup(arena, item->valuestring) : NULL;
}

int yq_alarm_read(struct yq_arena *arena, const char *key, const char *json, struct yq_alarm *ret)
{
    struct yq_alarm a = {0};
    const cJSON *arg;
    size_t i = 0;
    cJSON *tree = yq_json_parse(json, strlen(json), NULL);
    if (yq_alarm_parse_key(key, &a.kind) < 0 || !yq_json_int(tree, "at", &a.at)) {
        cJSON_Delete(tree);
        return -1;
    }
    a.key = yq_arena_strdup(arena, key);
    cJSON_ArrayForEach (arg, yq_json_get(tree, "args")) {
        if (i < 3)
            a.args[i++] = text_of(arena, arg);
    }
    a.run = text_of(arena, yq_json_get(tree, "run"));
    a.mark = text_of(arena, yq_json_get(tree, "mark"));
    cJSON_Delete(tree);
    *ret = a;
    return 0;
}

/* ---- as they are told ---- */

/* %1 %2 %3 are the arguments, %i the connection. */
static void fill_in(const struct yq_alarm *a, const struct yq_alarm_telling *t,
                    const char *sentence, struct yq_buf *out)
{
    for (const char *s = sentence; *s != '\0'; s++) {
        bool is_arg = s[0] == '%' && s[1] >= '1' && s[1] <= '3';
        if (is_arg)
            yq_buf_adds(out, a->args[s[1] - '1'] ? a->args[s[1] - '1'] : "?");
        else if (s[0] == '%' && s[1] == 'i')
            yq_buf_adds(out, t->connection);
        else {
            yq_buf_addc(out, *s);
            continue;
        }
        s++;
    }
}

void yq_alarm_sentence(const struct yq_alarm *a, const struct yq_alarm_telling *t,
                       struct yq_buf *out)
{
    fill_in(a, t, t->translate(kinds[a->kind].sentence), out);
}

void yq_alarm_command(const struct yq_alarm *a, const struct yq_alarm_telling *t, int number,
                      struct yq_buf *out)
{
    fill_in(a, t, kinds[a->kind].commands[number], out);
}

void yq_alarm_write_webhook(const struct yq_alarm *a, const struct yq_alarm_telling *t,
                            struct yq_buf *out)
{
    struct yq_buf text = YQ_BUF_INIT;
    yq_buf_addf(out, "{\"v\":1,\"id\":\"%s/%s/%" PRId64 "\",\"alarm\":\"%s\"", t->connection,
                a->key, a->at, kinds[a->kind].name);
    write_text("connection", t->connection, out);
    write_text("at", t->when, out);
    yq_alarm_sentence(a, t, &text);
    write_text("text", yq_buf_text(&text), out);
    yq_buf_adds(out, ",\"args\":");
    write_args(a, out);
    yq_buf_adds(out, ",\"commands\":[");
    for (int i = 0; i < YQ_ALARM_COMMANDS; i++) {
        yq_buf_clear(&text);
        yq_alarm_command(a, t, i, &text);
        if (text.len == 0)
            continue;
        yq_buf_adds(out, i ? "," : "");
        yq_buf_add_json_string(out, yq_buf_text(&text));
    }
    yq_buf_adds(out, "]}");
    yq_buf_release(&text);
}

/* At most so many bytes, without half a character at the end. */
static void cut(struct yq_buf *text, size_t most)
{
    if (text->len <= most)
        return;
    while (most > 0 && ((unsigned char)text->data[most] & 0xC0) == 0x80)
        most--;
    text->data[most] = '\0';
    text->len = most;
}

/* The commands stand in front of a sentence that may be long, so that they are never cut off. */
void yq_alarm_write_robot(const struct yq_alarm *a, const struct yq_alarm_telling *t,
                          struct yq_buf *out)
{
    struct yq_buf text = YQ_BUF_INIT, command = YQ_BUF_INIT;
    yq_buf_addf(&text, "**%s** %s\n> %s\n", t->translate(MARKED("yunqiao: alarm")), t->connection,
                t->when);
    for (int i = 0; i < YQ_ALARM_COMMANDS; i++) {
        yq_buf_clear(&command);
        yq_alarm_command(a, t, i, &command);
        if (command.len > 0)
            yq_buf_addf(&text, "> `%s`\n", yq_buf_text(&command));
    }
    yq_alarm_sentence(a, t, &text);
    cut(&text, ROBOT_BYTES);
    yq_buf_adds(out, "{\"msgtype\":\"markdown\",\"markdown\":{\"content\":");
    yq_buf_add_json_string(out, yq_buf_text(&text));
    yq_buf_adds(out, "}}");
    yq_buf_release(&text);
    yq_buf_release(&command);
}
