/* Lays two states of the world before the oracle. */
#include <string.h>

#include "base/json.h"
#include "oracle/oracle.h"
#include "world.h"

typedef void write_state(const struct world *w, struct yq_buf *out);

static cJSON *as_json(write_state *write, const struct world *w)
{
    struct yq_buf text = YQ_BUF_INIT;
    write(w, &text);
    cJSON *tree = yq_json_parse(yq_buf_text(&text), text.len, NULL);
    yq_buf_release(&text);
    return tree;
}

static void put_unreadable(const struct world *w, struct yq_buf *out)
{
    yq_buf_adds(out, ",\"unreadable\":[\"\"");
    for (size_t i = 0; i < w->department_count; i++) {
        if (w->departments[i].unreadable)
            yq_buf_addf(out, ",\"department:%u\"", w->departments[i].id);
    }
    for (size_t i = 0; i < w->member_count; i++) {
        if (w->members[i].unreadable || w->members[i].no_departments)
            yq_buf_addf(out, ",\"member:%s\"", w->members[i].userid);
    }
    yq_buf_adds(out, "],\"never_touch\":[\"\"");
    for (char **m = w->policy.never_touch_members; m != NULL && *m != NULL; m++)
        yq_buf_addf(out, ",\"member:%s\"", *m);
    for (size_t i = 0; i < w->policy.never_touch_department_count; i++)
        yq_buf_addf(out, ",\"department:%u\"", w->policy.never_touch_departments[i]);
    yq_buf_addc(out, ']');
}

/* Changes of userid that are true: WeCom has the new one, and no longer the old one. */
static void put_renamed(const struct world *w, struct yq_buf *out)
{
    const char *comma = "";
    yq_buf_adds(out, ",\"renamed\":{");
    for (size_t i = 0; i < w->event_count; i++) {
        const struct world_event *e = &w->events[i];
        cJSON *data = cJSON_Parse(e->data);
        const cJSON *to = yq_json_get(data, "new_userid");
        if (cJSON_IsString(to) && world_member(w, to->valuestring) != NULL &&
            world_member(w, e->subject.userid) == NULL) {
            yq_buf_addf(out, "%s\"%s\":\"%s\"", comma, e->subject.userid, to->valuestring);
            comma = ",";
        }
        cJSON_Delete(data);
    }
    yq_buf_addc(out, '}');
}

static cJSON *options_of(const struct world *w, bool held)
{
    static const char *const modes[] = {"incremental", "full", "none"};
    static const char *const words[] = {"false", "true"};
    struct yq_buf text = YQ_BUF_INIT;
    bool administrators = w->administrators_offered && w->administrators_readable;
    yq_buf_addf(&text, "{\"sensitive_readable\":%s,\"posts_readable\":%s,\"held\":%s",
                words[w->sensitive_readable], words[w->posts_readable], words[held]);
    yq_buf_addf(&text, ",\"administrators_readable\":%s,\"disable_departments\":%s",
                words[administrators], words[w->policy.disable_departments]);
    yq_buf_addf(&text, ",\"rename_root\":%s", words[w->policy.rename_root]);
    yq_buf_addf(&text, ",\"part_time\":\"%s\",\"disabled_members\":\"%s\"",
                modes[w->policy.part_time],
                w->policy.disabled_members == YQ_DISABLED_RESIGN ? "resign" : "keep");
    yq_buf_addf(&text, ",\"superiors\":%s,\"superior_source\":\"%s\"", words[w->policy.superiors],
                w->policy.superior_source == YQ_SUPERIOR_DEPARTMENT ? "department"
                                                                    : "direct_leader");
    yq_buf_addf(&text, ",\"direct_leaders_readable\":%s,\"leaders_readable\":%s",
                words[w->direct_leaders_readable], words[w->leaders_readable]);
    put_unreadable(w, &text);
    put_renamed(w, &text);
    yq_buf_addc(&text, '}');
    cJSON *tree = yq_json_parse(yq_buf_text(&text), text.len, NULL);
    yq_buf_release(&text);
    return tree;
}

size_t world_judge(const struct world *before, const struct world *after, bool held,
                   struct yq_buf *out)
{
    cJSON *trees[] = {
        as_json(world_wecom_state, before),
        as_json(world_eteams_state, before),
        as_json(world_eteams_state, after),
        as_json(world_department_links, before),
        as_json(world_department_links, after),
        as_json(world_member_links, before),
        as_json(world_member_links, after),
        as_json(world_touched, before),
        options_of(before, held),
    };
    struct oracle_case c = {
        .wecom = trees[0],
        .before = trees[1],
        .after = trees[2],
        .department_links_before = trees[3],
        .department_links_after = trees[4],
        .member_links_before = trees[5],
        .member_links_after = trees[6],
        .touched = trees[7],
        .options = trees[8],
    };
    size_t differences = oracle_judge(&c, out);
    for (size_t i = 0; i < sizeof(trees) / sizeof(trees[0]); i++)
        cJSON_Delete(trees[i]);
    return differences;
}
