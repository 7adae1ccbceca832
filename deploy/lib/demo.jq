# How the demo prints what eteams holds and what the bridge did. $zh: Chinese instead of English.

def t($en; $zh_text): if $zh then $zh_text else $en end;

# "技术中心/平台部" of an eteams department in the state; "总部" for the root itself.
def path($state; $id):
  ($state.departments | map({key: .id, value: .}) | from_entries) as $all
  | [$id | recurse($all[.].parent // empty; $all[.] != null)] | map($all[.].name // empty)
  | if length > 1 then .[:-1] else . end | reverse | join("/");

def row($state; $id):
  ($state.departments[] | select(.id == $id)), ($state.members[] | select(.id == $id));

def named($state; $field; $value):
  if $value == null or $value == "" then t("none"; "无")
  elif ["department", "parent", "post"] | index($field) then path($state; $value)
  else $value end;

def operation:
  { "department.create": t("creates the department"; "创建部门"),
    "department.link": t("links the department with the one that eteams has"; "与 eteams 已有部门建立关联"),
    "department.unlink": t("removes the link of the department"; "解除部门关联"),
    "department.update": t("changes the department"; "修改部门"),
    "department.enable": t("enables the department"; "启用部门"),
    "department.disable": t("disables the department"; "停用部门"),
    "member.create": t("creates the person, without a password"; "创建人员（无密码）"),
    "member.link": t("links the member with the person that eteams has"; "与 eteams 已有人员建立关联"),
    "member.relink": t("the link follows the new userid"; "关联随新账号迁移"),
    "member.unlink": t("removes the link of the member"; "解除人员关联"),
    "member.update": t("changes the person"; "修改人员"),
    "member.rehire": t("takes the person back"; "返聘人员"),
    "member.resign": t("resigns the person"; "办理离职"),
    "post.add": t("adds a part-time department"; "增加兼职部门"),
    "post.remove": t("removes a part-time department"; "移除兼职部门"),
    "none": t("writes nothing"; "不写入") }[.] // .;

def field:
  { "username": t("name"; "姓名"), "name": t("name"; "名称"), "mobile": t("mobile"; "手机"),
    "email": t("e-mail"; "邮箱"), "sex": t("gender"; "性别"), "job_num": t("job number"; "工号"),
    "department": t("department"; "部门"), "parent": t("parent"; "上级部门"),
    "post": t("part-time in"; "兼职部门"), "userid": "userid" }[.] // .;

def change($state):
  named($state; .field; .before) as $before | named($state; .field; .after) as $after
  | "\(.field | field): " + if .before == null then $after
                            elif .after == null then $before
                            else "\($before) → \($after)" end;

# One step of `yunqiao explain --json` as a line.
def step($state):
  (.rule | if . == "" then "–" else . end) as $rule
  | [.changes[] | select(.field != "eteams" and .field != "userid") | change($state)] as $changes
  | "\($rule + "    "[($rule | length):]) \(.op | operation)"
    + (if $changes | length > 0 then ": " + ($changes | join(", ")) else "" end)
    + (if .why then " (\(.why))" else "" end)
    + (if .result == "failed" then t(" — failed, will be tried again"; " — 失败，将重试") else "" end);

# What eteams holds of one subject: the record that the link or the last step names.
def held($state; $explained):
  ($explained.link.eteams
   // ([$explained.steps[].changes[] | select(.field == "eteams") | .after] | last)) as $id
  | if $id == null then t("nothing"; "无记录")
    else row($state; $id)
      | if .username then
          .username
          + (if .personnel_status == "6" then t(": resigned"; "：已离职")
             else ": " + path($state; .department[0])
               + ([.department[1:][] | path($state; .)] as $more
                  | if $more | length > 0 then t(", part-time in "; "，兼职 ") + ($more | join(", ")) else "" end)
               + t(", in service"; "，在职") end)
        else path($state; .id) + (if .status == "0" then t(" (disabled)"; "（停用）") else "" end) end
    end;
