/* The option table as a page of documentation. */
#include <inttypes.h>
#include <string.h>

#include "config_table.h"

static const char *const intro =
    "# Configuration\n"
    "\n"
    "One YAML file, read at the start and at SIGHUP: `yunqiao serve -c FILE`, else "
    "`$YUNQIAO_CONFIG`, else\n"
    "`./yunqiao.yaml`. `yunqiao check` reads it the same way and tells every fault at once, by key "
    "and\n"
    "line. A complete example is [deploy/yunqiao.sample.yaml](../deploy/yunqiao.sample.yaml).\n"
    "\n"
    "- `${NAME}` inside a value is replaced by the environment variable, after the YAML was "
    "parsed;\n"
    "  a variable that is not set is an error. A literal `${` is written `$${`.\n"
    "- Any secret `x` may be given as `x_file` instead: the content of that file, one newline at "
    "its end\n"
    "  cut off. A relative path starts at the folder of the configuration file. A list has one "
    "element a line.\n"
    "- Times are written as `500ms`, `60s`, `10m`, `2h`, `7d`; sizes as `512B`, `256KiB`, `1MiB`.\n"
    "- Unknown keys, missing keys and bad values are errors; the value of a secret never shows.\n"
    "- SIGHUP reads the file again and changes over to what is reloadable, connections that come, "
    "go or\n"
    "  change included; what else changed is named in the log (`config.restart_needed`) and waits "
    "for a\n"
    "  restart. A file with a fault is refused as a whole (`config.fault`, `config.refused`), and "
    "what held\n"
    "  before holds on. Environment variables are those of the start.\n"
    "\n"
    "This page is printed by `yunqiao check --print-options`; a test compares the two.\n";

static const char *const type_names[] = {
    [YQ_OPTION_TEXT] = "text",    [YQ_OPTION_CHOICE] = "choice", [YQ_OPTION_BOOL] = "boolean",
    [YQ_OPTION_INT] = "number",   [YQ_OPTION_LONG] = "number",   [YQ_OPTION_NUMBER] = "number",
    [YQ_OPTION_SIZE] = "size",    [YQ_OPTION_DURATION] = "time", [YQ_OPTION_TEXTS] = "list",
    [YQ_OPTION_NOTHING] = "list",
};

static void add_limit(struct yq_buf *out, const struct yq_option *o, int64_t value)
{
    static const struct {
        int64_t factor;
        const char *name;
    } times[] = {{86400000, "d"}, {3600000, "h"}, {60000, "m"}, {1000, "s"}, {1, "ms"}},
      sizes[] = {{1024 * 1024, "MiB"}, {1024, "KiB"}, {1, "B"}};
    for (size_t i = 0; o->type == YQ_OPTION_DURATION && i < 5; i++) {
        if (value % times[i].factor == 0 && (value != 0 || i == 3)) {
            yq_buf_addf(out, "%" PRId64 "%s", value / times[i].factor, times[i].name);
            return;
        }
    }
    for (size_t i = 0; o->type == YQ_OPTION_SIZE && i < 3; i++) {
        if (value % sizes[i].factor == 0) {
            yq_buf_addf(out, "%" PRId64 "%s", value / sizes[i].factor, sizes[i].name);
            return;
        }
    }
    yq_buf_addf(out, "%" PRId64, value);
}

static void add_type(struct yq_buf *out, const struct yq_option *o)
{
    if (o->choices == NULL) {
        yq_buf_adds(out, type_names[o->type]);
    } else {
        for (const char *c = o->choices; *c != '\0'; c++)
            yq_buf_adds(out, *c == '|' ? ", " : (char[]){*c, '\0'});
    }
    if (o->max > 0) {
        yq_buf_adds(out, ", ");
        add_limit(out, o, o->min);
        yq_buf_adds(out, " to ");
        add_limit(out, o, o->max);
    }
    if ((o->flags & YQ_OPTION_SECRET) != 0)
        yq_buf_adds(out, ", secret");
}

static void add_fallback(struct yq_buf *out, const struct yq_option *o)
{
    if ((o->flags & YQ_OPTION_REQUIRED) != 0)
        yq_buf_adds(out, "**required**");
    else if (o->type == YQ_OPTION_TEXTS)
        yq_buf_adds(out, "`[]`");
    else if (o->fallback != NULL && o->fallback[0] != '\0')
        yq_buf_addf(out, "`%s`", o->fallback);
    else
        yq_buf_adds(out, "empty");
}

static void add_option(struct yq_buf *out, const struct yq_option *o, size_t skip)
{
    yq_buf_addf(out, "| `%s` | ", o->path + skip);
    add_type(out, o);
    yq_buf_adds(out, " | ");
    add_fallback(out, o);
    yq_buf_addf(out, " | %s | %s", (o->flags & YQ_OPTION_RELOADABLE) != 0 ? "yes" : "no", o->help);
    if (o->later != NULL)
        yq_buf_addf(out, "; `%s` is not supported yet", o->later);
    yq_buf_adds(out, " |\n");
}

static void add_table(struct yq_buf *out, bool of_connection)
{
    size_t len = strlen(YQ_CONNECTION_PREFIX);
    yq_buf_adds(
        out, "| key | type | default | reloadable | meaning |\n| --- | --- | --- | --- | --- |\n");
    for (size_t i = 0; i < yq_option_count; i++) {
        bool inside = strncmp(yq_options[i].path, YQ_CONNECTION_PREFIX, len) == 0;
        if (inside == of_connection)
            add_option(out, &yq_options[i], inside ? len : 0);
    }
}

void yq_config_print_options(struct yq_buf *out)
{
    yq_buf_adds(out, intro);
    yq_buf_adds(out, "\n## The program\n\n");
    add_table(out, false);
    yq_buf_adds(out, "\n## Each connection\n\nUnder `connections`, a list with at least one "
                     "element: one company each, one WeCom corp\nand one eteams tenant.\n\n");
    add_table(out, true);
}

void yq_config_each_option(void (*visit)(void *context, const char *path), void *context)
{
    for (size_t i = 0; i < yq_option_count; i++)
        visit(context, yq_options[i].path);
}
