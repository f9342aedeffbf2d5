#!/usr/bin/env bash
# Builds the image that is uploaded to grand-challenge.org; ./build.sh --help shows how.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
. "$root/scripts/container.sh"

usage() {
    cat <<'TEXT'
usage: ./build.sh [--target cpu|gpu] [--method exec|invoke] [--tag NAME]

  --target   cpu: OpenVINO (default). gpu: CUDA 12.6, TensorRT, ONNX Runtime
  --method   how the platform calls it. exec: once for each case (default). invoke: a server on port 4743
  --tag      name of the image; default localhost/mitosis-detector-TARGET:VERSION

environment:
  CONTAINER_ENGINE   docker or podman
  BASE_IMAGE         base of the cpu image, GPU_BASE_IMAGE of the gpu image; defaults are in the Dockerfile.
                     Without a registry: BASE_IMAGE=$(scripts/base_image.sh) ./build.sh
  GPU_ARCHITECTURES  what TensorRT builds engines for in the gpu image; default "75 86" (T4 and A10G)
  BUILD_NETWORK      network of the build, as in host; default none for cpu, the engine's own for gpu
  PYTHON             a Python with pip that fetches the wheels; default .venv's, else python3. Its pip's settings
                     (index, proxy, certificates) count. Without any, pip fetches them inside of the build
TEXT
}

target=cpu method=exec tag=""
while [ $# -gt 0 ]; do
    case "$1" in
        --target | --method | --tag) [ $# -gt 1 ] || fail "$1 needs a value; see ./build.sh --help" ;;&
        --target) target="$2"; shift 2 ;;
        --method) method="$2"; shift 2 ;;
        --tag) tag="$2"; shift 2 ;;
        -h | --help) usage; exit ;;
        *) usage >&2; fail "unknown argument: $1" ;;
    esac
done
case "$target" in cpu | gpu) ;; *) fail "--target $target: cpu or gpu is expected" ;; esac
case "$method" in exec | invoke) ;; *) fail "--method $method: exec or invoke is expected" ;; esac
tag="${tag:-$(image_tag "$target" "$method")}"
if [ "$method" = invoke ] && ! grep -qE '^def serve\(' "$root/algorithm/cli.py"; then
    fail "this version has no \`python -m algorithm serve\`; build with --method exec"
fi
choose_engine
cd "$root"

base_variable=BASE_IMAGE requirements=requirements.txt
if [ "$target" = gpu ]; then base_variable=GPU_BASE_IMAGE requirements=requirements-gpu.txt; fi
base="${!base_variable:-$(sed -nE "s/^ARG $base_variable=//p" Dockerfile)}"

python_with_pip() {
    local name
    for name in "${PYTHON:-$root/.venv/bin/python}" python3; do
        if "$name" -m pip --version >/dev/null 2>&1; then echo "$name"; return; fi
    done
}

# The base's Python decides which wheels fit; a base that has none gets the one of its distribution (Ubuntu 24.04: 3.12).
python_of_base() {
    "${engine[@]}" run --rm --network none "${limits[@]}" --entrypoint "" "$base" sh -c \
        'python3 -c "import sys; print(\"%d.%d\" % sys.version_info[:2])" 2>/dev/null || echo 3.12'
}

# Fetches what is missing in wheels/TARGET, takes away what is not asked for any more. Wheels of another Python are others.
fetch_wheels() {
    local python="$1" version="$2" folder="wheels/$target" wanted platform platforms=(--platform manylinux2014_x86_64)
    wanted=$(echo "python $version" | cat - requirements*.txt constraints.txt | cksum)
    if [ "$(cat "$folder/.fetched" 2>/dev/null)" = "$wanted" ]; then return; fi
    echo "fetching wheels for Python $version into $folder ..." >&2
    for platform in $(seq 17 34); do platforms+=(--platform "manylinux_2_${platform}_x86_64"); done
    rm -rf "$folder" && mkdir -p "$folder"
    "$python" -m pip download --quiet --disable-pip-version-check --dest "$folder" --only-binary :all: \
        --implementation cp --python-version "$version" "${platforms[@]}" --constraint constraints.txt \
        --requirement "$requirements" || fail "the wheels cannot be fetched; mend what pip says above (index: PIP_INDEX_URL)"
    echo "$wanted" > "$folder/.fetched"
}

# Only for cpu: parts of TensorRT are published as source, which pip cannot fetch for another Python. Wheels that were put
# into wheels/gpu by hand are taken.
network="${BUILD_NETWORK:-}"
python=$(python_with_pip)
if [ -n "$python" ] && [ "$target" = cpu ]; then
    fetch_wheels "$python" "$(python_of_base)"
    network="${network:-none}" # nothing more is needed
fi

arguments=(--build-arg "API_METHOD=$method" --build-arg "VERSION=$(version)" --build-arg "$base_variable=$base")
arguments+=(--build-arg "REVISION=$(git rev-parse HEAD 2>/dev/null || echo unknown)")
for name in PIP_INDEX_URL PIP_EXTRA_INDEX_URL PIP_TRUSTED_HOST GPU_ARCHITECTURES; do
    [ -z "${!name:-}" ] || arguments+=(--build-arg "$name=${!name}")
done
[ -z "$network" ] || arguments+=(--network "$network")
if is_podman; then arguments+=(--isolation oci "${limits[@]}"); fi

echo "building $tag from $base ..." >&2
"${engine[@]}" build --platform linux/amd64 --target "$target" --tag "$tag" "${arguments[@]}" .
echo "$tag: $(($(image_bytes "$tag") / 1000000)) MB"
