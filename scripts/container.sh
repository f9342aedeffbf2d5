# shellcheck shell=bash
# What build.sh, test.sh and export.sh share about containers. Sourced with $root set.
#
# CONTAINER_ENGINE   docker or podman; default: docker when its service answers, else podman
# CONTAINER_RUNTIME  podman's --runtime; default podman's own, or runc where crun is known to fail

image_name=mitosis-detector
memory_gib=16 # what a job on a T4 gets

: "${root:?}"

fail() {
    echo "error: $*" >&2
    exit 1
}

choose_engine() {
    local name="${CONTAINER_ENGINE:-}"
    if [ -z "$name" ]; then
        if docker info >/dev/null 2>&1; then name=docker
        elif command -v podman >/dev/null; then name=podman
        else fail "no container engine: start docker, or install podman (Debian: apt install podman runc)"; fi
    fi
    case "$name" in docker | podman) ;; *) fail "CONTAINER_ENGINE=$name: docker or podman is expected" ;; esac
    command -v "$name" >/dev/null || fail "CONTAINER_ENGINE=$name: $name is not installed"
    engine=("$name")
    limits=()
    [ "$name" = podman ] || return 0
    # crun cannot set limits where cgroups of version 1 and 2 are mixed; runc can
    local runtime="${CONTAINER_RUNTIME:-}"
    if [ -z "$runtime" ] && command -v runc >/dev/null && [ "$(podman info -f '{{.Host.CgroupsVersion}}')" = v1 ]; then
        runtime=runc
    fi
    [ -z "$runtime" ] || engine+=(--runtime "$runtime")
    # podman asks for higher limits than this shell may have to give
    limits=(--ulimit "nofile=$(at_most 1024 "$(ulimit -Hn)"):$(at_most 4096 "$(ulimit -Hn)")")
    limits+=(--ulimit "nproc=$(at_most 4096 "$(ulimit -Hu)"):$(at_most 4096 "$(ulimit -Hu)")")
}

# at_most WANTED ALLOWED: the lesser of the two, `unlimited` being the most
at_most() { if [ "$2" = unlimited ] || [ "$1" -le "$2" ]; then echo "$1"; else echo "$2"; fi; }

is_podman() { [ "${engine[0]}" = podman ]; }

has_image() { "${engine[@]}" image inspect "$1" >/dev/null 2>&1; }

image_bytes() { "${engine[@]}" image inspect --format '{{.Size}}' "$1"; }


version() { sed -nE 's/^__version__ = "(.*)"/\1/p' "$root/algorithm/__init__.py"; }

image_tag() { # image_tag TARGET METHOD
    case "$2" in exec) echo "localhost/$image_name-$1:$(version)" ;; *) echo "localhost/$image_name-$1-$2:$(version)" ;; esac
}

# How grand-challenge.org runs a container, as an array of options for `run`. platform_options TARGET
platform_options() {
    platform=(--pull never --network none --read-only --cap-drop ALL --security-opt no-new-privileges)
    platform+=(--memory "${memory_gib}g" --memory-swap "${memory_gib}g" --pids-limit 512 --shm-size 128m)
    # the platform limits the data segment to the instance's memory less 1 GiB
    local data=$(((memory_gib - 1) * 1024 * 1024 * 1024))
    platform+=(--ulimit "data=$data:$data" --tmpfs "/tmp:rw,nosuid,nodev,size=2g,mode=1777" "${limits[@]}")
    [ "$1" = gpu ] || return 0
    if ! nvidia-smi >/dev/null 2>&1; then
        echo "no GPU here: the gpu image runs on the CPU" >&2
    elif is_podman; then
        platform+=(--device nvidia.com/gpu=all)
    else
        platform+=(--gpus all)
    fi
}
