/* The one place where a script asks whether a stream holds entries that its group has not read.
 * For scripts of this floor: lease.c, ready.c. */
#ifndef YQ_SRC_CLIENTS_UNREAD_H
#define YQ_SRC_CLIENTS_UNREAD_H

/* group_of(events, group): the group's fields of XINFO GROUPS as a table; nil without stream or
 * group. has_unread(events, group): a stream whose group is missing is unread. */
#define YQ_LUA_GROUP_OF                                                                            \
    "local function fields(list)\n"                                                                \
    "  local t = {}\n"                                                                             \
    "  for i = 1, #list, 2 do t[list[i]] = list[i + 1] end\n"                                      \
    "  return t\n"                                                                                 \
    "end\n"                                                                                        \
    "local function group_of(events, group)\n"                                                     \
    "  if redis.call('EXISTS', events) == 0 then return nil end\n"                                 \
    "  for _, g in ipairs(redis.call('XINFO', 'GROUPS', events)) do\n"                             \
    "    local t = fields(g)\n"                                                                    \
    "    if t['name'] == group then return t end\n"                                                \
    "  end\n"                                                                                      \
    "  return nil\n"                                                                               \
    "end\n"

#define YQ_LUA_HAS_UNREAD                                                                          \
    YQ_LUA_GROUP_OF                                                                                \
    "local function has_unread(events, group)\n"                                                   \
    "  if redis.call('EXISTS', events) == 0 then return false end\n"                               \
    "  local g = group_of(events, group)\n"                                                        \
    "  if not g then return true end\n"                                                            \
    "  local last = g['last-delivered-id']\n"                                                      \
    "  local made = fields(redis.call('XINFO', 'STREAM', events))['last-generated-id']\n"          \
    "  if made == last then return false end\n"                                                    \
    "  return #redis.call('XRANGE', events, '(' .. last, '+', 'COUNT', 1) > 0\n"                   \
    "end\n"

#endif
