#!/usr/bin/env bash
# In the image: a Python where the base has none, the user the algorithm runs as, and the places that get mounted.
set -euo pipefail

if ! command -v python3 >/dev/null; then
    apt-get update
    apt-get install -y --no-install-recommends python3 python3-venv
    rm -rf /var/lib/apt/lists/* /var/cache/apt/* /var/log/apt /var/log/dpkg.log
fi
python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' || {
    echo "error: the base image has $(python3 --version); Python 3.11 or newer is needed" >&2
    exit 1
}
groupadd --system user
useradd --system --no-log-init --create-home --gid user user
# the platform mounts these; they are here so that a container with a read-only root has where to mount
mkdir -p /input /output /opt/ml/model
