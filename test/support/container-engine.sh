#!/usr/bin/env bash
# What the container tests need on a bare Debian machine: a container engine, Compose, redis-server and a base image with Node 26.
# What is there already is used as it is. Prints the name of the base image; all else goes to the standard error.
# An engine that this starts runs on; its process id is in .cache/dockerd.pid. Needs root, or sudo without a password.
set -euo pipefail
cd "$(dirname "$0")/../.."
mkdir -p .cache
rm -f .cache/dockerd.pid
exec 3>&1 1>&2

OFFICIAL=node:26-bookworm-slim
STAND_IN=cloudaware-proxy-node-stand-in:26
# Installed into the stand-in, where a container may reach no mirror; the official image fetches what it needs itself.
IN_STAND_IN=binutils,ca-certificates,libatomic1,redis-server

as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi; }
retry() {
  local attempt
  for attempt in 1 2 3 4; do
    if "$@"; then return 0; fi
    echo "attempt $attempt failed: $*"
    sleep $((attempt * 5))
  done
  return 1
}
install() {
  echo "installing $*"
  retry as_root apt-get -o DPkg::Lock::Timeout=300 update -qq
  retry as_root env DEBIAN_FRONTEND=noninteractive \
    apt-get -o DPkg::Lock::Timeout=300 install -y -qq --no-install-recommends "$@"
}
has() { command -v "$1" >/dev/null 2>&1; }
answers() { timeout 10 docker info >/dev/null 2>&1; }

# A machine may have the engine's client alone.
missing=()
if ! { has docker && answers; }; then
  # Named too, since without recommendations docker.io comes without it; the engine cannot make a network otherwise.
  has dockerd || missing+=(docker.io)
  has iptables || missing+=(iptables)
fi
docker compose version >/dev/null 2>&1 || has docker-compose || missing+=(docker-compose)
has redis-server || missing+=(redis-server)
[ ${#missing[@]} -eq 0 ] || install "${missing[@]}"

# One way to start it after the other, until it answers. $1 and on: options of dockerd.
start_engine() {
  local pid deadline
  echo "starting dockerd $*"
  as_root sh -c 'setsid dockerd "$@" >.cache/dockerd.log 2>&1 </dev/null 3>&- & echo $! >.cache/dockerd.pid' sh "$@"
  pid=$(cat .cache/dockerd.pid)
  deadline=$((SECONDS + 45))
  while [ "$SECONDS" -lt "$deadline" ]; do
    if answers; then return 0; fi
    as_root kill -0 "$pid" 2>/dev/null || break
    sleep 0.3
  done
  echo 'it does not answer; the end of its log:'
  tail -n 15 .cache/dockerd.log
  as_root kill "$pid" 2>/dev/null || true
  for _ in $(seq 50); do as_root kill -0 "$pid" 2>/dev/null || break; sleep 0.2; done
  as_root kill -9 "$pid" 2>/dev/null || true
  # What an engine that was killed left behind would keep the next one from starting.
  as_root rm -f /var/run/docker.pid
  return 1
}
if ! answers; then
  # A package that was just installed may be starting one itself.
  for _ in $(seq 10); do if answers || ! pgrep -x dockerd >/dev/null; then break; fi; sleep 1; done
fi
if ! answers; then
  start_engine || start_engine --storage-driver=vfs || start_engine --iptables=false --ip6tables=false \
    || start_engine --storage-driver=vfs --iptables=false --ip6tables=false \
    || { echo 'No container engine can be started on this machine: it needs root and the right to mount and to make networks.'; exit 1; }
fi

stand_in() {
  local root tree
  has debootstrap || install debootstrap
  tree=$(mktemp -d)
  root="$tree/root"
  fetch() { as_root rm -rf "$root" && as_root debootstrap --variant=minbase --include="$IN_STAND_IN" bookworm "$root" >"$tree/log" 2>&1; }
  retry fetch || { tail -n 20 "$tree/log"; return 1; }
  as_root mkdir -p "$root/usr/local/lib/node_modules"
  # The Node that `npm ci` brought, and the npm of this machine.
  as_root cp -L node_modules/node/bin/node "$root/usr/local/bin/node"
  as_root cp -rL "$(npm root --global)/npm" "$root/usr/local/lib/node_modules/npm"
  as_root ln -sf ../lib/node_modules/npm/bin/npm-cli.js "$root/usr/local/bin/npm"
  as_root ln -sf ../lib/node_modules/npm/bin/npx-cli.js "$root/usr/local/bin/npx"
  # Behind a company's proxy the registry's certificate is one that this machine alone trusts.
  if [ -s /etc/ssl/certs/ca-certificates.crt ]; then
    as_root cp -L /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/ca-certificates.crt"
  fi
  as_root rm -rf "$root/var/cache/apt/archives" "$root/var/lib/apt/lists"
  as_root tar -C "$root" -c . \
    | docker import -c 'ENV NODE_EXTRA_CA_CERTS=/etc/ssl/certs/ca-certificates.crt' -c 'CMD ["node"]' - "$STAND_IN" >/dev/null
  as_root rm -rf "$tree"
}

present() { docker image inspect "$1" >/dev/null 2>&1; }
if present "$OFFICIAL"; then image=$OFFICIAL
elif present "$STAND_IN"; then image=$STAND_IN
elif timeout 300 docker pull -q "$OFFICIAL"; then image=$OFFICIAL
else
  echo "$OFFICIAL cannot be pulled: making a stand-in of it"
  stand_in
  image=$STAND_IN
fi
echo "the base image is $image"
echo "$image" >&3
