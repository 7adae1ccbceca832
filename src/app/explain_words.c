/* The words for what came in, what was done about it, and what a plan would do. */
#include "explain_words.h"

#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "language.h"
#include "mask.h"

char *yq_words_of_reason(const struct yq_reason *reason)
{
    struct yq_buf text = YQ_BUF_INIT, masked = YQ_BUF_INIT;
    const char *sentence = yq_reason_template(reason->code);
    if (sentence[0] != '\0')
        yq_reason_format(reason, _(sentence), &text);
    yq_mask_text(yq_buf_text(&text), &masked);
    yq_buf_release(&text);
    return yq_buf_steal(&masked);
}

struct yq_reason yq_words_read_reason(const cJSON *tree)
{
    struct yq_reason reason = {.code = YQ_REASON_NONE};
    const cJSON *arg, *name = yq_json_get(tree, "reason");
    size_t i = 0;
    if (!cJSON_IsString(name) || yq_reason_parse(name->valuestring, &reason.code) != 0)
        return (struct yq_reason){.code = YQ_REASON_NONE};
    cJSON_ArrayForEach (arg, yq_json_get(tree, "args")) {
        if (i < 3 && cJSON_IsString(arg))
            reason.args[i++] = arg->valuestring;
    }
    return reason;
}

/* What came in, by kind of event. */
const char *yq_words_of_event(enum yq_event_kind kind)
{
    static const char *const sentences[YQ_EVENT_KIND_COUNT] = {
        [YQ_EVENT_MEMBER_CREATED] = N_("WeCom reported a new member"),
        [YQ_EVENT_MEMBER_UPDATED] = N_("WeCom reported that the member changed"),
        [YQ_EVENT_MEMBER_DELETED] = N_("WeCom reported that the member was deleted"),
        [YQ_EVENT_MEMBER_ENTERED] =
            N_("WeCom reported that the member came into the visible range"),
        [YQ_EVENT_MEMBER_LEFT] = N_("WeCom reported that the member left the visible range"),
        [YQ_EVENT_DEPARTMENT_CREATED] = N_("WeCom reported a new department"),
        [YQ_EVENT_DEPARTMENT_UPDATED] = N_("WeCom reported that the department changed"),
        [YQ_EVENT_DEPARTMENT_DELETED] = N_("WeCom reported that the department was deleted"),
        [YQ_EVENT_TAG_UPDATED] = N_("WeCom reported that a tag changed"),
        [YQ_EVENT_COMMAND_SYNC] = N_("an operator asked for it to be brought in step"),
        [YQ_EVENT_COMMAND_PUSH] = N_("an operator asked for it to be pushed to WeCom"),
        [YQ_EVENT_COMMAND_APPROVE] = N_("an operator approved a plan that holds it"),
        [YQ_EVENT_COMMAND_LINK] = N_("an operator said which record of eteams it is"),
        [YQ_EVENT_COMMAND_SUPERIORS] = N_("an operator asked for superiors to be put back"),
        [YQ_EVENT_COMMAND_REPLAY] = N_("an operator asked for the plan of a replay"),
        [YQ_EVENT_SUPERIOR_CHANGED] =
            N_("somebody whom WeCom names as its superior came into eteams, or left it"),
        [YQ_EVENT_CASE_REOPENED] = N_("what stood in the way has changed"),
        [YQ_EVENT_COMMAND_UNLINK] = N_("an operator asked for its link to be removed"),
    };
    return sentences[kind] != NULL ? _(sentences[kind]) : _("an event came in");
}

/* What was done, and what is to be done, by operation. */
static const struct {
    const char *done, *planned;
} operations[YQ_OPERATION_KIND_COUNT] = {
    [YQ_OP_DEPARTMENT_UNLINK] = {N_("the link of the department was removed"),
                                 N_("remove the link of the department")},
    [YQ_OP_DEPARTMENT_LINK] = {N_("the department was linked with one that eteams has"),
                               N_("link the department with one that eteams has")},
    [YQ_OP_DEPARTMENT_ENABLE] = {N_("the department was enabled in eteams"),
                                 N_("enable the department in eteams")},
    [YQ_OP_DEPARTMENT_CREATE] = {N_("the department was created in eteams"),
                                 N_("create the department in eteams")},
    [YQ_OP_DEPARTMENT_UPDATE] = {N_("the department was changed in eteams"),
                                 N_("change the department in eteams")},
    [YQ_OP_MEMBER_RELINK] = {N_("the link followed the member's new userid"),
                             N_("let the link follow the member's new userid")},
    [YQ_OP_MEMBER_UNLINK] = {N_("the link of the member was removed"),
                             N_("remove the link of the member")},
    [YQ_OP_MEMBER_LINK] = {N_("the member was linked with a person that eteams has"),
                           N_("link the member with a person that eteams has")},
    [YQ_OP_MEMBER_REHIRE] = {N_("the person was taken back in eteams"),
                             N_("take the person back in eteams")},
    [YQ_OP_MEMBER_CREATE] = {N_("the person was created in eteams"),
                             N_("create the person in eteams")},
    [YQ_OP_MEMBER_UPDATE] = {N_("the person was changed in eteams"),
                             N_("change the person in eteams")},
    [YQ_OP_POST_REMOVE] = {N_("a part-time department was removed in eteams"),
                           N_("remove a part-time department in eteams")},
    [YQ_OP_POST_ADD] = {N_("a part-time department was added in eteams"),
                        N_("add a part-time department in eteams")},
    [YQ_OP_MEMBER_SUPERIORS] = {N_("the superiors of the person were changed in eteams"),
                                N_("change the superiors of the person in eteams")},
    [YQ_OP_MEMBER_RESIGN] = {N_("the person was resigned in eteams"),
                             N_("resign the person in eteams")},
    [YQ_OP_DEPARTMENT_DISABLE] = {N_("the department was disabled in eteams"),
                                  N_("disable the department in eteams")},
};

const char *yq_words_of_operation(const char *name)
{
    enum yq_operation_kind kind;
    if (strcmp(name, "letter.retry") == 0)
        return _("an operator had the dead letter sent again");
    if (strcmp(name, "letter.drop") == 0)
        return _("an operator dropped the dead letter");
    if (yq_operation_kind_parse(name, &kind) != 0 || operations[kind].done == NULL)
        return NULL;
    return _(operations[kind].done);
}

const char *yq_words_of_planned(const char *name)
{
    enum yq_operation_kind kind;
    if (yq_operation_kind_parse(name, &kind) != 0 || operations[kind].planned == NULL)
        return name;
    return _(operations[kind].planned);
}

static const struct {
    const char *word, *done, *planned;
} verdicts[] = {
    {"wait", N_("nothing was done yet"), N_("nothing can be done yet")},
    {"case", N_("nothing was done: a person must decide"), N_("a person must decide")},
    {"held", N_("nothing was done: it waits for approval"), N_("it waits for approval")},
    {"none", N_("nothing was done"), N_("nothing to do")},
};

const char *yq_words_of_verdict(const char *word)
{
    for (size_t i = 0; i < sizeof(verdicts) / sizeof(verdicts[0]); i++) {
        if (strcmp(verdicts[i].word, word) == 0)
            return _(verdicts[i].done);
    }
    return _("nothing was done");
}

const char *yq_words_of_planned_verdict(const char *word)
{
    for (size_t i = 0; i < sizeof(verdicts) / sizeof(verdicts[0]); i++) {
        if (strcmp(verdicts[i].word, word) == 0)
            return _(verdicts[i].planned);
    }
    return NULL;
}

const char *yq_words_of_field(const char *field)
{
    static const char *const names[][2] = {
        {"username", N_("name")},
        {"name", N_("name")},
        {"mobile", N_("mobile")},
        {"email", N_("e-mail")},
        {"sex", N_("gender")},
        {"job_num", N_("job number")},
        {"department", N_("department")},
        {"parent", N_("parent department")},
        {"post", N_("part-time department")},
        {"superior", N_("superior")},
        {"other_superior", N_("other superiors")},
        {"eteams", N_("record in eteams")},
        {"userid", N_("userid")},
        {"event", N_("event")},
        {"reason", N_("reason")},
        {"error", N_("error")},
        {"attempts", N_("attempts")},
    };
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strcmp(names[i][0], field) == 0)
            return _(names[i][1]);
    }
    return field;
}

/* The rules of the bridge in a few words each. */
const char *yq_words_of_rule(const char *rule)
{
    static const char *const rules[][2] = {
        {"R1", N_("new department")},
        {"R2", N_("department of the same name and position")},
        {"R3", N_("new member")},
        {"R4", N_("same account")},
        {"R5", N_("member left")},
        {"R6", N_("department of a member changed")},
        {"R7", N_("part-time departments")},
        {"R8", N_("department renamed")},
        {"R10", N_("nothing visible: under the root")},
        {"R13", N_("the last administrator stays")},
        {"S2", N_("superiors follow WeCom")},
        {"command", N_("an operator's decision")},
    };
    for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
        if (strcmp(rules[i][0], rule) == 0)
            return _(rules[i][1]);
    }
    return NULL;
}

const char *yq_words_of_link(const char *how)
{
    static const char *const ways[][2] = {
        {"root", N_("as the root")},       {"name", N_("by name and position")},
        {"created", N_("by creating it")}, {"command", N_("by an operator")},
        {"account", N_("by account")},     {"mobile", N_("by mobile")},
        {"email", N_("by e-mail")},        {"job_num", N_("by job number")},
    };
    for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
        if (strcmp(ways[i][0], how) == 0)
            return _(ways[i][1]);
    }
    return how;
}

/* ---- values ---- */

static char *shown_value(const char *field, const char *value, const char *name)
{
    struct yq_buf text = YQ_BUF_INIT;
    if (name != NULL)
        yq_buf_addf(&text, "%s (%s)", name, value);
    else if (value == NULL || value[0] == '\0')
        yq_buf_adds(&text, _("empty"));
    else if (yq_mask_is_personal(field))
        yq_mask_value(value, &text);
    else if (strcmp(field, "error") == 0 || strcmp(field, "reason") == 0)
        yq_mask_text(value, &text);
    else
        yq_buf_adds(&text, value);
    return yq_buf_steal(&text);
}

void yq_words_print_change(FILE *out, const struct yq_explain_change *c)
{
    char *before = shown_value(c->field, c->before, c->before_name);
    char *after = shown_value(c->field, c->after, c->after_name);
    const char *name = yq_words_of_field(c->field);
    if (c->before != NULL && c->after != NULL)
        fprintf(out, _("    %s: %s → %s\n"), name, before, after);
    else
        fprintf(out, _("    %s: %s\n"), name, c->before != NULL ? before : after);
    free(before);
    free(after);
}
