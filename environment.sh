# Prepares .venv and the system's packages for ./run and ./test, once; sourced by both.
# prepare EXTRAS CHECK:PACKAGE...   CHECK is a command or a library; its Debian package is installed when it is missing.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

say() { printf '%s\n' "$*" >&2; }

present() { command -v "$1" >/dev/null || ldconfig -p 2>/dev/null | grep -q "$1" || /sbin/ldconfig -p 2>/dev/null | grep -q "$1"; }

system_packages() {
    local missing=() wanted
    for wanted in "$@"; do
        present "${wanted%%:*}" || missing+=("${wanted#*:}")
    done
    [ ${#missing[@]} -eq 0 ] && return
    if [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null; then
        say "Installing ${missing[*]} ..."
        apt-get update -qq >&2 && DEBIAN_FRONTEND=noninteractive \
            apt-get install -y -qq --no-install-recommends "${missing[@]}" >&2
    else
        say "Missing system packages: ${missing[*]}. Install them, for example:"
        say "    sudo apt-get install ${missing[*]}"
        exit 1
    fi
}

prepare() {
    local extras=$1 state ready
    shift
    system_packages "$@"
    ready="$root/.venv/.ready-$extras"
    state=$(cat "$root/pyproject.toml" "$root/environment.sh" | cksum)
    [ -f "$ready" ] && [ "$(cat "$ready")" = "$state" ] && return
    if ! python3 -c 'import sys, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
        say "X2CTGAN needs Python 3.11 or later with venv (Debian: sudo apt-get install python3-venv)."
        exit 1
    fi
    say "Setting up .venv (once; a few minutes and 3 GB) ..."
    [ -x "$root/.venv/bin/python" ] || python3 -m venv "$root/.venv"
    "$root/.venv/bin/python" -m pip install --quiet --disable-pip-version-check torch==2.13.0 -e "$root[$extras]" >&2
    printf '%s\n' "$state" > "$ready"
}
