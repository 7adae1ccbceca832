# shellcheck shell=bash
# The Debian packages of yunqiao, in one place, and installing what is missing. To be sourced.
#
#   need_packages build run     makes sure that these groups are there; installs nothing twice
#   list_packages build         prints a group, for a Dockerfile or a person

packages_build=(gcc libc6-dev cmake ninja-build pkg-config gettext
    libevent-dev libcurl4-openssl-dev libcjson-dev libssl-dev libhiredis-dev libexpat1-dev
    libyaml-dev libutf8proc-dev uthash-dev)
packages_run=(redis-server ca-certificates)
packages_image=(ca-certificates tzdata binutils) # what an image is put together from
packages_demo=(curl jq libcmocka-dev) # the simulators are built with the tests
packages_test=(libcmocka-dev clang-14 clang libclang-rt-14-dev clang-format-14 clang-format valgrind libc6-dbg curl jq
    prometheus libseccomp-dev python3-yaml util-linux binutils tzdata) # prometheus for its promtool: 20 MB to fetch, 110 on disk

packages_container=(buildah debootstrap) # an image, built for `tests/run --long`

list_packages() {
    local group
    for group in "$@"; do
        local -n packages_of_group=packages_$group
        printf '%s\n' "${packages_of_group[@]}"
    done | sort -u
}

missing_packages() {
    local -A there=()
    local package
    while read -r package; do
        there[${package%%:*}]=1
    done < <(dpkg-query -W -f='${db:Status-Status} ${Package}\n' 2>/dev/null | sed -n 's/^installed //p')
    for package in $(list_packages "$@"); do
        [[ -n ${there[$package]:-} ]] || printf '%s\n' "$package"
    done
}

# Debian starts a service that is installed. We only want the program: redis-server runs as a
# private one. That is what /usr/sbin/policy-rc.d is for; an existing one is left alone.
with_services_stopped() (
    policy=/usr/sbin/policy-rc.d
    if [[ ! -e $policy ]]; then
        trap '"${as_root[@]}" rm -f $policy' EXIT
        printf '#!/bin/sh\nexit 101\n' | "${as_root[@]}" tee $policy >/dev/null
        "${as_root[@]}" chmod 755 $policy
    fi
    "$@"
)

install_packages() {
    local log=$1
    shift
    local apt=("${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq -y)
    # The lists of a fresh image are empty or old: fetched once.
    "${apt[@]}" update >"$log" 2>&1 &&
        with_services_stopped "${apt[@]}" install --no-install-recommends "$@" >>"$log" 2>&1
}

need_packages() {
    command -v dpkg-query >/dev/null || {
        echo "This is no Debian: what is needed is listed in deploy/lib/packages.sh; going on." >&2
        return 0
    }
    local missing log status=0
    mapfile -t missing < <(missing_packages "$@")
    ((${#missing[@]} > 0)) || return 0
    as_root=()
    if ((EUID != 0)); then
        command -v sudo >/dev/null || {
            echo "Packages are missing, and there is neither root nor sudo. As root:" >&2
            echo "  apt-get update && apt-get install --no-install-recommends ${missing[*]}" >&2
            return 1
        }
        as_root=(sudo)
    fi
    echo "installing ${#missing[@]} packages: ${missing[*]}"
    log=$(mktemp)
    install_packages "$log" "${missing[@]}" || status=1
    if ((status != 0)); then
        tail -n 20 "$log" >&2
        echo "The packages could not be installed; the end of apt-get's output stands above." >&2
    fi
    rm -f "$log"
    return $status
}
