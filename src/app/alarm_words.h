/* Open alarms, in the language of the reader. */
#ifndef YQ_APP_ALARM_WORDS_H
#define YQ_APP_ALARM_WORDS_H

#include <cjson/cJSON.h>

#include "clients/store_inspect.h"
#include "model/alarm.h"

/* The sentence, and below it the commands that answer it, each on a line behind `indent`. The
 * caller frees it. */
char *yq_words_of_alarm(const char *id, const struct yq_alarm *a, const char *indent);
/* The same as JSON: alarm, key, since_ms, text, commands. */
cJSON *yq_alarm_as_json(const char *id, const struct yq_alarm *a);
/* Reads each alarm of the hash `alarms`, and gives it to `take`. */
void yq_each_alarm(const struct yq_pairs *alarms,
                   void (*take)(void *context, const struct yq_alarm *a), void *context);

#endif
