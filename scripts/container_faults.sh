# shellcheck shell=bash
# What a container must survive, or end with a reason. Sourced by test_container.sh, whose variables and functions it uses.

: "${work:?}" "${root:?}" "${python:?}" "${server:?}" "${memory_gib:?}" "${engine[0]:?}" "${platform[0]:?}"

# small_platform SIZE OF /tmp, MEMORY: the platform's options with less
small_platform() {
    local option
    smaller=()
    for option in "${platform[@]}"; do
        case "$option" in
            /tmp:*) option="/tmp:rw,nosuid,nodev,size=$1,mode=1777" ;;
            "${memory_gib}g") option="$2" ;;
        esac
        smaller+=("$option")
    done
}

run_smaller() { # run_smaller INPUT OUTPUT IMAGE
    "${engine[@]}" run --rm "${smaller[@]}" -v "$1:/input:ro" -v "$2:/output" -v "$root/model:/opt/ml/model:ro" "$3"
}

# a case of WIDTH x HEIGHT px: the drawn sample, repeated
make_region() { # make_region FOLDER WIDTH HEIGHT MPP KIND
    mkdir -p "$1/images/histopathology-roi-cropout"
    "$python" - "$@" <<'PYTHON'
import sys
from pathlib import Path
from benchmarks.pictures import region, write_tiff
folder, width, height, mpp, kind = sys.argv[1:]
path = Path(folder) / "images/histopathology-roi-cropout/case.tif"
write_tiff(path, region(int(width), int(height)), mpp=float(mpp), kind=kind)
PYTHON
    chmod -R a+rX "$1"
}

test_memory() { # test_memory IMAGE NAME MEMORY WIDTH HEIGHT MPP KIND
    local input="$work/input/$2" output="$work/fault" start=$SECONDS
    make_region "$input" "${@:4}"
    new_output "$output"
    small_platform 2g "$3"
    run_smaller "$input" "$output" "$1" >"$work/fault.log" 2>&1 || { tail -n 5 "$work/fault.log" >&2; fail "$2 in $3: it failed"; }
    "$python" test/check_result.py "$output/mitotic-figures.json"
    say "$2, $4 x $5 px in $3: done in $((SECONDS - start)) s with the picture's making"
    rm -rf "$input"
}

test_full_tmp() {
    new_output "$work/fault"
    small_platform 4k "${memory_gib}g"
    run_smaller "$work/input/sample" "$work/fault" "$1" >"$work/fault.log" 2>&1 || { cat "$work/fault.log" >&2; fail "/tmp full: it failed"; }
    same "/tmp full" "$work/fault/mitotic-figures.json" "$work/local/sample/mitotic-figures.json"
}

test_read_only_output() {
    local code=0
    new_output "$work/fault"
    "${engine[@]}" run --rm "${platform[@]}" -v "$work/input/sample:/input:ro" -v "$work/fault:/output:ro" \
        -v "$root/model:/opt/ml/model:ro" "$1" >/dev/null 2>"$work/error" || code=$?
    if [ "$code" != 5 ] || [[ "$(tail -n 1 "$work/error")" != error:*/output* ]]; then
        cat "$work/error" >&2
        fail "/output read-only: code 5 and a reason were expected; the code was $code"
    fi
    say "/output read-only: code 5, $(tail -n 1 "$work/error")"
}

start_case() { # start_case IMAGE NAME: a region that takes long enough to be stopped in the middle
    new_output "$work/fault"
    "${engine[@]}" run --detach --name "$2" "${platform[@]}" -v "$work/input/long:/input:ro" -v "$work/fault:/output" \
        -v "$root/model:/opt/ml/model:ro" "$1" >/dev/null
    until "${engine[@]}" logs "$2" 2>&1 | grep -q ' tiles and sheets$'; do
        [ "$("${engine[@]}" inspect --format '{{.State.Running}}' "$2")" = true ] || fail "ended before it could be stopped"
        sleep 0.2
    done
}

test_stopped() { # test_stopped IMAGE: killed, and told to end, half way
    local start code
    make_region "$work/input/long" 7215 5412 0.25 tiles
    start_case "$1" "$server"
    "${engine[@]}" kill --signal KILL "$server" >/dev/null
    "${engine[@]}" wait "$server" >/dev/null 2>&1 || true
    "${engine[@]}" rm --force "$server" >/dev/null
    [ -z "$(ls "$work/fault")" ] || fail "killed half way: $(ls "$work/fault") is left in /output"
    say "killed half way: /output is empty"
    start_case "$1" "$server"
    start=$SECONDS
    "${engine[@]}" stop --time 20 "$server" >/dev/null
    code=$("${engine[@]}" inspect --format '{{.State.ExitCode}}' "$server")
    if [ $((SECONDS - start)) -gt 5 ] || [ "$code" != 143 ]; then fail "SIGTERM half way: code $code after $((SECONDS - start)) s"; fi
    [ -z "$(ls "$work/fault")" ] || fail "SIGTERM half way: $(ls "$work/fault") is left in /output"
    "${engine[@]}" rm --force "$server" >/dev/null
    say "SIGTERM half way: code 143 after $((SECONDS - start)) s, /output is empty"
    rm -rf "$work/input/long"
}

test_two_at_once() { # test_two_at_once IMAGE: two jobs with one /output
    local jobs=() job
    new_output "$work/fault"
    for job in 1 2; do
        run_as_platform "$work/input/sample" "$work/fault" -v "$root/model:/opt/ml/model:ro" "$1" >"$work/fault-$job.log" 2>&1 &
        jobs+=($!)
    done
    for job in "${jobs[@]}"; do wait "$job" || { cat "$work"/fault-*.log >&2; fail "two jobs at once: one failed"; }; done
    same "two jobs at once in one folder" "$work/fault/mitotic-figures.json" "$work/local/sample/mitotic-figures.json"
    [ "$(ls "$work/fault")" = mitotic-figures.json ] || fail "two jobs at once: left over: $(ls "$work/fault")"
}

test_faults() { # test_faults IMAGE
    test_memory "$1" "a region" 1g 7215 5412 0.25 tiles
    test_memory "$1" "the largest of MIDOG" 2g 13466 10094 0.121 tiles
    test_full_tmp "$1"
    test_read_only_output "$1"
    test_stopped "$1"
    test_two_at_once "$1"
}
