#!/bin/sh
# Compile requirements.lock: universal, with hashes, without any index address.
# Usage: compile_lock.sh UV MEMBER_PYPROJECT...
set -eu
cd "$(dirname "$0")/.."
uv=$1
shift
omit=
for member in "$@"; do
    omit="$omit --no-emit-package foretick-$(basename "$(dirname "$member")")"
done
# shellcheck disable=SC2086  # one option a word is meant
exec "$uv" pip compile --quiet pyproject.toml "$@" --group dev --universal --python-version 3.11 \
    --generate-hashes --no-emit-index-url --custom-compile-command 'make lock' $omit -o requirements.lock
