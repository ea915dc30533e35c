# shellcheck shell=bash disable=SC2154,SC2016 # variables of hack/vm and the recipe; dpkg's and apt's formats
# How a variant's image is made from Debian packages. Sourced by hack/vm; the recipe is sourced already.
#
# An image is a directory with
#   kernel      the uncompressed ELF kernel, entered through PVH: nothing is unpacked in the guest
#   initrd      a small uncompressed cpio: busybox, the drivers of the root disk, vm.d/boot
#   root.ext4   the root file system; every run writes to a throw-away snapshot of it
#   packages    what went in, with versions

# The image's name: a digest over everything that decides what is in it.
recipe_digest() {
  cat "$vm_parts/$variant" "$vm_parts/build.sh" "$vm_parts/boot" "$vm_parts/init" | sha256sum | cut -c1-16
}

apt_quiet() { DEBIAN_FRONTEND=noninteractive apt-get -q -y -o APT::Sandbox::User=root "$@"; }

# Says within a second that no package mirror answers, instead of apt's minutes of patience.
need_mirror() {
  local proxy uri target port
  proxy=$(apt-config shell p Acquire::http::Proxy | sed "s/^p='\(.*\)'$/\1/")
  uri=${proxy:-${http_proxy:-$(apt-get indextargets --format '$(REPO_URI)' | awk '/^http/ && !n++')}}
  [[ -n $uri ]] || die "cannot find a Debian package mirror in /etc/apt/sources.list" \
    "echo 'deb http://deb.debian.org/debian bookworm main' > /etc/apt/sources.list"
  target=${uri#*://} target=${target%%/*} target=${target##*@} port=80
  [[ $uri == https:* ]] && port=443
  [[ $target == *:* ]] && port=${target##*:} target=${target%:*}
  timeout 0.8 bash -c ": >/dev/tcp/$target/$port" 2>/dev/null ||
    die "cannot reach the Debian package mirror '$target' (port $port)" "apt-get update"
}

# with_fresh_lists COMMAND...: once more after `apt-get update` when the lists are missing or stale.
with_fresh_lists() {
  "$@" >"$work/apt.log" 2>&1 && return
  say "updating Debian's package lists"
  apt_quiet update >"$work/apt.log" 2>&1 && "$@" >"$work/apt.log" 2>&1 && return
  tail -n 5 "$work/apt.log" >&2
  die "cannot get the guest's packages from Debian's mirror" "apt-get update"
}

# The recipe's packages and all they depend on, as if nothing were installed.
download_packages() {
  : >"$build_dir/no-status"
  mkdir -p "$build_dir/archives/partial"
  apt_quiet install --download-only --no-install-recommends \
    -o Dir::State::status="$build_dir/no-status" -o Dir::Cache::archives="$build_dir/archives" \
    -o Debug::NoLocking=1 "${packages[@]}"
}

# Only the kernel itself, without the initramfs tools it asks for.
download_kernel() {
  local package
  package=$(apt-cache depends "$kernel_package" | awk '/Depends: linux-image-/ && !n++ {print $2}')
  [[ -n $package ]] && (cd "$build_dir/archives" && apt_quiet download "$package")
}

unpack_root() {
  local root=$1 deb
  for deb in "$build_dir"/archives/*.deb; do
    dpkg-deb --fsys-tarfile "$deb" | tar -x -p -C "$root" --keep-directory-symlink
    dpkg-deb --show --showformat '${Package} ${Version}\n' "$deb" >>"$build_dir/image/packages"
  done
}

# What maintainer scripts and an installer would have written.
configure_root() {
  local root=$1
  mkdir -p "$root"/{proc,sys,dev,run,root,mnt,etc/estiba-vm}
  chmod 1777 "$root/tmp" "$root/var/tmp"
  ln -sfn /run "$root/var/run"
  ln -sfn /run/lock "$root/var/lock"
  cp "$root/usr/share/base-passwd/passwd.master" "$root/etc/passwd"
  cp "$root/usr/share/base-passwd/group.master" "$root/etc/group"
  echo estiba-vm >"$root/etc/hostname"
  printf '127.0.0.1 localhost estiba-vm\n::1 localhost\n' >"$root/etc/hosts"
  # There is no network outside; this address is reserved for documentation.
  echo 'nameserver 192.0.2.53' >"$root/etc/resolv.conf"
  printf 'passwd: files\ngroup: files\nhosts: files dns\n' >"$root/etc/nsswitch.conf"
  [[ -e $root/bin/sh ]] || ln -sf dash "$root/bin/sh"
  cat >"$root/etc/fstab" <<'TABLE'
proc /proc proc nosuid,nodev,noexec 0 0
sysfs /sys sysfs nosuid,nodev,noexec 0 0
cgroup2 /sys/fs/cgroup cgroup2 nosuid,nodev,noexec,nsdelegate 0 0
devpts /dev/pts devpts nosuid,noexec,gid=5,mode=620,ptmxmode=000 0 0
tmpfs /dev/shm tmpfs nosuid,nodev,mode=1777 0 0
mqueue /dev/mqueue mqueue nosuid,nodev,noexec 0 0
hugetlbfs /dev/hugepages hugetlbfs nosuid,nodev 0 0
tmpfs /run tmpfs nosuid,nodev,mode=755 0 0
TABLE
  echo "${guest_modules[*]}" >"$root/etc/estiba-vm/modules"
  ldconfig -r "$root"
  depmod -b "$root" "$kernel_version"
  unsign_modules "$root"
  customize "$root"
}

# The kernel's ELF image out of the bzImage (boot protocol: setup size at 0x1f1, payload at 0x248).
extract_kernel() {
  local image=$1 setup offset length start
  read -r setup < <(od -An -tu1 -j $((0x1f1)) -N 1 "$image")
  read -r offset length < <(od -An -tu4 -j $((0x248)) -N 8 "$image")
  start=$(((setup + 1) * 512 + offset))
  # The payload's last four bytes are its unpacked size, no part of the LZ4 stream.
  dd if="$image" of="$build_dir/payload" iflag=skip_bytes,count_bytes bs=1M \
    skip="$start" count=$((length - 4)) status=none
  lz4 -dcq "$build_dir/payload" >"$build_dir/image/kernel" ||
    die "cannot unpack the kernel: its payload is not LZ4 as $kernel_package's used to be"
}

# The files of the modules and of what they depend on, in the order in which they load.
module_files() {
  local root=$1
  shift
  modprobe -d "$root" -S "$kernel_version" --show-depends -a "$@" |
    awk '$1 == "insmod" && !seen[$2]++ {print $2}'
}

# Cuts the signatures off the modules that every boot loads: checking one costs 10 ms in emulation.
# The trailer is 12 bytes, the last 4 of them the signature's size, and a magic of 28.
unsign_modules() {
  local root=$1 file size a b c d
  while read -r file; do
    [[ $(tail -c 28 "$file") == '~Module signature appended~' ]] || continue
    size=$(stat -c %s "$file")
    read -r a b c d < <(od -An -tu1 -j $((size - 32)) -N 4 "$file")
    truncate -s $((size - 40 - ((a << 24) + (b << 16) + (c << 8) + d))) "$file"
  done < <(module_files "$root" "${boot_modules[@]}" "${guest_modules[@]}")
}

make_initrd() {
  local root=$1 tree=$build_dir/initrd file
  mkdir -p "$tree"/{bin,dev,root,modules}
  cp "$root/bin/busybox" "$tree/bin/busybox"
  install -m 0755 "$vm_parts/boot" "$tree/init"
  while read -r file; do
    cp "$file" "$tree/modules/"
    echo "${file##*/}" >>"$tree/modules/order"
  done < <(module_files "$root" "${boot_modules[@]}")
  (cd "$tree" && find . | bin/busybox cpio -o -H newc 2>/dev/null) >"$build_dir/image/initrd"
}

# No journal: a run's disk never outlives it.
make_disk() {
  truncate -s "$disk" "$build_dir/image/root.ext4"
  mke2fs -q -t ext4 -O '^has_journal' -E lazy_itable_init=1,root_owner=0:0 -m 0 -L estiba-vm \
    -d "$1" "$build_dir/image/root.ext4"
}

build_image() {
  local root=$build_dir/root kernel_version
  need_mirror
  mkdir -p "$root" "$build_dir/image"
  say "downloading ${#packages[@]} Debian packages with their dependencies, and $kernel_package: ${packages[*]}"
  with_fresh_lists download_packages
  with_fresh_lists download_kernel
  say "unpacking and configuring the guest"
  unpack_root "$root"
  kernel_version=$(basename "$root"/lib/modules/*)
  configure_root "$root"
  extract_kernel "$root/boot/vmlinuz-$kernel_version"
  make_initrd "$root"
  rm -r "${root:?}/boot"
  say "writing the disk image"
  make_disk "$root"
}
