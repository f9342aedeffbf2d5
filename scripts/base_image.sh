#!/usr/bin/env bash
# Makes a base image from Debian's packages, for places without an image registry, and prints its name.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
. "$root/scripts/container.sh"

usage() {
    cat <<'TEXT'
usage: scripts/base_image.sh

Makes localhost/mitosis-base:bookworm (Debian 12 with Python 3.11) with mmdebstrap, unless it is there, and prints its
name: BASE_IMAGE=$(scripts/base_image.sh) ./build.sh. Needs mmdebstrap and the rights that it asks for (root is enough).
TEXT
}

case "${1:-}" in
    "") ;;
    -h | --help) usage; exit ;;
    *) usage >&2; exit 2 ;;
esac

suite=bookworm
base="localhost/mitosis-base:$suite"
choose_engine
if has_image "$base"; then echo "$base"; exit; fi
command -v mmdebstrap >/dev/null || fail "mmdebstrap is not installed (Debian: apt install mmdebstrap); or name an image with BASE_IMAGE"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
echo "making $base from Debian's packages ..." >&2
# documentation and translations are a fifth of it, and nobody reads them in there; merging /usr from the start spares
# the package that does it later, and 50 MB of Perl with it
mmdebstrap --quiet --variant=minbase --include=python3,python3-venv,ca-certificates,libgomp1,usr-is-merged \
    --hook-dir=/usr/share/mmdebstrap/hooks/merged-usr \
    --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-include=/usr/share/doc/*/copyright' \
    --dpkgopt='path-exclude=/usr/share/locale/*' --dpkgopt='path-exclude=/usr/share/man/*' \
    --dpkgopt='path-exclude=/usr/share/info/*' \
    "$suite" "$work/rootfs.tar" >&2
"${engine[@]}" import "$work/rootfs.tar" "$base" >&2
echo "$base"
