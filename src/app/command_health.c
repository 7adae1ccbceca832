/* health: asks the daemon of this configuration how it is, for a container without a shell. */
#include <string.h>

#include "clients/http_client.h"
#include "commands.h"
#include "printing.h"

#define ASK_MS 3000
#define LOOK_MS 100

struct answer {
    bool ended;
    int status;
    struct yq_buf body;
    struct yq_error error;
};

static void on_answer(void *context, struct yq_http_response *r)
{
    struct answer *a = context;
    a->ended = true;
    a->status = r->status;
    a->error = r->error;
    yq_buf_add(&a->body, r->body.data, r->body.len);
}

/* Who listens on all addresses is asked on this machine's own. */
static const char *reachable(const char *host, size_t len)
{
    if (len == 0 || (len == 7 && memcmp(host, "0.0.0.0", 7) == 0))
        return "127.0.0.1";
    return len == 4 && memcmp(host, "[::]", 4) == 0 ? "[::1]" : NULL;
}

static void write_url(const char *listen, const char *path, struct yq_buf *out)
{
    const char *colon = strrchr(listen, ':');
    size_t len = (size_t)(colon - listen); /* the configuration was checked: there is one */
    const char *host = reachable(listen, len);
    if (host != NULL)
        yq_buf_addf(out, "http://%s%s%s", host, colon, path);
    else
        yq_buf_addf(out, "http://%s%s", listen, path);
}

static int ask(const char *url, struct answer *a, struct yq_error *err)
{
    const struct yq_http_options options = {
        .connect_ms = ASK_MS, .total_ms = ASK_MS, .max_body = 65536};
    struct yq_http *h = yq_http_new();
    int rc = yq_http_start(h, &(struct yq_http_request){.url = url, .options = &options}, on_answer,
                           a, err);
    while (rc == 0 && !a->ended)
        rc = yq_http_poll(h, LOOK_MS, err);
    yq_http_free(h);
    return rc;
}

static enum yq_exit tell(struct yq_cli *cli, const struct answer *a, bool ready)
{
    bool well = a->status == 200;
    const char *text = yq_buf_text(&a->body);
    if (cli->json) {
        cJSON *tree = cJSON_CreateObject();
        cJSON_AddBoolToObject(tree, "ok", well);
        cJSON_AddNumberToObject(tree, "status", a->status);
        if (ready)
            cJSON_AddItemToObject(tree, "answer", yq_json_or_text(text));
        yq_print_json(tree, cli->out);
    } else {
        fprintf(cli->out, "%.*s\n", (int)strcspn(text, "\r\n"), text);
    }
    return well ? YQ_EXIT_DONE : YQ_EXIT_FAILED;
}

enum yq_exit yq_command_health(struct yq_cli *cli, int argc, char **argv)
{
    bool ready = false;
    const struct yq_argument known[] = {{"--ready", NULL, &ready}, {NULL, NULL, NULL}};
    if (yq_cli_arguments(cli, known, &argc, argv, (int[]){0, 0}) != 0)
        return YQ_EXIT_USAGE;
    if (yq_cli_load(cli) != 0)
        return YQ_EXIT_FAILED;
    const char *listen = cli->settings->admin_listen;
    if (listen[0] == '\0')
        return yq_cli_fail(cli, _("there is no admin.listen in the configuration to ask"));
    struct answer a = {0};
    struct yq_buf url = YQ_BUF_INIT;
    struct yq_error err = {0};
    write_url(listen, ready ? "/readyz" : "/healthz", &url);
    int rc = ask(yq_buf_text(&url), &a, &err);
    if (rc == 0 && a.status == 0)
        err = a.error;
    enum yq_exit status = err.kind != YQ_ERROR_NONE
                              ? yq_cli_fail(cli, _("the daemon does not answer: %s"), err.text)
                              : tell(cli, &a, ready);
    yq_buf_release(&a.body);
    yq_buf_release(&url);
    return status;
}
