/* Open alarms in words. */
#include "alarm_words.h"

#include "base/memory.h"
#include "language.h"

static const char *translate(const char *text)
{
    return _(text);
}

static struct yq_alarm_telling telling_to(const char *id)
{
    return (struct yq_alarm_telling){.connection = id, .when = "", .translate = translate};
}

char *yq_words_of_alarm(const char *id, const struct yq_alarm *a, const char *indent)
{
    struct yq_alarm_telling t = telling_to(id);
    struct yq_buf out = YQ_BUF_INIT, command = YQ_BUF_INIT;
    yq_alarm_sentence(a, &t, &out);
    for (int i = 0; i < YQ_ALARM_COMMANDS; i++) {
        yq_buf_clear(&command);
        yq_alarm_command(a, &t, i, &command);
        if (command.len > 0)
            yq_buf_addf(&out, "\n%s%s", indent, yq_buf_text(&command));
    }
    yq_buf_release(&command);
    return yq_buf_steal(&out);
}

cJSON *yq_alarm_as_json(const char *id, const struct yq_alarm *a)
{
    struct yq_alarm_telling t = telling_to(id);
    struct yq_buf text = YQ_BUF_INIT;
    cJSON *object = cJSON_CreateObject();
    cJSON_AddStringToObject(object, "alarm", yq_alarm_name(a->kind));
    cJSON_AddStringToObject(object, "key", a->key);
    cJSON_AddNumberToObject(object, "since_ms", (double)a->at);
    yq_alarm_sentence(a, &t, &text);
    cJSON_AddStringToObject(object, "text", yq_buf_text(&text));
    cJSON *commands = cJSON_AddArrayToObject(object, "commands");
    for (int i = 0; i < YQ_ALARM_COMMANDS; i++) {
        yq_buf_clear(&text);
        yq_alarm_command(a, &t, i, &text);
        if (text.len > 0)
            cJSON_AddItemToArray(commands, cJSON_CreateString(yq_buf_text(&text)));
    }
    yq_buf_release(&text);
    return object;
}

void yq_each_alarm(const struct yq_pairs *alarms,
                   void (*take)(void *context, const struct yq_alarm *a), void *context)
{
    struct yq_arena *arena = yq_arena_new();
    for (size_t i = 0; i < alarms->count; i++) {
        struct yq_alarm a;
        if (yq_alarm_read(arena, alarms->items[i].name, alarms->items[i].value, &a) == 0)
            take(context, &a);
    }
    yq_arena_free(arena);
}
