/* The commands with which a person answers a case. */
#include "answers.h"

#include <stdio.h>
#include <string.h>

#include "language.h"

struct asking {
    const char *id;
    const struct yq_subject *subject;
    char key[24]; /* of a department, as text */
    struct yq_answer *answers;
    size_t count;
};

static bool is_member(const struct asking *a)
{
    return a->subject->kind == YQ_SUBJECT_MEMBER;
}

static const char *name_of(const struct asking *a)
{
    return is_member(a) ? a->subject->userid : a->key;
}

static bool is_number(const char *text)
{
    return text != NULL && text[0] != '\0' && strspn(text, "0123456789") == strlen(text);
}

static void add_link(struct asking *a, const char *record)
{
    struct yq_answer *answer = &a->answers[a->count++];
    const char *place = is_member(a) ? "EMPLOYEEID" : "ORGID";
    (void)snprintf(answer->command, sizeof(answer->command), "yunqiao link %s %s %s %s", a->id,
                   is_member(a) ? "member" : "department", name_of(a),
                   is_number(record) ? record : place);
    answer->meaning = _("it is this record of eteams");
}

static void add_unlink(struct asking *a, const char *department, const char *meaning)
{
    struct yq_answer *answer = &a->answers[a->count++];
    bool other = is_number(department);
    (void)snprintf(answer->command, sizeof(answer->command), "yunqiao unlink %s %s %s", a->id,
                   is_member(a) && !other ? "member" : "department",
                   other ? department : name_of(a));
    answer->meaning = meaning;
}

static void add_sync(struct asking *a, const char *meaning)
{
    struct yq_answer *answer = &a->answers[a->count++];
    (void)snprintf(answer->command, sizeof(answer->command), "yunqiao sync %s --%s %s", a->id,
                   is_member(a) ? "member" : "department", name_of(a));
    answer->meaning = meaning;
}

size_t yq_answers_of(const char *id, const struct yq_subject *subject,
                     const struct yq_reason *reason, bool linked,
                     struct yq_answer ret[YQ_ANSWERS_MAX])
{
    struct asking a = {.id = id, .subject = subject, .answers = ret};
    (void)snprintf(a.key, sizeof(a.key), "%u", subject->id);
    if (subject->kind != YQ_SUBJECT_MEMBER && subject->kind != YQ_SUBJECT_DEPARTMENT)
        return 0;
    switch (reason->code) {
    case YQ_REASON_SEVERAL_HITS:
    case YQ_REASON_NAME_DIFFERS:
    case YQ_REASON_NAME_TAKEN:
        if (!linked)
            add_link(&a, reason->code == YQ_REASON_NAME_TAKEN ? reason->args[0] : NULL);
        else if (reason->code == YQ_REASON_NAME_TAKEN)
            add_unlink(&a, NULL, _("it is the one in the way: then bring this one in step"));
        add_sync(&a, linked && reason->code == YQ_REASON_NAME_DIFFERS
                         ? _("somebody else, who has a record of their own by now: ends the case")
                         : _("look again, once eteams has been put right"));
        break;
    case YQ_REASON_LOOKS_LIKE:
        add_unlink(&a, NULL, _("the same person: then link the new userid with the record"));
        add_sync(&a, _("somebody else: look at this one alone"));
        break;
    case YQ_REASON_NAMESAKE:
        add_link(&a, reason->args[0]);
        add_sync(&a, _("somebody else: makes a new record"));
        break;
    case YQ_REASON_NAME_LINKED:
        add_unlink(&a, reason->args[0], _("that link is wrong: then bring this one in step"));
        add_sync(&a, _("look again, once WeCom or eteams has been put right"));
        break;
    case YQ_REASON_LEFT_IN_ETEAMS:
        add_sync(&a, _("take the person back"));
        add_unlink(&a, NULL, _("somebody else: a sync then makes a new record"));
        break;
    default:
        add_sync(&a, _("look again, once its cause is gone"));
    }
    return a.count;
}
