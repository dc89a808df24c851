#!/usr/bin/env bash
# Installs owaudit from the checkout that this action belongs to, into an environment of its own.
# Dependencies come with the digests in requirements.txt; nothing is cached and nothing is built but
# owaudit itself. Modules that lie in the workspace are never imported: -I leaves it off the path.
set -euo pipefail

fail() {
  printf '::error title=owaudit::%s\n' "$1"
  exit 2
}

unset PYTHONPATH PYTHONHOME PYTHONSTARTUP PYTHONUSERBASE
source=$(cd "$GITHUB_ACTION_PATH/../../.." && pwd -P)
[ -f "$source/owaudit/__init__.py" ] || fail "the action is not in a checkout of owaudit"

version=$(sed -n 's/^__version__ = "\([0-9A-Za-z.+-]*\)"$/\1/p' "$source/owaudit/__init__.py")
if [ -n "${OWAUDIT_VERSION:-}" ] && [ "$OWAUDIT_VERSION" != "$version" ]; then
  fail "the input version is not that of this action, which is $version"
fi

base=${OWAUDIT_PYTHON:-}
[ -n "$base" ] || base=$(command -v python3 || command -v python) || fail "no Python was found"
"$base" -I -c 'import sys; sys.exit(sys.version_info < (3, 11))' || fail "Python 3.11 or later is needed"

work=$(mktemp -d "$RUNNER_TEMP/owaudit.XXXXXXXX")
"$base" -I -m venv "$work/venv"
python=$work/venv/bin/python
[ -x "$python" ] || python=$work/venv/Scripts/python.exe

export PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_NO_INPUT=1 OWAUDIT_PURE=1
cd "$work"
"$python" -I -m pip install --quiet --require-hashes --only-binary=:all: -r "$GITHUB_ACTION_PATH/requirements.txt"
"$python" -I -m pip install --quiet --no-index --no-deps --no-build-isolation "$source"
"$python" -I -m owaudit --version

{
  printf 'python=%s\n' "$python"
  printf 'work=%s\n' "$work"
} >>"$GITHUB_OUTPUT"
