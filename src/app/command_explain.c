/* explain: what is known about one subject, told as a story. */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "commands.h"
#include "explain_story.h"
#include "printing.h"

enum yq_exit yq_command_explain(struct yq_cli *cli, int argc, char **argv)
{
    struct yq_subject subject;
    struct yq_explain story = {0};
    struct yq_error err = {0};
    enum yq_exit status = YQ_EXIT_DONE;
    if (yq_cli_arguments(cli, NULL, &argc, argv, (int[]){3, 3}) != 0)
        return YQ_EXIT_USAGE;
    char *text = yq_printf("%s:%s", argv[1], argv[2]);
    bool known = strcmp(argv[1], "member") == 0 || strcmp(argv[1], "department") == 0;
    bool valid = known && yq_subject_parse(text, &subject, NULL) == 0;
    free(text);
    if (!valid)
        return yq_cli_usage(cli, _("\"%.20s %.80s\" is neither member USERID nor department ID"),
                            argv[1], argv[2]);
    if (yq_cli_open(cli) != 0 || yq_cli_connection(cli, argv[0]) == NULL)
        return YQ_EXIT_FAILED;
    if (yq_explain_gather(cli->redis, &cli->keys, argv[0], &subject, &story, &err) != 0)
        status = yq_cli_fail(cli, "%s", err.text);
    else if (cli->json)
        yq_print_json(yq_explain_as_json(cli, argv[0], &story), cli->out);
    else
        yq_explain_tell(cli, argv[0], &story);
    yq_explain_release(&story);
    return status;
}
