/* The words in which explain tells what came in and what was done. */
#include "explain_words.h"

#include <string.h>

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

/* What was done, by operation; NULL for one that is not known. */
const char *yq_words_of_operation(const char *name)
{
    static const char *const sentences[YQ_OPERATION_KIND_COUNT] = {
        [YQ_OP_DEPARTMENT_UNLINK] = N_("the link of the department was removed"),
        [YQ_OP_DEPARTMENT_LINK] = N_("the department was linked with one that eteams has"),
        [YQ_OP_DEPARTMENT_ENABLE] = N_("the department was enabled in eteams"),
        [YQ_OP_DEPARTMENT_CREATE] = N_("the department was created in eteams"),
        [YQ_OP_DEPARTMENT_UPDATE] = N_("the department was changed in eteams"),
        [YQ_OP_MEMBER_RELINK] = N_("the link followed the member's new userid"),
        [YQ_OP_MEMBER_UNLINK] = N_("the link of the member was removed"),
        [YQ_OP_MEMBER_LINK] = N_("the member was linked with a person that eteams has"),
        [YQ_OP_MEMBER_REHIRE] = N_("the person was taken back in eteams"),
        [YQ_OP_MEMBER_CREATE] = N_("the person was created in eteams"),
        [YQ_OP_MEMBER_UPDATE] = N_("the person was changed in eteams"),
        [YQ_OP_POST_REMOVE] = N_("a part-time department was removed in eteams"),
        [YQ_OP_POST_ADD] = N_("a part-time department was added in eteams"),
        [YQ_OP_MEMBER_SUPERIORS] = N_("the superiors of the person were changed in eteams"),
        [YQ_OP_MEMBER_RESIGN] = N_("the person was resigned in eteams"),
        [YQ_OP_DEPARTMENT_DISABLE] = N_("the department was disabled in eteams"),
    };
    enum yq_operation_kind kind;
    if (strcmp(name, "letter.retry") == 0)
        return _("an operator had the dead letter sent again");
    if (strcmp(name, "letter.drop") == 0)
        return _("an operator dropped the dead letter");
    if (yq_operation_kind_parse(name, &kind) != 0 || sentences[kind] == NULL)
        return NULL;
    return _(sentences[kind]);
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
