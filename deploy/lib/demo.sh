# shellcheck shell=bash disable=SC2154
# How the demo speaks, starts and ends what it needs, and prints what became of a change. To be
# sourced; whoever does so makes $folder, and says where $root and $eteams are.

# ---- two languages ----

case ${LC_ALL:-${LC_MESSAGES:-${LANG:-}}} in
zh*) zh=true ;;
*) zh=false ;;
esac
# The language is known; texts are UTF-8 also where that locale is not installed.
[[ -z ${LC_ALL:-} ]] || export LANG=$LC_ALL && unset LC_ALL
export LC_CTYPE=C.UTF-8
t() { if $zh; then printf '%s' "$2"; else printf '%s' "$1"; fi; }
say() { printf '%s\n' "$*"; }
now_ms() { local now=${EPOCHREALTIME/[.,]/}; printf '%d' "${now:0:-3}"; }

# ---- waiting ----

# until_true SECONDS COMMAND…: polls; false when the time is over.
until_true() {
    local deadline=$(($(now_ms) + $1 * 1000))
    shift
    until "$@"; do
        (($(now_ms) < deadline)) || return 1
        sleep 0.02
    done
}

# ---- the end, good or bad ----

folder=''
declare -A pid_of=() # of redis, wecom, eteams, yunqiao: those that run
end_all() {
    local pid
    ((${#pid_of[@]} == 0)) || kill "${pid_of[@]}" 2>/dev/null
    for pid in "${pid_of[@]}"; do
        wait "$pid" 2>/dev/null
    done
    [[ -z $folder ]] || rm -rf "$folder"
}
die() {
    trap - INT TERM
    printf '\n%s %s\n' "$(t "${0##*/}: failed:" "${0##*/}: 失败：")" "$1" >&2
    local log
    for log in "$folder"/*.log; do
        [[ -s $log ]] || continue
        printf -- '---- %s\n' "${log##*/}" >&2
        tail -n "${2:-15}" "$log" >&2
    done
    exit 1
}
trap end_all EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# ---- processes ----

# start NAME COMMAND…: in the background; output in NAME.out, errors in NAME.log.
start() {
    local name=$1
    shift
    setsid "$@" >"$folder/$name.out" 2>"$folder/$name.log" </dev/null &
    pid_of[$name]=$!
}
alive() { kill -0 "$1" 2>/dev/null; }
said() { grep -q "^$2\b" "$folder/$1.out"; }
said_or_dead() { said "$1" "$2" || ! alive "${pid_of[$1]}"; }
# await NAME WORD: waits for the line that begins with WORD, prints what follows it.
await() {
    until_true 20 said_or_dead "$1" "$2"
    said "$1" "$2" || die "$(t "$1 does not start" "$1 未能启动")" 40
    sed -n "s/^$2 *//p" "$folder/$1.out" | head -n 1
}

get() { curl -sS --noproxy '*' --max-time 10 "$@"; }
post() { curl -sS --noproxy '*' --max-time 20 -H 'Content-Type: application/json' -d "$2" "$1"; }

# ---- what became of a change ----

# tell LAST-EVENT LAST-STEP LAST-ROW: what came in, what was done since, what eteams holds.
tell() {
    redis --json XRANGE "yq:{demo}:events" "($1" + >"$folder/events.json"
    redis --json XRANGE "yq:{demo}:audit" "($2" + >"$folder/audit.json"
    get "$eteams/_sim/state" >"$folder/state.json"
    get "$eteams/_sim/history?after=$3" >"$folder/rows.json"
    jq -r 'map(.[1] | "\(.[3]) \(.[5])") as $all
        | if $all | unique | length > 6 then $all | map(split(" ")[0]) else $all end | .[]' \
        "$folder/events.json" | collapse | indent "$(t callback 回调)"
    local subject
    while read -r subject; do
        yunqiao explain demo "${subject%%:*}" "${subject#*:}" --json || die "explain $subject"
    done < <(jq -r '[.[][1][9]] | reduce .[] as $s ([]; if index($s) then . else . + [$s] end)
        | .[:40][]' "$folder/audit.json") >"$folder/explain.json"
    show --arg last "$2" 'def number: split("-") | map(tonumber);
        .steps[] | select((.entry | number) > ($last | number)) | step($state[0])' |
        collapse | indent "$(t bridge 云桥)"
    show 'held($state[0]; .)' | awk '!seen[$0]++' | shorten 4 | indent eteams
}
show() { jq -r --slurpfile state "$folder/state.json" --argjson zh $zh -L "$root/deploy/lib" "${@:1:$#-1}" \
    'include "demo"; '"${*: -1}" "$folder/explain.json"; }
# Equal lines once, with how often they came.
collapse() { awk '!n[$0]++ { order[++k] = $0 }
    END { for (i = 1; i <= k; i++) print order[i] (n[order[i]] > 1 ? " ×" n[order[i]] : "") }'; }
shorten() { awk -v most="$1" -v more="$(t "more" "更多")" 'NR <= most { print } END { if (NR > most) print "… " NR - most " " more }'; }
indent() { # the heading in front of the first line only; ten columns wide, Chinese or not
    local heading=$1 line width=${#1}
    [[ $heading == *[a-z]* ]] || width=$((2 * width))
    while IFS= read -r line; do
        printf '    %s%*s %s\n' "$heading" $((10 - width)) '' "$line"
        heading='' width=0
    done
}
# From the callback (its entry in the queue) to the last row that eteams changed.
tell_time() {
    jq -nr --slurpfile events "$folder/events.json" --slurpfile audit "$folder/audit.json" \
        --slurpfile rows "$folder/rows.json" --argjson zh $zh '
        def ms: split("-")[0] | tonumber;
        ($events[0][0][0] | ms) as $from
        | ($rows[0].rows | map(.at_ms) | max) as $written
        | if $written then "\($written - $from) ms " + (if $zh then "（从回调到写入 eteams）" else "from the callback to the change in eteams" end)
          else "\(($audit[0][-1][0] | ms) - $from) ms " + (if $zh then "（从回调到作出决定）" else "from the callback to the decision" end) end' |
        indent "$(t time 用时)"
}
