#!/bin/bash
# What a full reconcile costs, over what it must cost, on this machine and in this run.
#
#   tests/bench/run_reconcile.sh [--quick] [BUILD]
#
# BUILD is a release build with benchmarks (cmake --preset bench; default build/bench). Prints the
# goals P7 to P9 for 1,000 to 1,000,000 people in one table, and P14 for 10,000: the median of
# several rounds with its least and greatest. --quick ends at 100,000 people and takes half a
# minute. Exit status 1 when a must is missed.
set -u
cd "$(dirname "$0")/../.." || exit 2
quick=0
[ "${1:-}" = --quick ] && { quick=1; shift; }
bin=$(find "${1:-build/bench}" -name bench_full -type f -printf '%h\n' | head -1)
[ -x "$bin/bench_reconcile" ] || { echo "no benchmarks in ${1:-build/bench}" >&2; exit 2; }

if [ $quick = 1 ]; then
    sizes="1000 10000 100000" rounds=5 still_rounds=1
else
    sizes="1000 10000 100000 1000000" rounds=5 still_rounds=3
fi
last=${sizes##* }

# In memory where there is room: the disk's fsync would otherwise be a part of all there is to see.
[ -w /dev/shm ] && export YQ_TEST_DIR="${YQ_TEST_DIR:-/dev/shm}"
# In front of whatever else runs, where that is allowed.
first=()
chrt -r 10 true 2>/dev/null && first=(chrt -r 10)
out=$(mktemp -d) || exit 2
trap 'rm -rf "$out"' EXIT

field() { sed -n "s/.*\b$1=\([-0-9.]*\).*/\1/p" "$2"; } # NAME FILE: one a line
spread() { # NAME FILE: "median (least … greatest)"
    field "$1" "$2" | sort -n |
        awk '{ v[NR] = $1 } END { printf "%s (%s … %s)", v[int((NR + 1) / 2)], v[1], v[NR] }'
}
median() { local all; all=$(spread "$1" "$2"); echo "${all%% *}"; }
missed=0
verdict() { # TEXT MEASURED MUST AIM: the less, the better
    local value=${2%% *} word="aim reached"
    awk "BEGIN { exit !($value <= $4) }" || word="must reached, aim <= $4 not"
    awk "BEGIN { exit !($value <= $3) }" || { word="must <= $3 MISSED"; missed=1; }
    echo "$1 $2: $word"
}
exponent() { # NAME: how it grows from 10,000 people to the most
    local less more
    less=$(median "$1" "$out/10000") more=$(median "$1" "$out/$last")
    awk "BEGIN { printf \"%.3f\", log($more / $less) / log($last / 10000) }"
}

echo "# both directories compared and what differs (1 %) planned, over the parsing of their pages"
printf '%10s  %-27s %-27s %-27s %8s %8s %8s\n' people 'CPU over the floor' 'CPU, s' 'time, s' \
    'peak, MB' 'pages, MB' 'over'
for people in $sizes; do
    for _ in $(seq $rounds); do
        "${first[@]}" "$bin/bench_reconcile" "$people" >>"$out/$people" ||
            { echo "the benchmark failed" >&2; exit 1; }
    done
    printf '%10s  %-29s %-29s %-29s %8s %8s %8s\n' "$people" "$(spread cpu_ratio "$out/$people")" \
        "$(spread cpu "$out/$people")" "$(spread wall "$out/$people")" \
        "$(median peak_mb "$out/$people")" "$(median pages_mb "$out/$people")" \
        "$(median memory_ratio "$out/$people")"
done
echo "# a reconcile in which nothing changed, 10,000 people in 200 departments"
for _ in $(seq $still_rounds); do
    "$bin/bench_full" still 10000 200 | tee -a "$out/still"
    [ "${PIPESTATUS[0]}" = 0 ] || { echo "the benchmark failed" >&2; exit 1; }
done

verdict "P7 CPU over the floor, $last people:" "$(spread cpu_ratio "$out/$last")" 1.8 1.5
verdict "P8 peak memory over one side's pages, $last people:" \
    "$(spread memory_ratio "$out/$last")" 0.40 0.20
verdict "P9 growth of CPU from 10,000 to $last people:" "$(exponent cpu)" 1.05 1.02
verdict "P9 growth of memory from 10,000 to $last people:" "$(exponent peak_mb)" 1.0 0.95
verdict "P14 rows written:" "$(field writes "$out/still" | sort -n | tail -1)" 0 0
verdict "P14 calls over pages:" "$(spread calls_ratio "$out/still")" 1.05 1.0
exit $missed
