/* confined [-r ROOT -u USER] PROFILE COMMAND…: runs COMMAND, in ROOT and as USER without any
 * privilege where these are given, under a seccomp profile as container runtimes read them (JSON),
 * but stricter: what the profile does not name kills the process, so that no test passes by
 * luck over an error code. */
#include <cjson/cJSON.h>
#include <grp.h>
#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#define ARGS_MAX 6

static void die(const char *what, const char *which)
{
    fprintf(stderr, "confined: %s: %s\n", which, what);
    exit(125);
}

static cJSON *read_profile(const char *path)
{
    static char text[262144];
    FILE *f = fopen(path, "rb");
    size_t len = f != NULL ? fread(text, 1, sizeof(text) - 1, f) : 0;
    cJSON *tree = cJSON_ParseWithLength(text, len);
    if (f == NULL || fclose(f) != 0 || tree == NULL)
        die("no profile", path);
    return tree;
}

static uint64_t number(const cJSON *arg, const char *name)
{
    const cJSON *n = cJSON_GetObjectItemCaseSensitive(arg, name);
    if (!cJSON_IsNumber(n))
        die("is no number", name);
    return (uint64_t)n->valuedouble;
}

static unsigned read_args(const cJSON *rule, struct scmp_arg_cmp out[ARGS_MAX])
{
    const cJSON *arg;
    unsigned count = 0;
    cJSON_ArrayForEach (arg, cJSON_GetObjectItemCaseSensitive(rule, "args")) {
        const char *op = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(arg, "op"));
        if (op == NULL || strcmp(op, "SCMP_CMP_MASKED_EQ") != 0 || count == ARGS_MAX)
            die("is not known here", op != NULL ? op : "args");
        out[count++] = (struct scmp_arg_cmp){.arg = (unsigned)number(arg, "index"),
                                             .op = SCMP_CMP_MASKED_EQ,
                                             .datum_a = number(arg, "value"),
                                             .datum_b = number(arg, "valueTwo")};
    }
    return count;
}

static uint32_t action_of(const cJSON *rule)
{
    const char *action = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(rule, "action"));
    if (action != NULL && strcmp(action, "SCMP_ACT_ALLOW") == 0)
        return SCMP_ACT_ALLOW;
    if (action == NULL || strcmp(action, "SCMP_ACT_ERRNO") != 0)
        die("is not known here", action != NULL ? action : "action");
    return SCMP_ACT_ERRNO((uint32_t)number(rule, "errnoRet"));
}

static void add_rule(scmp_filter_ctx filter, const cJSON *rule)
{
    struct scmp_arg_cmp args[ARGS_MAX];
    unsigned count = read_args(rule, args);
    const cJSON *name;
    cJSON_ArrayForEach (name, cJSON_GetObjectItemCaseSensitive(rule, "names")) {
        int call = seccomp_syscall_resolve_name(name->valuestring);
        if (call == __NR_SCMP_ERROR)
            die("is no system call", name->valuestring);
        if (call >= 0 && seccomp_rule_add_array(filter, action_of(rule), call, count, args) != 0)
            die("cannot be added", name->valuestring);
    }
}

/* What a container runtime does before. */
static void enter(const char *root, uid_t user)
{
    if (root != NULL && (chroot(root) != 0 || chdir("/") != 0))
        die("cannot be entered", root);
    if (user != 0 && (setgroups(0, NULL) != 0 || setgid(user) != 0 || setuid(user) != 0))
        die("cannot be changed", "user");
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        die("cannot be set", "no_new_privs");
}

int main(int argc, char **argv)
{
    const char *root = NULL;
    uid_t user = 0;
    for (int c; (c = getopt(argc, argv, "+r:u:")) != -1;) {
        if (c == 'r')
            root = optarg;
        else if (c == 'u')
            user = (uid_t)atoi(optarg);
        else
            die("unknown option", argv[0]);
    }
    argv += optind - 1;
    if (argc - optind < 2)
        die("usage: confined [-r ROOT -u USER] PROFILE COMMAND…", argv[0]);
    cJSON *profile = read_profile(argv[1]);
    const cJSON *rule;
    const char *otherwise =
        cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(profile, "defaultAction"));
    if (otherwise == NULL || strcmp(otherwise, "SCMP_ACT_ERRNO") != 0)
        die("allows what it does not name", argv[1]);
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_KILL_PROCESS);
    cJSON_ArrayForEach (rule, cJSON_GetObjectItemCaseSensitive(profile, "syscalls")) {
        add_rule(filter, rule);
    }
    enter(root, user);
    if (seccomp_load(filter) != 0)
        die("cannot be loaded", argv[1]);
    seccomp_release(filter);
    cJSON_Delete(profile);
    execvp(argv[2], argv + 2);
    die("cannot be run", argv[2]);
}
