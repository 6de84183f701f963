#!/usr/bin/env bash
# Runs the service as its container would, without a container engine: in a root of the packages that the Dockerfile
# names, as its user, with its variables, read-only but for /data and /tmp, alone with a loopback network.
#
#     docker/image-check.sh target/release/fewer
#
# Needs root. MIRROR=… chooses the Debian mirror; otherwise it is the one that apt uses.
set -euo pipefail
cd "$(dirname "$0")/.."

say() { printf 'image-check: %s\n' "$*"; }
fail() {
    say "FAILED: $*" >&2
    exit 1
}
# A check that could not run has not passed.
cannot() {
    say "NOTHING CHECKED: $*" >&2
    exit 2
}

runtime() { sed -n '/^FROM debian:/,$p' Dockerfile; }
suite=$(sed -n 's/^FROM debian:\([a-z]*\)-slim$/\1/p' Dockerfile)
packages=$(runtime | sed -n 's/.*--no-install-recommends \([a-z0-9 -]*[a-z0-9]\).*/\1/p')
user=$(runtime | sed -n 's/^USER //p')
mapfile -t variables < <(runtime | grep -oE 'FEWER_[A-Z_]+=[^ \\]+' | grep -v '^FEWER_.*=$')
root=$PWD/target/image-root

# The root of the runtime stage, kept until the Dockerfile names another suite or other packages.
make_root() {
    local wanted="$suite: $packages" stamp=$root.made-of
    if command -v debootstrap >/dev/null; then
        if [ -d "$root" ] && [ "$(cat "$stamp" 2>/dev/null)" = "$wanted" ]; then return; fi
        local mirror=${MIRROR:-$(apt-get indextargets --format '$(REPO_URI)' 'Origin: Debian' 'Created-By: Packages' |
            grep -v security | sed -n 1p)}
        say "debootstrap: $wanted"
        rm -rf "$root"
        debootstrap --variant=minbase --include="${packages// /,}" "$suite" "$root" ${mirror:+"$mirror"} >"$root.log" ||
            fail "debootstrap, see $root.log"
        echo "$wanted" >"$stamp"
    else
        say "debootstrap is missing: the root gets the libraries of this machine."
        say "NOT CHECKED: whether the packages of the Dockerfile ($packages) are enough"
        rm -rf "$root" "$stamp"
        mkdir -p "$root"/{etc,proc,dev,tmp,usr/bin}
        local file
        for file in "$binary" "$(command -v touch)" "$(command -v env)"; do
            ldd "$file" | grep -oE '/[^ ]+' | xargs -I{} cp -L --parents {} "$root"
        done
        cp "$(command -v touch)" "$(command -v env)" "$root/usr/bin/"
    fi
}

# In namespaces of its own where this machine allows them.
run() {
    if [ "$isolated" = yes ]; then
        mount --make-rprivate /
        mount --bind "$root" "$root"
        mount -t proc proc "$root/proc"
        mount --bind /dev "$root/dev"
        mount -t tmpfs tmpfs "$root/tmp"
        mount --bind "$data" "$root/data"
        mount -o remount,bind,ro "$root"
        ip link set lo up
    else
        chown "$user" "$root/data"
    fi
    local inside=(chroot --userspec="$user" --groups= "$root" /usr/bin/env -i PATH=/usr/local/bin:/usr/bin:/bin "${variables[@]}")
    local key_file=FEWER_AUTH__API_KEY_FILE=/etc/api_key url=http://127.0.0.1:8080 pid status began job state

    "${inside[@]}" touch /etc/fewer 2>/dev/null && fail "the root can be written to"
    "${inside[@]}" touch /data/probe || fail "/data cannot be written to"
    rm "$root/data/probe"
    status=0
    timeout 10 "${inside[@]}" fewer serve 2>"$log" || status=$?
    [ "$status" = 1 ] && grep -q allow-anonymous "$log" ||
        fail "without a key it should refuse to start: status $status, $(tail -5 "$log")"
    say "refuses to start without a key"

    "${inside[@]}" "$key_file" ${MORE_VARIABLES:-} fewer serve 2>"$log" &
    pid=$!
    for _ in $(seq 100); do
        "${inside[@]}" fewer healthcheck 2>/dev/null && status=0 && break
        status=1
        kill -0 $pid 2>/dev/null || fail "the service has ended: $(tail -5 "$log")"
        sleep 0.1
    done
    [ $status = 0 ] || fail "not healthy after 10 s: $(tail -5 "$log")"
    say "healthy as user $user"

    ask() { curl -sS --fail-with-body --noproxy '*' -H "Authorization: Bearer $key" "$@"; }
    job=$(ask "$url/v1/jobs" -H 'Content-Type: application/json' -d '{"kind": "selection",
        "inline": {"vectors": [[1, 0], [0.9, 0.1], [0, 1]]}, "objective": {"name": "facility_location"},
        "constraints": {"k": 2}}' | grep -oE 'job_[0-9a-z]+' | sed -n 1p)
    for _ in $(seq 100); do
        state=$(ask "$url/v1/jobs/$job" | grep -oE '"state":"[a-z_]+"' | cut -d'"' -f4)
        [ "$state" = succeeded ] && break
        sleep 0.1
    done
    ask "$url/v1/jobs/$job/result" | grep -qE '"indices":\[(0|1),2\]' || fail "$job: $(ask "$url/v1/jobs/$job")"
    say "a job over HTTP has succeeded"

    began=$(date +%s%N)
    kill -TERM $pid
    status=0
    wait $pid || status=$?
    [ $status = 0 ] || fail "exit code $status after SIGTERM: $(tail -5 "$log")"
    local milliseconds=$((($(date +%s%N) - began) / 1000000))
    [ $milliseconds -lt 5000 ] || fail "$milliseconds ms from SIGTERM to the end"
    say "SIGTERM ended it in $milliseconds ms with exit code 0"
}

check_yaml() {
    if ! python3 -c 'import yaml' 2>/dev/null; then
        say "NOT CHECKED: the YAML of docker/, which needs python3 with PyYAML"
        return
    fi
    python3 - docker/compose.yaml docker/compose.observability.yaml docker/prometheus.yml <<'PYTHON' || fail "YAML"
import sys, yaml
compose, observability, prometheus = (yaml.safe_load(open(name)) for name in sys.argv[1:])
for name, service in (compose["services"] | observability["services"]).items():
    assert service["read_only"] is True and service["cap_drop"] == ["ALL"], name
    assert service["security_opt"] == ["no-new-privileges:true"] and service["tmpfs"] == ["/tmp"], name
    assert service["mem_limit"] and service["cpus"] and service["secrets"] == ["api_key"], name
    volumes = {mount.split(":")[0] for mount in service["volumes"]} - {"./prometheus.yml"}
    assert volumes <= set(compose["volumes"] | observability["volumes"]), name
assert list(compose["secrets"]) == ["api_key"]
assert prometheus["scrape_configs"][0]["authorization"]["credentials_file"] == "/run/secrets/api_key"
PYTHON
    say "the compose files parse, and say what they should"
}

if [ "${1:-}" = --isolated ]; then
    run
    exit
fi
binary=${1:?usage: docker/image-check.sh BINARY}
[ -n "$suite" ] && [ -n "$packages" ] && [ -n "$user" ] || fail "the Dockerfile cannot be read"
check_yaml
[ "$(id -u)" = 0 ] || cannot "chroot and mounts need root"
command -v curl >/dev/null || cannot "curl is missing"

make_root
install -D "$binary" "$root/usr/local/bin/fewer"
[ ! -x "$root/usr/bin/ldd" ] || ! chroot "$root" ldd /usr/local/bin/fewer | grep 'not found' ||
    fail "libraries are missing beside $packages"
key=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
printf '%s\n' "$key" >"$root/etc/api_key"
chmod 644 "$root/etc/api_key"
data=$(mktemp -d "$PWD/target/image-data.XXXXXX")
log=$PWD/target/image-check.log
trap 'rm -rf "$data" "$root/etc/api_key"' EXIT
chown "$user" "$data"
mkdir -p "$root/data"

isolated=yes
if ! unshare --mount --net --pid --fork ip link set lo up 2>/dev/null; then
    isolated=no
    say "NOT CHECKED: the read-only root. No namespaces here; only the permissions of files keep the user out"
fi
export key data log isolated
if [ $isolated = yes ]; then
    unshare --mount --net --pid --fork "$0" --isolated
else
    run
fi
say "passed. No engine has built the image: of the Dockerfile, only this and the test of its instructions are checked"
