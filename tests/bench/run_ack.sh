#!/bin/bash
# What taking a callback costs, over the floors, on this machine and in this run.
#
#   tests/bench/run_ack.sh [--quick] [BUILD]
#
# BUILD is a release build with benchmarks (cmake --preset bench; default build/bench). Prints the
# goals P1 to P6 (P2 where Node.js and npm are at hand): the median of five rounds with its least and greatest. The server has
# CPU 0; Redis and the generator share CPU 1. --quick takes about a minute. Exit status 1 when a
# must is missed.
set -u
cd "$(dirname "$0")/../.." || exit 2
quick=0
[ "${1:-}" = --quick ] && { quick=1; shift; }
bin=$(cd "${1:-build/bench}" && find "$PWD" -name bench_load -printf '%h\n' | head -1)
[ -x "$bin/bench_receiver" ] || { echo "no benchmarks in ${1:-build/bench}" >&2; exit 2; }

if [ $quick = 1 ]; then
    rounds=5 span=1 open_span=2 open_rounds=3 first=30000 last=300000 few=5000
else
    rounds=5 span=6 open_span=20 open_rounds=5 first=100000 last=1000000 few=50000
fi

# In memory where there is room: the disk's fsync would otherwise be all there is to see.
place=${YQ_BENCH_DIR:-/dev/shm}
[ -w "$place" ] || place=/tmp
dir=$(mktemp -d "$place/yq-bench-XXXXXX")
redis_pid= server_pid=
finish() {
    [ -n "$server_pid" ] && kill "$server_pid" 2>/dev/null
    [ -n "$redis_pid" ] && kill "$redis_pid" 2>/dev/null && wait "$redis_pid" 2>/dev/null
    rm -rf "$dir"
}
trap finish EXIT
trap 'exit 130' INT TERM

taskset -c 1 redis-server --port 0 --unixsocket "$dir/redis.sock" --dir "$dir" --save '' \
    --appendonly yes --appendfsync always --auto-aof-rewrite-percentage 0 --daemonize no \
    >"$dir/redis.log" 2>&1 &
redis_pid=$!
cli() { redis-cli -s "$dir/redis.sock" --raw "$@"; }
for _ in $(seq 100); do cli PING >/dev/null 2>&1 && break; sleep 0.05; done

empty_redis() {
    cli FLUSHALL >/dev/null
    cli BGREWRITEAOF >/dev/null
    while cli INFO persistence | grep -q 'aof_rewrite_in_progress:1'; do sleep 0.05; done
}

start_server() { # PROGRAM ARGUMENT…
    : >"$dir/out"
    taskset -c 0 "$@" >"$dir/out" 2>"$dir/err" &
    server_pid=$!
    for _ in $(seq 100); do grep -q ready "$dir/out" && break; sleep 0.05; done
    port=$(sed -n 's/^listening callbacks .*://p' "$dir/out")
}
stop_server() {
    kill "$server_pid" && wait "$server_pid" 2>/dev/null
    server_pid=
}
ours() { start_server "$bin/bench_receiver" "$dir/redis.sock"; sleep 0.2; }
floor2() { start_server "$bin/bench_floors" f2 "$dir/redis.sock"; sleep 0.2; }
load() { taskset -c 1 "$bin/bench_load" --port "$port" --pid "$server_pid" "$@"; }
field() { sed -n "s/.*\b$1=\([0-9.]*\).*/\1/p" <<<"$2"; }
ratio() { awk "BEGIN { printf \"%.3f\", $1 }"; }
spread() { # numbers, one a line: "median (least … greatest)"
    sort -n | awk '{ v[NR] = $1 } END { printf "%.3f (%.3f … %.3f)", v[int((NR + 1) / 2)], v[1], v[NR] }'
}
missed=0
verdict() { # NAME MUST MEASURED_TEXT [RELATION]
    local value=${3%% *} relation=${4:-<=}
    if awk "BEGIN { exit !($value $relation $2) }"; then
        echo "$1 $3, must be $relation $2"
    else
        echo "$1 $3, must be $relation $2: MISSED"
        missed=1
    fi
}
# The server on Node.js, with its packages: from npm, kept beside the benchmarks.
node_floor() {
    start_server node "$bin/node/server.js" "$dir/redis.sock" bench benchToken \
        abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG
    sleep 0.5
}
prepare_node() {
    command -v node npm >/dev/null || return 1
    mkdir -p "$bin/node" && cp tests/bench/node/* "$bin/node/" &&
        (cd "$bin/node" && npm install --no-audit --no-fund >"$dir/npm.log" 2>&1)
}

echo "# floors and ours, CPU microseconds per callback at saturation, 32 connections"
: >"$dir/p1" >"$dir/p1x"
for round in $(seq $rounds); do
    f3=$(taskset -c 0 "$bin/bench_floors" f3)
    x=$(taskset -c 0 "$bin/bench_floors" x)
    floor2; f2_line=$(load --seconds $span); stop_server; empty_redis
    start_server "$bin/bench_floors" f2x "$dir/redis.sock"; sleep 0.2
    f2x=$(field cpu_us "$(load --seconds $span)"); stop_server; empty_redis
    ours; line=$(load --seconds $span); stop_server; empty_redis
    f2=$(field cpu_us "$f2_line") own=$(field cpu_us "$line")
    echo "round $round: F2 $f2 (XADD alone $f2x) F3 $f3 X $x ours $own;" \
        "requests/s: F2 $(field rps "$f2_line") ours $(field rps "$line")"
    ratio "$own / ($f2 + $f3 + $x)" >>"$dir/p1"; echo >>"$dir/p1"
    ratio "$own / ($f2x + $f3 + $x)" >>"$dir/p1x"; echo >>"$dir/p1x"
    f2_rps=$(field rps "$f2_line") own_rps=$(field rps "$line")
done
verdict "P1 CPU over F2 + F3 + X:" 1.25 "$(spread <"$dir/p1")"
echo "   (over an F2 without the ZADD: $(spread <"$dir/p1x"))"

if prepare_node; then
    : >"$dir/p2"
    for _ in $(seq $rounds); do
        node_floor; load --seconds $span >/dev/null # until it is compiled
        node_line=$(load --seconds $span); stop_server; empty_redis
        ours; line=$(load --seconds $span); stop_server; empty_redis
        echo "requests/s on one core: node $(field rps "$node_line") ours $(field rps "$line");" \
            "CPU us: node $(field cpu_us "$node_line") ours $(field cpu_us "$line")"
        ratio "$(field rps "$line") / $(field rps "$node_line")" >>"$dir/p2"; echo >>"$dir/p2"
    done
    verdict "P2 requests/s per core over node:" 3.5 "$(spread <"$dir/p2")" '>='
else
    echo "P2 not measured: no Node.js, or its packages cannot be had"
fi

: >"$dir/p3a" >"$dir/p3b"
for _ in $(seq $open_rounds); do
    floor2
    f2_line=$(load --seconds "$open_span" --rate 1000 --connections 64)
    f2_half=$(load --seconds "$open_span" --rate $((f2_rps / 2)) --connections 64)
    stop_server; empty_redis
    ours
    line=$(load --seconds "$open_span" --rate 1000 --connections 64)
    half=$(load --seconds "$open_span" --rate $((own_rps / 2)) --connections 64)
    stop_server; empty_redis
    echo "p99 at 1000/s: F2 $(field p99 "$f2_line") ours $(field p99 "$line") us;" \
        "p99.9 at half: F2 $(field p999 "$f2_half") ours $(field p999 "$half") us"
    ratio "$(field p99 "$line") / $(field p99 "$f2_line")" >>"$dir/p3a"; echo >>"$dir/p3a"
    ratio "$(field p999 "$half") / $(field p999 "$f2_half")" >>"$dir/p3b"; echo >>"$dir/p3b"
done
verdict "P3 p99 at 1000/s over F2:" 1.5 "$(spread <"$dir/p3a")"
verdict "P3 p99.9 at half of own saturation over F2:" 1.75 "$(spread <"$dir/p3b")"

faults=0
for way in "--connections 32" "--connections 256" "--connections 64 --close"; do
    ours
    # shellcheck disable=SC2086 # several words
    line=$(load --count $few --unique --invalid 5 $way)
    stop_server
    accepted=$(field accepted "$line")
    cli XRANGE "yq:{bench}:events" - + >"$dir/entries"
    stored=$(grep -c '^member:' "$dir/entries")
    distinct=$(grep '^member:' "$dir/entries" | sort -u | wc -l)
    forged=$(grep -c 'forged' "$dir/entries")
    empty_redis
    bad=$((stored - distinct + forged + $(field wrong "$line") + $(field broken "$line")))
    bad=$((bad + (accepted > distinct ? accepted - distinct : distinct - accepted)))
    faults=$((faults + bad))
    echo "P4 $way: accepted $accepted stored $stored distinct $distinct forged $forged" \
        "wrong $(field wrong "$line") broken $(field broken "$line")"
done
verdict "P4 faults:" 0 "$faults"

: >"$dir/p5"
for _ in $(seq $rounds); do
    ours
    yes=$(field cpu_us "$(load --seconds $span)")
    no=$(field cpu_us "$(load --seconds $span --invalid 100)")
    stop_server; empty_redis
    ratio "$no / $yes" >>"$dir/p5"; echo >>"$dir/p5"
done
verdict "P5 CPU of refusing over accepting:" 0.8 "$(spread <"$dir/p5")"

ours
done_count=0 first_kb=
while [ $done_count -lt $last ]; do
    line=$(load --count $first)
    done_count=$((done_count + first))
    first_kb=${first_kb:-$(field rss_kb "$line")}
    empty_redis
done
last_kb=$(field rss_kb "$line")
stop_server
verdict "P6 resident MiB after $last callbacks:" 18 "$(ratio "$last_kb / 1024")"
verdict "P6 growth from $first to $last, percent:" 5 "$(ratio "($last_kb - $first_kb) * 100 / $first_kb")"
exit $missed
