/* cases, links, link, unlink: which record of eteams a subject is, where a person must say so. */
#include <stdlib.h>
#include <string.h>

#include "answers.h"
#include "base/arena.h"
#include "base/json.h"
#include "base/memory.h"
#include "clients/store_inspect.h"
#include "commands.h"
#include "explain_words.h"
#include "model/link.h"
#include "printing.h"
#include "when.h"

/* ---- cases ---- */

struct open_case {
    struct yq_subject subject;
    struct yq_reason reason;
    int64_t since;
    bool linked;
};

static int find_link(struct yq_cli *cli, const char *id, struct open_case *c, struct yq_error *err)
{
    char key[YQ_SUBJECT_MAX], *link = NULL;
    bool member = c->subject.kind == YQ_SUBJECT_MEMBER;
    if (!member && c->subject.kind != YQ_SUBJECT_DEPARTMENT)
        return 0;
    yq_subject_key(&c->subject, key);
    int rc =
        yq_store_read_text(cli->redis, &cli->keys, id, member ? "link:member" : "link:department",
                           strchr(key, ':') + 1, &link, err);
    c->linked = link != NULL;
    free(link);
    return rc;
}

static bool read_case(struct yq_arena *arena, const struct yq_pair *pair, struct open_case *ret)
{
    const cJSON *arg;
    size_t i = 0;
    cJSON *tree = yq_json_parse(pair->value, strlen(pair->value), NULL);
    const char *name = yq_json_text(arena, tree, "reason");
    *ret = (struct open_case){0};
    bool known = name != NULL && yq_reason_parse(name, &ret->reason.code) == 0 &&
                 yq_subject_parse(pair->name, &ret->subject, NULL) == 0;
    cJSON_ArrayForEach (arg, yq_json_get(tree, "args")) {
        if (i < 3 && cJSON_IsString(arg))
            ret->reason.args[i++] = yq_arena_strdup(arena, arg->valuestring);
    }
    (void)yq_json_int(tree, "at", &ret->since); /* stays 0: not known */
    cJSON_Delete(tree);
    return known;
}

static void print_case(struct yq_cli *cli, const char *id, const struct open_case *c)
{
    char subject[YQ_SUBJECT_MAX], since[YQ_WHEN_MAX], *why = yq_words_of_reason(&c->reason);
    struct yq_answer answers[YQ_ANSWERS_MAX];
    size_t count = yq_answers_of(id, &c->subject, &c->reason, c->linked, answers);
    yq_subject_format(&c->subject, subject);
    fprintf(cli->out, _("%s  since %s: %s\n"), subject, yq_when_show(c->since, since), why);
    for (size_t i = 0; i < count; i++)
        fprintf(cli->out, "    %s  (%s)\n", answers[i].command, answers[i].meaning);
    free(why);
}

static cJSON *case_as_json(const char *id, const struct open_case *c)
{
    char subject[YQ_SUBJECT_MAX], *why = yq_words_of_reason(&c->reason);
    struct yq_answer answers[YQ_ANSWERS_MAX];
    size_t count = yq_answers_of(id, &c->subject, &c->reason, c->linked, answers);
    cJSON *object = cJSON_CreateObject();
    yq_subject_format(&c->subject, subject);
    cJSON_AddStringToObject(object, "subject", subject);
    cJSON_AddStringToObject(object, "reason", yq_reason_name(c->reason.code));
    cJSON_AddStringToObject(object, "why", why);
    cJSON_AddNumberToObject(object, "since_ms", (double)c->since);
    cJSON *list = cJSON_AddArrayToObject(object, "answers");
    for (size_t i = 0; i < count; i++)
        cJSON_AddItemToArray(list, cJSON_CreateString(answers[i].command));
    free(why);
    return object;
}

enum yq_exit yq_command_cases(struct yq_cli *cli, int argc, char **argv)
{
    struct yq_pairs pairs = {0};
    struct yq_error err = {0};
    if (yq_cli_arguments(cli, NULL, &argc, argv, (int[]){1, 1}) != 0)
        return YQ_EXIT_USAGE;
    if (yq_cli_open(cli) != 0 || yq_cli_connection(cli, argv[0]) == NULL)
        return YQ_EXIT_FAILED;
    if (yq_store_read_hash(cli->redis, &cli->keys, argv[0], "cases", &pairs, &err) != 0)
        return yq_cli_fail(cli, "%s", err.text);
    struct yq_arena *arena = yq_arena_new();
    cJSON *list = cJSON_CreateArray();
    for (size_t i = 0; i < pairs.count; i++) {
        struct open_case c;
        if (!read_case(arena, &pairs.items[i], &c) || find_link(cli, argv[0], &c, &err) != 0)
            continue;
        if (cli->json)
            cJSON_AddItemToArray(list, case_as_json(argv[0], &c));
        else
            print_case(cli, argv[0], &c);
    }
    if (!cli->json && pairs.count == 0)
        fputs(_("nothing waits for a decision\n"), cli->out);
    if (cli->json)
        yq_print_json(list, cli->out);
    else
        cJSON_Delete(list);
    yq_arena_free(arena);
    yq_pairs_release(&pairs);
    return err.kind == YQ_ERROR_NONE ? YQ_EXIT_DONE : yq_cli_fail(cli, "%s", err.text);
}

/* ---- links ---- */

struct listing {
    struct yq_cli *cli;
    struct yq_arena *arena;
    struct yq_table table;
    cJSON *list;
};

struct shown_link {
    const char *kind, *key, *eteams, *how;
    int64_t at;
    bool left;
};

static void add_link(struct listing *l, const struct shown_link *link)
{
    char when[YQ_WHEN_MAX];
    if (l->cli->json) {
        cJSON *object = cJSON_CreateObject();
        cJSON_AddStringToObject(object, "kind", link->kind);
        cJSON_AddStringToObject(object, "key", link->key);
        cJSON_AddStringToObject(object, "eteams", link->eteams);
        cJSON_AddStringToObject(object, "how", link->how);
        cJSON_AddNumberToObject(object, "since_ms", (double)link->at);
        cJSON_AddBoolToObject(object, "left", link->left);
        cJSON_AddItemToArray(l->list, object);
        return;
    }
    char *subject = yq_printf("%s:%s", link->kind, link->key);
    yq_table_add(&l->table, subject);
    yq_table_add(&l->table, link->eteams);
    yq_table_add(&l->table, yq_words_of_link(link->how));
    yq_table_add(&l->table, yq_when_show(link->at, when));
    yq_table_add(&l->table, link->left ? _("resigned by us") : "");
    free(subject);
}

static void add_member(struct listing *l, const struct yq_pair *pair)
{
    struct yq_link_member m;
    if (yq_link_member_read(l->arena, pair->name, pair->value, strlen(pair->value), &m, NULL) == 0)
        add_link(l, &(struct shown_link){"member", m.userid, m.eteams, m.how, m.at, m.left});
}

static void add_department(struct listing *l, const struct yq_pair *pair)
{
    struct yq_link_department d;
    uint32_t id;
    if (yq_wecom_id_parse(pair->name, strlen(pair->name), &id) == 0 &&
        yq_link_department_read(l->arena, id, pair->value, strlen(pair->value), &d, NULL) == 0)
        add_link(l, &(struct shown_link){"department", pair->name, d.eteams, d.how, d.at, false});
}

static int add_all(struct listing *l, const char *id, const char *name, struct yq_error *err)
{
    struct yq_pairs pairs = {0};
    bool member = strcmp(name, "link:member") == 0;
    if (yq_store_read_hash(l->cli->redis, &l->cli->keys, id, name, &pairs, err) != 0)
        return -1;
    for (size_t i = 0; i < pairs.count; i++)
        (member ? add_member : add_department)(l, &pairs.items[i]);
    yq_pairs_release(&pairs);
    return 0;
}

static void print_listing(struct listing *l)
{
    if (l->cli->json) {
        yq_print_json(l->list, l->cli->out);
        l->list = NULL;
    } else if (l->table.count == l->table.columns) {
        fputs(_("nothing is linked\n"), l->cli->out);
    } else {
        yq_table_print(&l->table, l->cli->out);
    }
}

enum yq_exit yq_command_links(struct yq_cli *cli, int argc, char **argv)
{
    bool departments = false, members = false;
    const struct yq_argument known[] = {
        {"--department", NULL, &departments}, {"--member", NULL, &members}, {NULL, NULL, NULL}};
    struct yq_error err = {0};
    enum yq_exit status = YQ_EXIT_DONE;
    if (yq_cli_arguments(cli, known, &argc, argv, (int[]){1, 1}) != 0)
        return YQ_EXIT_USAGE;
    if (yq_cli_open(cli) != 0 || yq_cli_connection(cli, argv[0]) == NULL)
        return YQ_EXIT_FAILED;
    struct listing l = {
        .cli = cli, .arena = yq_arena_new(), .table = {.columns = 5}, .list = cJSON_CreateArray()};
    const char *const heads[] = {_("SUBJECT"), _("RECORD"), _("KNOWN"), _("SINCE"), ""};
    for (size_t i = 0; i < l.table.columns; i++)
        yq_table_add(&l.table, heads[i]);
    if (((departments || !members) && add_all(&l, argv[0], "link:department", &err) != 0) ||
        ((members || !departments) && add_all(&l, argv[0], "link:member", &err) != 0))
        status = yq_cli_fail(cli, "%s", err.text);
    else
        print_listing(&l);
    cJSON_Delete(l.list);
    yq_table_release(&l.table);
    yq_arena_free(l.arena);
    return status;
}

/* ---- link, unlink ---- */

/* argv: ID member|department KEY. */
static int parse_subject(struct yq_cli *cli, char **argv, struct yq_subject *ret)
{
    char *text = yq_printf("%s:%s", argv[1], argv[2]);
    bool known = strcmp(argv[1], "member") == 0 || strcmp(argv[1], "department") == 0;
    bool valid = known && yq_subject_parse(text, ret, NULL) == 0;
    free(text);
    if (valid)
        return 0;
    (void)yq_cli_usage(cli, _("\"%.20s %.80s\" is neither member USERID nor department ID"),
                       argv[1], argv[2]);
    return -1;
}

static enum yq_exit order(struct yq_cli *cli, int argc, char **argv, bool link)
{
    bool no_wait = false;
    const struct yq_argument known[] = {{"--no-wait", NULL, &no_wait}, {NULL, NULL, NULL}};
    struct yq_order o = {.kind = link ? YQ_EVENT_COMMAND_LINK : YQ_EVENT_COMMAND_UNLINK};
    int words = link ? 4 : 3;
    if (yq_cli_arguments(cli, known, &argc, argv, (int[]){words, words}) != 0 ||
        parse_subject(cli, argv, &o.subject) != 0)
        return YQ_EXIT_USAGE;
    if (link && (strlen(argv[3]) > 24 || strspn(argv[3], "0123456789") != strlen(argv[3])))
        return yq_cli_usage(cli, _("\"%.80s\" is no id of eteams"), argv[3]);
    if (yq_cli_open(cli) != 0 || yq_cli_connection(cli, argv[0]) == NULL)
        return YQ_EXIT_FAILED;
    o.no_wait = no_wait;
    o.field = link ? "eteams" : NULL;
    o.value = link ? argv[3] : NULL;
    return yq_cli_order(cli, argv[0], &o);
}

enum yq_exit yq_command_link(struct yq_cli *cli, int argc, char **argv)
{
    return order(cli, argc, argv, true);
}

enum yq_exit yq_command_unlink(struct yq_cli *cli, int argc, char **argv)
{
    return order(cli, argc, argv, false);
}
