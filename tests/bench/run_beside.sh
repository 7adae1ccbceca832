#!/bin/bash
# How long events wait beside a full reconcile, on this machine and in this run.
#
#   tests/bench/run_beside.sh [--quick] [BUILD]
#
# BUILD is a release build with benchmarks (cmake --preset bench; default build/bench). 100,000
# people on both sides; first the reconcile that links them, then one that compares them at the
# pace of the defaults, which takes minutes; and one that brings 10,000 into an empty eteams: eleven
# minutes in all. --quick: 5,000 and 1,000 people, a minute. Exit status 1 when the must is missed.
set -u
cd "$(dirname "$0")/../.." || exit 2
quick=0
[ "${1:-}" = --quick ] && { quick=1; shift; }
bench=$(find "${1:-build/bench}" -name bench_full -type f | head -1)
[ -x "$bench" ] || { echo "no benchmarks in ${1:-build/bench}" >&2; exit 2; }

people=100000 departments=2000 new_people=10000 new_departments=200 events=3000
[ $quick = 1 ] && people=5000 departments=100 new_people=1000 new_departments=20
# In memory where there is room: the disk's fsync would otherwise be a part of all there is to see.
[ -w /dev/shm ] && export YQ_TEST_DIR="${YQ_TEST_DIR:-/dev/shm}"
out=$(mktemp) || exit 2
trap 'rm -f "$out"' EXIT

field() { sed -n "s/.*\b$1=\([-0-9.]*\).*/\1/p" "$out"; }
missed=0
verdict() { # TEXT PREFIX
    local word="must reached"
    awk "BEGIN { exit !($(field "$2_p99") <= 2000) }" || { word="must <= 2000 ms MISSED"; missed=1; }
    echo "$1, $(field "$2_events") events in $(field "$2_beside_ms") ms: p50 $(field "$2_p50") ms," \
        "p99 $(field "$2_p99") ms, longest $(field "$2_max") ms: $word"
}

echo "# $people people in $departments departments; a change every 300 ms; answers take 50 ms"
"$bench" beside $people $departments $events >"$out" || { echo "the benchmark failed" >&2; exit 1; }
verdict "beside the first reconcile, 1000 calls a second" linking
verdict "beside a reconcile, 10 calls a second" reading
echo "# $new_people people who are not in eteams yet, in $new_departments departments; a change a second"
"$bench" filling $new_people $new_departments $events >>"$out" ||
    { echo "the benchmark failed" >&2; exit 1; }
verdict "beside a reconcile that makes them, 10 calls a second" filling
noop=$(field noop | sort -n | tail -1)
[ "$noop" = 0 ] || { echo "rows written with the values they had: $noop"; missed=1; }
exit $missed
