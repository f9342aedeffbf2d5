#!/usr/bin/env bash
# Runs every check of the project: style, types, walls, tests; then the sample through the platform's interface.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cd "$root"
. "$root/scripts/environment.sh"

ensure all requirements.txt training/requirements.txt training/requirements-mm.txt requirements-dev.txt

echo "== style, types, walls"
"$python" -m ruff check .
"$python" -m ruff format --check .
"$python" -m mypy
"$python" -c "from importlinter.cli import lint_imports_command as main; main()" --no-logo

echo "== tests"
"$python" -m pytest "$@"

echo "== the sample through the platform's interface"
output="$root/test/output/interf0"
rm -rf "$output" && mkdir -p "$output"
"$python" -m algorithm run --input test/input/interf0 --output "$output" --model model --precision f32
"$python" test/compare_outputs.py "$output/mitotic-figures.json" test/expected/interf0/mitotic-figures.json
