/* What processes have on their disks, because Redis did not take it: as they last said. */
#ifndef YQ_APP_SPOOLS_H
#define YQ_APP_SPOOLS_H

#include <cjson/cJSON.h>

#include "commands.h"

/* [{"process","entries","bytes","since_ms","alive"}], those that hold something; NULL with a
 * sentence printed. */
cJSON *yq_spools_read(struct yq_cli *cli);
void yq_spools_print(struct yq_cli *cli, const cJSON *spools);

#endif
