/* sync: asks for one subject, or for everything, to be brought in step; cancel: ends that. */
#include <string.h>

#include "clients/store_reconcile.h"
#include "commands.h"

static int parse_subject(const char *member, const char *department, struct yq_subject *ret)
{
    uint32_t number;
    if (member == NULL && department == NULL) {
        *ret = yq_subject_all();
        return 0;
    }
    if (member != NULL && yq_userid_valid(member, strlen(member))) {
        *ret = yq_subject_member(member);
        return 0;
    }
    if (department != NULL && yq_wecom_id_parse(department, strlen(department), &number) == 0) {
        *ret = yq_subject_department(number);
        return 0;
    }
    return -1;
}

enum yq_exit yq_command_sync(struct yq_cli *cli, int argc, char **argv)
{
    const char *member = NULL, *department = NULL;
    bool dry_run = false, no_wait = false;
    const struct yq_argument known[] = {{"--member", &member, NULL},
                                        {"--department", &department, NULL},
                                        {"--dry-run", NULL, &dry_run},
                                        {"--no-wait", NULL, &no_wait},
                                        {NULL, NULL, NULL}};
    struct yq_subject subject;
    if (yq_cli_arguments(cli, known, &argc, argv, (int[]){1, 1}) != 0)
        return YQ_EXIT_USAGE;
    if (member != NULL && department != NULL)
        return yq_cli_usage(cli, _("one of --member and --department, or neither"));
    if (parse_subject(member, department, &subject) != 0)
        return yq_cli_usage(cli, _("\"%.80s\" is no userid or department id"),
                            member != NULL ? member : department);
    if (yq_cli_open(cli) != 0 || yq_cli_connection(cli, argv[0]) == NULL)
        return YQ_EXIT_FAILED;
    return yq_cli_order(cli, argv[0],
                        &(struct yq_order){.kind = YQ_EVENT_COMMAND_SYNC,
                                           .subject = subject,
                                           .field = dry_run ? "dry_run" : NULL,
                                           .value = "1",
                                           .no_wait = no_wait});
}

enum yq_exit yq_command_cancel(struct yq_cli *cli, int argc, char **argv)
{
    struct yq_error err = {0};
    bool found = false;
    if (yq_cli_arguments(cli, NULL, &argc, argv, (int[]){2, 2}) != 0)
        return YQ_EXIT_USAGE;
    if (yq_cli_open(cli) != 0 || yq_cli_connection(cli, argv[0]) == NULL)
        return YQ_EXIT_FAILED;
    if (yq_store_cancel_reconcile(cli->redis, &cli->keys, argv[0], argv[1], &found, &err) != 0)
        return yq_cli_fail(cli, "%s", err.text);
    if (!found)
        return yq_cli_fail(cli, _("no such run is going, or waits: %.80s"), argv[1]);
    if (cli->json)
        fprintf(cli->out, "{\"run\":\"%s\",\"cancelled\":true}\n", argv[1]);
    else
        fprintf(cli->out, _("%s ends at its next page\n"), argv[1]);
    return YQ_EXIT_DONE;
}
