#!/usr/bin/env bash
# Makes the two files that are uploaded to grand-challenge.org, and checks them; ./export.sh --help shows how.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
. "$root/scripts/environment.sh"
. "$root/scripts/container.sh"

usage() {
    cat <<'TEXT'
usage: ./export.sh [--target cpu|gpu] [--method exec|invoke] [--model DIR] [--output DIR] [--no-build]

Builds the image (see ./build.sh --help for its environment) and writes to DIR, default release/:
  <name>_<version>_<date>.tar.gz         the image: upload it as the algorithm's container image
  model.tar.gz                           the content of model/: upload it as the algorithm's model
  <name>_<version>_<date>.cdx.json       what is in the image (CycloneDX)
  <name>_<version>_<date>.audit.json     known advisories about it, or that none could be asked for
Both uploads are checked by the platform's rules. --no-build takes the image that is there. GZIP_LEVEL (1-9, default 6):
1 is the fastest.
TEXT
}

target=cpu method=exec model=model output=release build=yes
while [ $# -gt 0 ]; do
    case "$1" in
        --target | --method | --model | --output) [ $# -gt 1 ] || fail "$1 needs a value; see ./export.sh --help" ;;&
        --target) target="$2"; shift 2 ;;
        --method) method="$2"; shift 2 ;;
        --model) model="$2"; shift 2 ;;
        --output) output="$2"; shift 2 ;;
        --no-build) build=no; shift ;;
        -h | --help) usage; exit ;;
        *) usage >&2; fail "unknown argument: $1" ;;
    esac
done
case "$target" in cpu | gpu) ;; *) fail "--target $target: cpu or gpu is expected" ;; esac
case "$method" in exec | invoke) ;; *) fail "--method $method: exec or invoke is expected" ;; esac
[ -f "$model/bundle.yaml" ] || fail "$model: no bundle there (bundle.yaml is missing); name its folder with --model"
model=$(cd "$model" && pwd)
mkdir -p "$output"
output=$(cd "$output" && pwd)
choose_engine
export CONTAINER_ENGINE="${engine[0]}"
cd "$root"
# ./test.sh installs what is needed here, too; only without it is something missing
"$python" -c 'import cyclonedx, pip_audit, yaml' 2>/dev/null || ensure release requirements.txt requirements-release.txt

tag=$(image_tag "$target" "$method")
if [ "$build" = yes ]; then ./build.sh --target "$target" --method "$method" >&2; fi
has_image "$tag" || fail "there is no image $tag; leave --no-build out"

name="$(basename "${tag%:*}")"
stem="$output/${name}_$(version)_$(date +%Y%m%d)"
work=$(mktemp -d)
trap 'rm -rf "$work" "$stem.tar.gz.part"' EXIT

echo "writing $stem.tar.gz ..." >&2
if is_podman; then format=(--format docker-archive); else format=(); fi
"${engine[@]}" save ${format[@]+"${format[@]}"} "$tag" | gzip -n "-${GZIP_LEVEL:-6}" >"$stem.tar.gz.part"
mv "$stem.tar.gz.part" "$stem.tar.gz"
"$python" scripts/pack_model.py "$model" "$output/model.tar.gz"
"$python" scripts/check_upload.py --image "$stem.tar.gz" --model "$output/model.tar.gz"

"${engine[@]}" run --rm -i --pull never --network none --read-only "${limits[@]}" --entrypoint python "$tag" - \
    <scripts/inventory.py >"$work/inventory.json"
"$python" scripts/sbom.py "$work/inventory.json" "$stem.cdx.json" --bundle "$model/bundle.yaml" \
    --image "$name" --version "$(version)" --sha256 "$("${engine[@]}" image inspect --format '{{.Id}}' "$tag")" \
    --created "$("${engine[@]}" image inspect --format '{{json .Created}}' "$tag" | tr -d '"')"
"$python" scripts/audit.py "$work/inventory.json" "$stem.audit.json"

gpu_line="no GPU"
if [ "$target" = gpu ]; then gpu_line="a T4"; fi
cat <<TEXT

Next, on grand-challenge.org, on the page of your algorithm:
  1. Upload $stem.tar.gz
     as its container image. An image that was uploaded before is refused, so build anew after a change.
  2. Upload $output/model.tar.gz
     as its model. It is unpacked to /opt/ml/model; without it every job fails and says so.
  3. Set 16 GB of memory and $gpu_line. The input is "Histopathology region of interest cropout", the output the points
     of mitotic-figures.json.
  4. When image and model are ready and active, try the algorithm on one image: the log says which engine ran.
TEXT
