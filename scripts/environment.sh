# shellcheck shell=bash
# Makes .venv what a command needs. Sourced by run.sh and test.sh with $root set.
#
# A stamp in .venv holds the checksum of the requirements it was made from and is written last. No stamp: an
# install was interrupted, and .venv is made anew. Another checksum: the requirements changed, and they are
# installed over the old ones; the stamps are taken away first, so an interruption there is seen as well.

venv="${root:?}/.venv"
python="$venv/bin/python"

checksum() { cat "$@" | cksum | tr -d ' \n'; }

# PYTHON, when it is set, and nothing else; otherwise the first that is new enough.
find_python() {
    local name names=(python3 python3.13 python3.12 python3.11)
    [ -z "${PYTHON:-}" ] || names=("$PYTHON")
    for name in "${names[@]}"; do
        if "$name" -c 'import sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            echo "$name"
            return
        fi
    done
    echo "error: Python 3.11 or newer is needed; set PYTHON to it, as in PYTHON=/opt/python3.12 $0" >&2
    return 1
}

# Debian's Python comes without ensurepip: there its own pip puts one into the new environment.
make_venv() {
    "$1" -m venv "$venv" 2>/dev/null && return
    rm -rf "$venv"
    "$1" -m venv --without-pip "$venv" && "$1" -m pip --python "$python" install --quiet pip && return
    echo "error: $1 can make no environment; install its venv and pip (Debian: apt install python3-venv)" >&2
    return 1
}

# ensure LEVEL REQUIREMENTS...: install the files in turn, unless the stamp of the level says that it was done.
# A file named *-mm.txt or *-alone.txt is installed without its dependencies; each says why.
ensure() {
    local level="$1" stamp wanted file
    shift
    stamp="$venv/.installed-$level"
    wanted=$(cd "$root" && checksum "$@")
    if [ "$(cat "$stamp" 2>/dev/null)" = "$wanted" ] && "$python" -c '' 2>/dev/null; then
        return
    fi
    (
        # one install at a time: a second run.sh waits here and then finds the stamp
        if command -v flock >/dev/null; then flock 9; fi
        if [ "$(cat "$stamp" 2>/dev/null)" = "$wanted" ] && "$python" -c '' 2>/dev/null; then exit 0; fi
        if ! ls "$venv"/.installed-* >/dev/null 2>&1 || ! "$python" -c '' 2>/dev/null; then
            base=$(find_python) || exit 1
            echo "making $venv with $("$base" --version) ..." >&2
            rm -rf "$venv"
            make_venv "$base" || exit 1
        else
            echo "updating $venv ..." >&2
        fi
        rm -f "$venv"/.installed-*
        for file in "$@"; do
            extra=()
            case "$file" in *-mm.txt | *-alone.txt) extra=(--no-deps) ;; esac
            "$python" -m pip install --quiet --disable-pip-version-check ${extra[@]+"${extra[@]}"} -r "$root/$file" || exit 1
        done
        # what the files of a level hold counts for the levels inside of it
        [ "$level" = run ] || (cd "$root" && checksum requirements.txt) > "$venv/.installed-run"
        echo "$wanted" > "$stamp"
    ) 9>"$root/.venv.lock" || {
        echo "error: the installation failed; mend what pip says above and run the same command again" >&2
        return 1
    }
}
