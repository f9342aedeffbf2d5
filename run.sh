#!/usr/bin/env bash
# Finds mitotic figures: ./run.sh [IMAGE|FOLDER ...] [--output DIR] [--mpp UM] [...]; --help shows all options.
# Without an image it works on the sample of this repository. The first run installs what is needed into .venv.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
. "$root/scripts/environment.sh"

ensure run requirements.txt
export PYTHONPATH="$root${PYTHONPATH:+:$PYTHONPATH}"
export MITOSIS_DEFAULT_PATH="$root/test/input/interf0"
exec "$python" -m algorithm detect "$@"
