/* Secrets stand in this process' memory; nobody shall find them in a file it left behind. */
#ifndef YQ_SERVICE_CORE_DUMPS_H
#define YQ_SERVICE_CORE_DUMPS_H

/* No core dump when it crashes, and no reading of its memory by other processes of its user. */
void yq_core_dumps_forbid(void);

#endif
