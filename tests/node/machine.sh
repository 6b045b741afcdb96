# What a machine must have to run the node, and how to get it. Sourced after lib.sh.

# Debian's names. busybox and pause are linked statically, so gcc needs libc's archive.
node_packages=(containerd runc containernetworking-plugins nftables iptables conntrack iproute2 util-linux openssl jq python3 gcc libc6-dev busybox-static)

# install_packages PACKAGE...: what is missing of it, by apt; says how when it cannot.
install_packages() {
  local package missing=() installed
  has dpkg-query || die "this is no Debian or Ubuntu: the packages cannot be installed from here" \
    "install what these are called on your system: $*; or use BLINKCHAMBER_CLUSTER=kind"
  installed=$(dpkg-query -W -f '${db:Status-Status} ${Package}\n' "$@" 2> /dev/null || true)
  for package in "$@"; do
    [[ $'\n'$installed$'\n' == *$'\n'"installed $package"$'\n'* ]] || missing+=("$package")
  done
  [ ${#missing[@]} -gt 0 ] || return 0
  [ "$(id -u)" -eq 0 ] || die "packages are missing: ${missing[*]}" "sudo apt-get install ${missing[*]}"
  note "installing ${missing[*]} ..."
  refresh_package_lists
  DEBIAN_FRONTEND=noninteractive apt-get -qq -y -o Dpkg::Use-Pty=0 --no-install-recommends install "${missing[@]}" > "$cache/apt.log" 2>&1 ||
    { tail -n 5 "$cache/apt.log" >&2; die "apt-get could not install ${missing[*]}" "see $cache/apt.log"; }
}

# install_servers PACKAGE...: the same, but nothing starts them: tests run their own.
install_servers() {
  local policy=/usr/sbin/policy-rc.d made=
  if [ "$(id -u)" -eq 0 ] && [ ! -e $policy ]; then
    printf '#!/bin/sh\nexit 101\n' > $policy
    chmod 755 $policy
    made=yes
  fi
  install_packages "$@"
  [ -z "$made" ] || rm -f $policy
}

# refresh_package_lists: `apt-get update`, once a run.
refresh_package_lists() {
  [ -z "${package_lists_are_fresh:-}" ] || return 0
  apt-get -qq update > "$cache/apt.log" 2>&1 || { tail -n 5 "$cache/apt.log" >&2; die "apt-get update failed" "see $cache/apt.log"; }
  package_lists_are_fresh=yes
}

# check_machine: everything the node needs of the machine, or a message that names it.
check_machine() {
  local help="or use a cluster you have: BLINKCHAMBER_CLUSTER=kind, or current"
  [ "$(uname -s)" = Linux ] || die "the node runs on Linux, this is $(uname -s)" "$help"
  [ "$(uname -m)" = x86_64 ] || die "the node's programs are x86_64 ones, this machine is $(uname -m)" "$help"
  [ "$(id -u)" -eq 0 ] || die "the node needs root: it makes namespaces, mounts and control groups" "sudo -E $0 up; $help"
  install_packages "${node_packages[@]}"
  unshare --net --mount --pid --fork true 2> /dev/null ||
    die "the kernel or the container around us allows no network, mount or pid namespaces" "run on the machine itself, or in a privileged container; $help"
  grep -qw overlay /proc/filesystems || modprobe overlay 2> /dev/null || die "the kernel has no overlayfs, which containerd needs" "$help"
  grep -qE ' cgroup2? ' /proc/mounts || die "no control groups are mounted" "mount -t cgroup2 none /sys/fs/cgroup; $help"
  [ "$(df -P -k "$cache" | awk 'NR == 2 { print $4 }')" -gt 4000000 ] || die "less than 4 GB are free for $cache" "make room, or set XDG_CACHE_HOME"
}
