#!/usr/bin/env bash
# Runs every example against a fresh service, and compares what select_numpy.py prints with what the README shows. Ends
# with 2 where examples could not be run, because a Python package of examples/requirements.txt is missing.
#
#     examples/check.sh target/debug/fewer
set -euo pipefail
cd "$(dirname "$0")/.."
fewer=${1:?usage: examples/check.sh BINARY}
python=${PYTHON:-python3}

# Says which of the modules that a script needs Python does not have, and remembers the script as not run.
unchecked=()
has() {
    local script=$1 module
    shift
    for module in "$@"; do
        "$python" -c "import $module" 2>/dev/null && continue
        echo "examples: NOT CHECKED: $script, since $python has no $module" >&2
        unchecked+=("$script")
        return 1
    done
}

data=$(mktemp -d)
pid=
trap 'kill $pid 2>/dev/null; wait; rm -rf "$data"' EXIT
port=$("$python" -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
"$fewer" serve --listen "127.0.0.1:$port" --data-dir "$data/service" 2>"$data/log" &
pid=$!
for _ in $(seq 100); do
    "$fewer" healthcheck --listen "127.0.0.1:$port" 2>/dev/null && break
    kill -0 $pid 2>/dev/null || { cat "$data/log" >&2; exit 1; }
    sleep 0.1
done
export FEWER_URL=http://127.0.0.1:$port

if has select_numpy.py numpy; then
    printed=$("$python" examples/select_numpy.py)
    printf '%s\n' "$printed"
    # The first block without a language after the Python one.
    shown=$(awk '/^```python/ { seen = 1 } seen && /^```$/ { n++; next } n == 2 { print } n == 3 { exit }' README.md)
    diff <(printf '%s\n' "$shown") <(printf '%s\n' "$printed") ||
        { echo "examples: the README shows something else" >&2; exit 1; }
    echo "examples: select_numpy.py prints what the README shows"
fi

# The others end with an error when the service answers what they do not expect.
if has black_box_accuracy.py numpy sklearn; then
    "$python" examples/black_box_accuracy.py
    echo "examples: black_box_accuracy.py ran to its end"
fi
if has attribution_over_http.py numpy sklearn matplotlib; then
    "$python" examples/attribution_over_http.py "$data/attribution.png"
    [ -s "$data/attribution.png" ] || { echo "examples: attribution_over_http.py drew nothing" >&2; exit 1; }
    echo "examples: attribution_over_http.py ran to its end"
fi
if has ingenious_rounds.py numpy sklearn; then
    "$python" examples/ingenious_rounds.py
    echo "examples: ingenious_rounds.py ran to its end"
fi

[ ${#unchecked[@]} -eq 0 ] || { echo "examples: NOT CHECKED: ${unchecked[*]}" >&2; exit 2; }
