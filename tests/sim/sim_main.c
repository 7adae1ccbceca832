/* yunqiao-sim: the two peers of yunqiao, played for tests and the demo. */
#include "sim_main.h"

#include <stdio.h>
#include <string.h>

static const char usage[] =
    "usage: yunqiao-sim wecom --listen 127.0.0.1:0 [--seed N] [--people N] [--departments N]\n"
    "                         [--state FILE.json] [--corp-id ID] [--app-secret S]\n"
    "                         [--contacts-secret S] [--agent-id N] [--token-life SECONDS]\n"
    "                         [--rate PER_MINUTE] [--callback FILE.json]\n"
    "       yunqiao-sim eteams --help\n"
    "The control sides are described in tests/sim/README.md.\n";

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "wecom") == 0)
        return sim_wecom_main(argc - 1, argv + 1);
    if (argc > 1 && strcmp(argv[1], "eteams") == 0)
        return sim_eteams_main(argc - 1, argv + 1);
    fputs(usage, stderr);
    return 2;
}
