/* The configuration from any bytes: settings or faults, never both, never neither. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "app/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Every line is "fuzz:LINE: …", without control characters. */
static void check_faults(const struct yq_buf *faults)
{
    const char *text = yq_buf_text(faults);
    if (faults->len == 0 || text[faults->len - 1] != '\n')
        abort();
    for (const char *line = text; *line != '\0'; line = strchr(line, '\n') + 1) {
        if (strncmp(line, "fuzz:", 5) != 0)
            abort();
    }
    for (const char *c = text; *c != '\0'; c++) {
        if ((unsigned char)*c < ' ' && *c != '\n')
            abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct yq_settings *s = NULL;
    struct yq_buf faults = YQ_BUF_INIT;
    int result = yq_config_parse("fuzz", (const char *)data, size, &s, &faults);
    if ((result == 0) != (faults.len == 0) || (result == 0) != (s != NULL))
        abort();
    if (result != 0)
        check_faults(&faults);
    if (result == 0 && (s->connection_count == 0 || s->connections[0].callback.count == 0))
        abort();
    yq_settings_free(s);
    yq_buf_release(&faults);
    return 0;
}
