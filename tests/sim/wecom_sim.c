/* The simulated WeCom as a program: its options, its parts, its loop. */
#include "wecom_sim.h"

#include <curl/curl.h>
#include <event2/event.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "sim_main.h"

struct options {
    const char *listen, *state;
    uint64_t seed;
    size_t people, departments;
    const char *callback;
};

void wecom_set_directory(struct wecom *w, struct wecom_directory *d)
{
    wecom_directory_free(w->directory);
    w->directory = d;
    w->epoch++;
}

static void handle(void *context, const struct sim_request *request, struct sim_reply *reply)
{
    if (strncmp(request->path, "/_sim/", 6) == 0)
        wecom_control(context, request, reply);
    else
        wecom_api(context, request, reply);
}

static bool read_file(const char *path, struct yq_buf *out)
{
    char chunk[64 * 1024];
    size_t n;
    FILE *f = fopen(path, "rb");
    if (f == NULL)
        return false;
    while ((n = fread(chunk, 1, sizeof chunk, f)) > 0)
        yq_buf_add(out, chunk, n);
    bool ok = !ferror(f);
    fclose(f);
    return ok;
}

/* The company of a file in the form of GET /_sim/state; NULL after a sentence on stderr. */
static struct wecom_directory *directory_from_file(const char *path)
{
    struct yq_buf text = YQ_BUF_INIT;
    struct wecom_directory *d = NULL;
    struct yq_error err = {.text = "cannot be read"};
    char why[256] = "";
    cJSON *tree = NULL;
    if (read_file(path, &text))
        tree = yq_json_parse(yq_buf_text(&text), text.len, &err);
    if (tree != NULL)
        d = wecom_state_load(tree, why);
    if (d == NULL)
        fprintf(stderr, "yunqiao-sim: %s: %s\n", path, tree ? why : err.text);
    cJSON_Delete(tree);
    yq_buf_release(&text);
    return d;
}

/* Returns false after saying what is wrong. */
static bool read_options(int argc, char **argv, struct options *o, struct wecom *w)
{
    static const struct option table[] = {{"listen", required_argument, NULL, 'l'},
                                          {"seed", required_argument, NULL, 's'},
                                          {"people", required_argument, NULL, 'p'},
                                          {"departments", required_argument, NULL, 'd'},
                                          {"state", required_argument, NULL, 'f'},
                                          {"corp-id", required_argument, NULL, 'c'},
                                          {"app-secret", required_argument, NULL, 'a'},
                                          {"contacts-secret", required_argument, NULL, 'k'},
                                          {"agent-id", required_argument, NULL, 'i'},
                                          {"token-life", required_argument, NULL, 't'},
                                          {"rate", required_argument, NULL, 'r'},
                                          {"callback", required_argument, NULL, 'b'},
                                          {NULL, 0, NULL, 0}};
    optind = 1;
    for (int c; (c = getopt_long(argc, argv, "", table, NULL)) != -1;) {
        switch (c) {
        case 'l':
            o->listen = optarg;
            break;
        case 's':
            o->seed = strtoull(optarg, NULL, 10);
            break;
        case 'p':
            o->people = strtoul(optarg, NULL, 10);
            break;
        case 'd':
            o->departments = strtoul(optarg, NULL, 10);
            break;
        case 'f':
            o->state = optarg;
            break;
        case 'c':
            w->corp_id = optarg;
            break;
        case 'a':
            w->secrets[WECOM_APP] = optarg;
            break;
        case 'k':
            w->secrets[WECOM_CONTACTS] = optarg;
            break;
        case 'i':
            w->agent_id = strtoll(optarg, NULL, 10);
            break;
        case 't':
            w->settings.token_life_s = strtoll(optarg, NULL, 10);
            break;
        case 'r':
            w->settings.rate = strtoll(optarg, NULL, 10);
            break;
        case 'b':
            o->callback = optarg;
            break;
        default:
            return false;
        }
    }
    if (optind == argc)
        return true;
    fprintf(stderr, "yunqiao-sim wecom: unexpected %s\n", argv[optind]);
    return false;
}

/* The file holds what POST /_sim/callback takes. */
static bool configure_callback(struct wecom *w, const char *path)
{
    struct yq_buf text = YQ_BUF_INIT;
    struct yq_error err = {.text = "cannot be read"};
    cJSON *tree = path != NULL && read_file(path, &text)
                      ? yq_json_parse(yq_buf_text(&text), text.len, &err)
                      : NULL;
    int code = tree != NULL ? wecom_callback_configure(w, tree) : -1;
    if (path != NULL && code != 0)
        fprintf(stderr, "yunqiao-sim: %s: %s\n", path, tree ? "no callback" : err.text);
    cJSON_Delete(tree);
    yq_buf_release(&text);
    return path == NULL || code == 0;
}

static void set_up(struct wecom *w, const struct options *o)
{
    sim_random_seed(&w->random, o->seed);
    w->base = sim_http_base();
    w->faults = wecom_faults_new();
    w->traffic = wecom_traffic_new();
    w->callback = wecom_callback_new();
    w->delivery = wecom_delivery_new(w);
}

static void tear_down(struct wecom *w)
{
    wecom_delivery_free(w->delivery);
    wecom_callback_free(w->callback);
    wecom_traffic_free(w->traffic);
    wecom_faults_free(w->faults);
    wecom_directory_free(w->directory);
    event_base_free(w->base);
}

int sim_wecom_main(int argc, char **argv)
{
    struct options o = {.listen = "127.0.0.1:0", .seed = 1, .departments = 1};
    struct wecom w = {
        .corp_id = "ww0123456789abcdef",
        .secrets = {[WECOM_APP] = "sim-app-secret", [WECOM_CONTACTS] = "sim-contacts-secret"},
        .agent_id = 1000002,
        .settings = {.shuffle = true, .window_s = 60, .token_life_s = 7200},
    };
    if (!read_options(argc, argv, &o, &w))
        return 2;
    struct wecom_directory *d = o.state != NULL
                                    ? directory_from_file(o.state)
                                    : wecom_directory_make(o.seed, o.people, o.departments);
    if (d == NULL)
        return 1;
    curl_global_init(CURL_GLOBAL_DEFAULT);
    set_up(&w, &o);
    wecom_set_directory(&w, d);
    int status =
        configure_callback(&w, o.callback) ? sim_http_serve(w.base, o.listen, handle, &w) : 1;
    tear_down(&w);
    curl_global_cleanup();
    libevent_global_shutdown();
    return status;
}
