#!/bin/bash
# How long `yunqiao explain` takes for one subject among many: a Redis of its own is filled with
# AUDIT entries of the audit and EVENTS events, and asked for a subject with 64 of the former, spread
# over all. The must: below 200 ms, the whole command, with 1,000,000 entries; the least of eleven
# counts, since what else the machine does is not the question.
#
#   tests/bench/run_explain.sh [--quick] [AUDIT [EVENTS]]       after cmake --build --preset bench
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
program=${YUNQIAO:-$root/build/bench/yunqiao}
must_ms=200
rounds=11
audit=1000000 events=200000
if [ "${1:-}" = --quick ]; then audit=50000 events=50000 && shift; fi
audit=${1:-$audit} events=${2:-$events}
[ -x "$program" ] || { echo "no $program: cmake --preset bench && cmake --build --preset bench" >&2; exit 2; }

place=$(mktemp -d "${YQ_TEST_DIR:-/tmp}/yq-explain-XXXXXX")
server=
clean_up() {
    [ -z "$server" ] || { kill "$server" && wait "$server" || true; }
    rm -rf "$place"
}
trap clean_up EXIT

# Not synced while it is filled: only reading is measured.
redis-server --port 0 --unixsocket "$place/redis.sock" --dir "$place" --save "" --appendonly no \
    --logfile "$place/redis.log" &
server=$!
ask() { redis-cli -s "$place/redis.sock" "$@"; }
for _ in $(seq 100); do [ "$(ask PING 2>/dev/null)" = PONG ] && break; sleep 0.1; done

fill() {
    awk -v audit="$audit" -v events="$events" -v start="$(($(date +%s%3N) - audit - events))" '
    function event(i, who) {
        printf "XADD yq:{acme}:events %.0f-0 v 1 kind member.updated subject member:%s source callback " \
               "at %.0f digest %064d data \047{\"userid\":\"%s\",\"fields\":{\"name\":\"员工%d\",\"mobile\":\"139%08d\"}}\047 raw \047%s\047\n",
               start + i, who, int((start + i) / 1000), i, who, i, i % 100000000, raw
    }
    function entry(i, who) {
        printf "XADD yq:{acme}:audit %.0f-1 run run-%d event %.0f-0 rule R6 op member.update subject member:%s " \
               "before \047{\"department\":\"研发\",\"mobile\":\"139%08d\"}\047 after \047{\"department\":\"测试\",\"mobile\":\"138%08d\"}\047 result ok\n",
               start + i, i / 10, start + i % events, who, i % 100000000, i % 100000000
        printf "LPUSH yq:{acme}:audit:member:%s %.0f-1\n", who, start + i
    }
    BEGIN {
        raw = "<xml><ToUserName>ww0123456789abcdef</ToUserName><FromUserName>sys</FromUserName>"
        while (length(raw) < 700) raw = raw "<Item><Name>text</Name><Value>a value of it</Value></Item>"
        for (i = 0; i < events; i++) event(i, i % int(events / 20 + 1) ? "user." i % 30000 : "li.na")
        for (i = 0; i < audit; i++) entry(i, i % int(audit / 64 + 1) ? "user." i % 100000 : "li.na")
    }' | LC_ALL=C redis-cli -s "$place/redis.sock" --pipe > "$place/filled" 2>&1 ||
        { tail -3 "$place/filled" >&2; exit 2; }
    ask XGROUP CREATE 'yq:{acme}:events' sync '$' > "$place/group"
}
fill

cat > "$place/yunqiao.yaml" <<YAML
listen: "127.0.0.1:0"
admin: { listen: "127.0.0.1:0", token: "bench-admin-token" }
redis: { url: "unix:$place/redis.sock", prefix: "yq" }
spool_dir: ""
connections:
  - id: acme
    wecom:
      corp_id: ww0123456789abcdef
      callback: { token: T, encoding_aes_key: abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG }
      agent_id: 1000002
      app_secret: s
      contacts_secret: s
    eteams: { open_base: "http://127.0.0.1:1", corp_id: c, app_key: k, app_secret: s }
YAML

for _ in $(seq "$rounds"); do
    from=$(date +%s%N)
    "$program" explain acme member li.na -c "$place/yunqiao.yaml" > "$place/story"
    echo $((($(date +%s%N) - from) / 100000))
done | sort -n > "$place/times"
lines=$(wc -l < "$place/story")
median=$(sed -n $(((rounds + 1) / 2))p "$place/times")
least=$(head -1 "$place/times") most=$(tail -1 "$place/times")
printf 'audit %s, events %s, Redis %s, story of %s lines: %s ms (%s to %s), must be below %s\n' \
    "$(ask XLEN 'yq:{acme}:audit')" "$(ask XLEN 'yq:{acme}:events')" \
    "$(ask INFO memory | sed -n 's/^used_memory_human:\(.*\)\r$/\1/p')" "$lines" \
    "$((median / 10)).$((median % 10))" "$((least / 10)).$((least % 10))" "$((most / 10)).$((most % 10))" "$must_ms"
[ "$lines" -gt 60 ] && [ "$least" -lt $((must_ms * 10)) ]
