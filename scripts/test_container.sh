#!/usr/bin/env bash
# Builds the image and runs it as grand-challenge.org does; scripts/test_container.sh --help shows what is asked of it.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
. "$root/scripts/environment.sh"
. "$root/scripts/container.sh"

usage() {
    cat <<'TEXT'
usage: ./test.sh --container [--target cpu|gpu]     (scripts/test_container.sh alone: without the other tests)

Builds the image for both calling modes and runs it as the platform does: no network, root and input read-only, no
capabilities, no new privileges, 16 GB, a limit on processes, a fresh /tmp, the model mounted at /opt/ml/model; with the
GPU when there is one. Its results must be those of this machine's own run, byte for byte, on the sample and on a frame.
Then faults: little memory, a full /tmp, an /output that is read-only, killed half way, two jobs in one folder.

environment, beside build.sh's:
  BASE_IMAGE   base of the cpu image; default: made from Debian's packages where mmdebstrap is installed
  FRAME        a picture (JPEG, PNG) to run beside the sample; default one of ../shared/data when that is there
  FRAME_MPP    its um/px; default 0.2456
TEXT
}

target=cpu
while [ $# -gt 0 ]; do
    case "$1" in
        --target) [ $# -gt 1 ] || fail "--target needs a value: cpu or gpu"; target="$2"; shift 2 ;;
        -h | --help) usage; exit ;;
        *) usage >&2; fail "unknown argument: $1" ;;
    esac
done
case "$target" in cpu | gpu) ;; *) fail "--target $target: cpu or gpu is expected" ;; esac
choose_engine
cd "$root"
ensure run requirements.txt

size_limit_mb=1000
if [ "$target" = gpu ]; then size_limit_mb=6000; fi
server="$image_name-test-$$"
work=$(mktemp -d)
finish() {
    "${engine[@]}" rm --force "$server" >/dev/null 2>&1 || true
    rm -rf "$work"
}
trap finish EXIT
chmod 755 "$work" # the image's user looks in here

say() { echo "-- $*"; }

build() { # build METHOD
    ./build.sh --target "$target" --method "$1" >"$work/build.log" 2>&1 || { cat "$work/build.log" >&2; fail "the $1 image cannot be built"; }
    tail -n 1 "$work/build.log"
}

new_output() { # a folder that the image's user can write
    rm -rf "$1" && mkdir -p "$1" && chmod 777 "$1"
}

run_as_platform() { # run_as_platform INPUT OUTPUT [MODEL] -- ARGUMENTS OF run...
    local input="$1" output="$2"
    shift 2
    "${engine[@]}" run --rm "${platform[@]}" -v "$input:/input:ro" -v "$output:/output" "$@"
}

# The same engine, precision and threads on the same machine: the same bytes. Elsewhere a tolerance has to do.
same() { # same NAME FOUND EXPECTED
    if cmp -s "$2" "$3"; then
        say "$1: byte for byte the local result"
    elif [ "$(uname -sm)" = "Linux x86_64" ] && [ "$target" = cpu ]; then
        "$python" test/compare_outputs.py "$2" "$3" || true
        fail "$1: not the bytes of the local run"
    else
        "$python" test/compare_outputs.py "$2" "$3"
    fi
}

prepare_cases() {
    mkdir -p "$work/input" "$work/local"
    cp -r test/input/interf0 "$work/input/sample"
    cases=(sample)
    local frame="${FRAME:-../shared/data/icpr2012_test/A00_00.jpg}"
    if [ -f "$frame" ]; then
        "$python" test/make_case.py "$frame" "$work/input/frame" --mpp "${FRAME_MPP:-0.2456}" >/dev/null
        cases+=(frame)
    elif [ -n "${FRAME:-}" ]; then
        fail "FRAME=$FRAME: no such file"
    else
        say "no real frame here: set FRAME to a picture to run one beside the sample"
    fi
    chmod -R a+rX "$work/input"
    local name
    for name in "${cases[@]}"; do
        mkdir "$work/local/$name"
        "$python" -m algorithm run --input "$work/input/$name" --output "$work/local/$name" --model model >"$work/local/$name.log"
        say "local, $name: $(tail -n 1 "$work/local/$name.log")"
    done
}

test_restrictions() { # test_restrictions IMAGE
    new_output "$work/output"
    run_as_platform "$work/input/sample" "$work/output" -v "$root/model:/opt/ml/model:ro" -i --entrypoint python "$1" - <scripts/inside_container.py
}

test_exec() { # test_exec IMAGE
    local name output start
    for name in "${cases[@]}"; do
        output="$work/exec/$name"
        new_output "$output"
        start=$SECONDS
        run_as_platform "$work/input/$name" "$output" -v "$root/model:/opt/ml/model:ro" "$1" >"$work/exec/$name.log" 2>"$work/exec/$name.err" ||
            { cat "$work/exec/$name".{log,err} >&2; fail "exec, $name: the container failed"; }
        same "exec, $name ($((SECONDS - start)) s)" "$output/mitotic-figures.json" "$work/local/$name/mitotic-figures.json"
        [ "$(ls "$output")" = mitotic-figures.json ] || fail "exec, $name: more than the result in /output: $(ls "$output")"
    done
}

test_failure() { # test_failure IMAGE: without a model there is a reason, a code and no output
    local code=0
    new_output "$work/output"
    run_as_platform "$work/input/sample" "$work/output" "$1" >/dev/null 2>"$work/error" || code=$?
    if [ "$code" != 3 ] || [ -n "$(ls "$work/output")" ] || [[ "$(tail -n 1 "$work/error")" != error:* ]]; then
        cat "$work/error" >&2
        fail "without a model: code 3, a reason and an empty /output were expected; the code was $code"
    fi
    say "without a model: code 3, $(tail -n 1 "$work/error")"
}

in_server() { "${engine[@]}" exec -i "$server" python - "$@" <scripts/call_server.py; }

test_invoke() { # test_invoke IMAGE: the server is there before any input, then gets case after case
    local name start
    mkdir -p "$work/case"
    chmod 755 "$work/case"
    new_output "$work/output"
    "${engine[@]}" run --detach --name "$server" "${platform[@]}" -v "$work/case:/input:ro" -v "$work/output:/output" \
        -v "$root/model:/opt/ml/model:ro" "$1" >/dev/null
    start=$SECONDS
    in_server health || { "${engine[@]}" logs "$server" >&2; fail "invoke: /health did not become 200"; }
    say "invoke: ready after $((SECONDS - start)) s"
    for name in "${cases[@]}" "${cases[0]}"; do
        find "$work/case" "$work/output" -mindepth 1 -delete
        cp -r "$work/input/$name/." "$work/case/"
        chmod -R a+rX "$work/case"
        in_server invoke || { "${engine[@]}" logs "$server" >&2; fail "invoke, $name: 201 was expected"; }
        same "invoke, $name" "$work/output/mitotic-figures.json" "$work/local/$name/mitotic-figures.json"
    done
    start=$SECONDS
    "${engine[@]}" stop --time 20 "$server" >/dev/null
    [ $((SECONDS - start)) -le 5 ] || fail "invoke: SIGTERM took $((SECONDS - start)) s; the platform kills after 5"
    say "invoke: ended $((SECONDS - start)) s after SIGTERM"
}

echo "== the $target image, exec"
if [ "$target" = cpu ] && [ -z "${BASE_IMAGE:-}" ] && command -v mmdebstrap >/dev/null; then
    BASE_IMAGE=$(CONTAINER_ENGINE="${engine[0]}" scripts/base_image.sh)
    export BASE_IMAGE
fi
export CONTAINER_ENGINE="${engine[0]}"
build exec
image=$(image_tag "$target" exec)
megabytes=$(($(image_bytes "$image") / 1000000))
[ "$megabytes" -lt "$size_limit_mb" ] || fail "$image: $megabytes MB; less than $size_limit_mb were promised"
platform_options "$target"
prepare_cases
test_restrictions "$image"
test_exec "$image"
test_failure "$image"
echo "== the $target image, faults"
. "$root/scripts/container_faults.sh"
test_faults "$image"

echo "== the $target image, invoke"
if grep -qE '^def serve\(' algorithm/cli.py; then
    build invoke
    test_invoke "$(image_tag "$target" invoke)"
    tested="both calling modes"
else
    say "not tested: this version has no \`python -m algorithm serve\`"
    tested="exec mode only, as this version has no \`serve\`"
fi
echo "the $target image passed: $megabytes MB, $tested, with ${engine[0]}"
