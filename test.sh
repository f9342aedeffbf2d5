#!/usr/bin/env bash
# Runs every check of the project: style, types, walls, tests; then the sample through the platform's interface.
# With --container also the image, as the platform runs it. What else is given goes to pytest: ./test.sh -k fusion
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cd "$root"
. "$root/scripts/environment.sh"

container=no
pytest_arguments=()
container_arguments=()
while [ $# -gt 0 ]; do
    case "$1" in
        --container) container=yes ;;
        --target) container_arguments+=(--target "${2:-}"); shift ;;
        -h | --help)
            echo "usage: ./test.sh [--container [--target cpu|gpu]] [ARGUMENTS OF pytest ...]"
            echo
            "$root/scripts/test_container.sh" --help
            exit
            ;;
        *) pytest_arguments+=("$1") ;;
    esac
    shift
done
if [ "$container" = no ] && [ ${#container_arguments[@]} -gt 0 ]; then
    echo "error: --target is for --container" >&2
    exit 2
fi

ensure all requirements.txt training/requirements.txt training/requirements-mm.txt requirements-release.txt requirements-dev.txt requirements-dev-alone.txt

echo "== style, types, walls"
"$python" -m ruff check .
"$python" -m ruff format --check .
"$python" -m mypy
"$python" -c "from importlinter.cli import lint_imports_command as main; main()" --no-logo

echo "== tests"
"$python" -m pytest ${pytest_arguments[@]+"${pytest_arguments[@]}"}

echo "== the sample through the platform's interface"
output="$root/test/output/interf0"
rm -rf "$output" && mkdir -p "$output"
"$python" -m algorithm run --input test/input/interf0 --output "$output" --model model --precision f32
"$python" test/compare_outputs.py "$output/mitotic-figures.json" test/expected/interf0/mitotic-figures.json

if [ "$container" = yes ]; then
    "$root/scripts/test_container.sh" ${container_arguments[@]+"${container_arguments[@]}"}
fi
