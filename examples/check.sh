#!/usr/bin/env bash
# Runs examples/select_numpy.py against a fresh service, and compares what it prints with what the README shows.
#
#     examples/check.sh target/debug/fewer
set -euo pipefail
cd "$(dirname "$0")/.."
fewer=${1:?usage: examples/check.sh BINARY}
python=${PYTHON:-python3}

"$python" -c 'import numpy' 2>/dev/null || {
    echo "examples: NOTHING CHECKED: $python has no numpy" >&2
    exit 2
}
data=$(mktemp -d)
trap 'kill $pid 2>/dev/null; wait; rm -rf "$data"' EXIT
port=$("$python" -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
"$fewer" serve --listen "127.0.0.1:$port" --data-dir "$data" 2>"$data/log" &
pid=$!
for _ in $(seq 100); do
    "$fewer" healthcheck --listen "127.0.0.1:$port" 2>/dev/null && break
    kill -0 $pid 2>/dev/null || { cat "$data/log" >&2; exit 1; }
    sleep 0.1
done

printed=$(FEWER_URL=http://127.0.0.1:$port "$python" examples/select_numpy.py)
printf '%s\n' "$printed"
# The first block without a language after the Python one.
shown=$(awk '/^```python/ { seen = 1 } seen && /^```$/ { n++; next } n == 2 { print } n == 3 { exit }' README.md)
diff <(printf '%s\n' "$shown") <(printf '%s\n' "$printed") ||
    { echo "examples: the README shows something else" >&2; exit 1; }
echo "examples: as the README shows"
