# A root directory from Debian packages with all they need, without running a maintainer script. Sourced after node/lib.sh
# and node/machine.sh. The solver sees an empty machine, so the result does not depend on what this one has installed.

debs=$cache/debs

# What a container never runs: package tools, init, login, perl and so on.
never='debconf|dpkg|perl|perl-base|perl-modules.*|lib.*-perl|libperl.*|libc-l10n|libgdbm.*|libsemanage.*|libsepol2|passwd|adduser|base-passwd|usrmerge|init-system-helpers|lsb-base|sysvinit-utils|gcc-12-base|libdb5.3|libdebconfclient0|tar|libpam-.*|libaudit-common|logrotate|cron.*|openssl|ssl-cert|ucf|sensible-utils|coreutils|bash|dash|debianutils|sed|grep|login|mount|util-linux.*|systemd.*|bsdutils|netbase|media-types|mailcap|mime-support'

apt_for_empty_machine() {
  apt-get -o Dir::State::status="$debs/empty.status" -o APT::Install-Recommends=false -o Debug::NoLocking=1 -o APT::Sandbox::User=root -qq -y "$@"
}

# prepare_packages: apt's lists must be there; refreshed when this machine has none.
prepare_packages() {
  has apt-get || die "the images of PostgreSQL, Redis and busybox are made from Debian packages, and apt-get is not here" "run on Debian or Ubuntu"
  mkdir -p "$debs"/{partial,none/partial}
  : > "$debs/empty.status"
  compgen -G "/var/lib/apt/lists/*Packages*" > /dev/null || refresh_package_lists
}

# resolve_packages LEAVE_OUT PACKAGE...: the archives of the closure, one a line; kept until apt's lists change.
resolve_packages() {
  local leave_out=$1 lists known
  shift
  lists=$({ cat /var/lib/apt/lists/*Release; printf '%s\n' "$leave_out" "$never" "$@"; } | sha256sum | cut -c1-32)
  known=$debs/closure-$lists
  if [ ! -s "$known" ]; then
    # An empty folder for archives: --print-uris leaves out what is already there.
    apt_for_empty_machine -o Dir::Cache::archives="$debs/none" --print-uris install "$@" |
      awk -v leave="^(${leave_out:-none}|$never)\$" '{ name = $2; sub(/_.*/, "", name); if (name !~ leave) print $2 }' | LC_ALL=C sort > "$known.new"
    [ -s "$known.new" ] || die "apt does not know: $*" "apt-get update; the packages are those of Debian 12"
    mv "$known.new" "$known"
  fi
  cat "$known"
}

# download_packages CLOSURE: into $debs; apt checks signatures and sums.
download_packages() {
  local file missing=()
  while read -r file; do
    [ -f "$debs/$file" ] || missing+=("$(sed -E 's/_.*//' <<< "$file")")
  done <<< "$1"
  [ ${#missing[@]} -eq 0 ] || apt_for_empty_machine -o Dir::Cache::archives="$debs" --download-only install "${missing[@]}" > /dev/null
}

# unpack_packages ROOT CLOSURE
unpack_packages() {
  local root=$1 file directory tool
  download_packages "$2"
  while read -r file; do dpkg -x "$debs/$file" "$root"; done <<< "$2"
  # The merged-/usr links that base-files makes in a script.
  for directory in bin sbin lib lib64; do
    mkdir -p "$root/usr/$directory"
    if [ -d "$root/$directory" ] && [ ! -L "$root/$directory" ]; then
      cp -a "$root/$directory/." "$root/usr/$directory/"
      rm -r "${root:?}/$directory"
    fi
    ln -sfn "usr/$directory" "$root/$directory"
  done
  # One program is the shell and every small tool.
  for tool in $("$root/usr/bin/busybox" --list); do
    [ -e "$root/usr/bin/$tool" ] || [ -e "$root/usr/sbin/$tool" ] || ln -s busybox "$root/usr/bin/$tool"
  done
  remove_ballast "$root"
  mkdir -p "$root"/{etc,tmp,run,var/lib,proc,sys,dev}
  chmod 1777 "$root/tmp"
  [ -L "$root/var/run" ] || ln -sfn /run "$root/var/run"
  printf 'root:x:0:0::/:/bin/sh\napp:x:10001:10001::/tmp:/bin/sh\n' > "$root/etc/passwd"
  printf 'root:x:0:\napp:x:10001:\n' > "$root/etc/group"
  printf 'passwd: files\ngroup: files\nhosts: files dns\n' > "$root/etc/nsswitch.conf"
}

remove_ballast() {
  local root=$1
  rm -rf "$root"/usr/share/{doc,man,locale,info,lintian,bug,bash-completion,doc-base,perl5,gdb} "$root"/usr/share/postgresql/*/man \
    "$root"/usr/lib/x86_64-linux-gnu/{perl*,gconv} "$root"/usr/lib/postgresql/*/lib/{bitcode,llvmjit*} \
    "$root"/etc/{init.d,cron*,logrotate.d,systemd} "$root"/usr/lib/{systemd,tmpfiles.d,sysusers.d}
}

# check_libraries ROOT FILE...: every shared library that a program needs is in the root, and is found without a cache.
check_libraries() {
  local root=$1 file missing
  shift
  for file in "$@"; do
    missing=$("$root/lib64/ld-linux-x86-64.so.2" --inhibit-cache --library-path "$root/usr/lib/x86_64-linux-gnu" --list "$file" |
      awk -v root="$root/" '/=>/ && index($3, root) != 1 { print $1 }')
    [ -z "$missing" ] || die "${file#"$root"} lacks libraries: ${missing//$'\n'/ }" "add their packages in tests/images/build"
  done
}
