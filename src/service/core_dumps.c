/* Two locks, since a core_pattern that is a pipe does not heed the limit. */
#include "service/core_dumps.h"

#include <stddef.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include "service/log.h"

void yq_core_dumps_forbid(void)
{
    static const struct rlimit none = {0, 0};
    if (setrlimit(RLIMIT_CORE, &none) != 0 || prctl(PR_SET_DUMPABLE, 0) != 0)
        yq_log(YQ_LOG_WARN, "serve.core_dumps", "meaning", "a core dump would hold secrets", NULL);
}
