#!/bin/bash
# What applying costs, over what the two peers make necessary, on this machine and in this run.
#
#   tests/bench/run_apply.sh [--quick] [BUILD]
#
# BUILD is a release build with benchmarks (cmake --preset bench; default build/bench). Prints the
# goals P10 to P13: the median of several rounds with its least and greatest. --quick takes less
# than a minute. Exit status 1 when a must is missed.
set -u
cd "$(dirname "$0")/../.." || exit 2
quick=0
[ "${1:-}" = --quick ] && { quick=1; shift; }
bench=$(find "${1:-build/bench}" -name bench_apply -type f | head -1)
[ -x "$bench" ] || { echo "no benchmarks in ${1:-build/bench}" >&2; exit 2; }

if [ $quick = 1 ]; then
    rounds=3 burst=2000 alone_rounds=1 alone=300 single_rounds=1 single=60
else
    rounds=5 burst=10000 alone_rounds=3 alone=1000 single_rounds=3 single=210
fi

# In memory where there is room: the disk's fsync would otherwise be a part of all there is to see.
[ -w /dev/shm ] && export YQ_TEST_DIR="${YQ_TEST_DIR:-/dev/shm}"
# In front of whatever else runs, where that is allowed: an idle system is asked for.
first=()
chrt -r 10 true 2>/dev/null && first=(chrt -r 10)
out=$(mktemp -d) || exit 2
trap 'rm -rf "$out"' EXIT

field() { sed -n "s/.*\b$1=\([-0-9.]*\).*/\1/p" "$2"; } # NAME FILE: one a line
spread() { # NAME FILE: "median (least … greatest)"
    field "$1" "$2" | sort -n |
        awk '{ v[NR] = $1 } END { printf "%s (%s … %s)", v[int((NR + 1) / 2)], v[1], v[NR] }'
}
missed=0
verdict() { # TEXT MEASURED ">=|<=" MUST AIM
    local value=${2%% *} word="aim reached"
    awk "BEGIN { exit !($value $3 $5) }" || word="must reached, aim $3 $5 not"
    awk "BEGIN { exit !($value $3 $4) }" || { word="must $3 $4 MISSED"; missed=1; }
    echo "$1 $2: $word"
}
round() { # FILE ARGUMENT…
    local file=$1
    shift
    "${first[@]}" "$bench" "$@" >"$out/line" || { echo "the benchmark failed" >&2; exit 1; }
    cat "$out/line" | tee -a "$file"
}

echo "# a burst of $burst new members in 40 departments: lists of departments"
for _ in $(seq $rounds); do round "$out/burst" burst $burst 40; done
echo "# a burst of $alone new members in as many departments: one read each"
for _ in $(seq $alone_rounds); do round "$out/alone" burst $alone $alone; done
echo "# $single single events: an update, a new member, a department's new name"
for _ in $(seq $single_rounds); do round "$out/single" single $single; done

verdict "P10 calls over the least, lists:" "$(spread calls_ratio "$out/burst")" "<=" 1.3 1.05
verdict "P10 calls over the least, one read each:" "$(spread calls_ratio "$out/alone")" "<=" 1.3 1.05
verdict "P11 throughput, lists:" "$(spread throughput_ratio "$out/burst")" ">=" 0.85 0.95
verdict "P11 throughput, one read each:" "$(spread throughput_ratio "$out/alone")" ">=" 0.85 0.95
echo "    (with answers of exactly 50 ms: lists $(spread nominal_ratio "$out/burst")," \
    "one read each $(spread nominal_ratio "$out/alone"))"
verdict "P12 added milliseconds, p99:" "$(spread added_p99 "$out/single")" "<=" 20 5
echo "    (p50 $(spread added_p50 "$out/single"), longest $(spread added_max "$out/single"))"
noop=$(cat "$out"/{burst,alone,single} | sed -n 's/.*noop=\([0-9]*\).*/\1/p' | awk '{ n += $1 } END { print n }')
verdict "P13 rows written with the values they had:" "$noop" "<=" 0 0
exit $missed
