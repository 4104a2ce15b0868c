#!/bin/sh
# Finds a Python ≥ 3.11 and has it prepare the tree for a make target: sh scripts/setup.sh demo|test|…
cd "$(dirname "$0")/.." || exit 1
for python in .venv/bin/python python3 python3.11 python3.12 python3.13 python3.14; do
    if "$python" -I -S -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
        exec "$python" -I -S scripts/setup.py "$@"
    fi
done
echo 'setup: camgraph needs Python 3.11 or newer on the PATH (Debian, Ubuntu: sudo apt-get install -y python3 python3-venv)' >&2
exit 1
