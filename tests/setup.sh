#!/usr/bin/env bash
# Gives a machine what the project's commands need; nothing is done twice, nothing outside packages and the cache changes.
#   setup.sh            everything: for make test, demo, bench
#   setup.sh check      only what make check needs: no Kubernetes is built
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
. "$here/node/lib.sh"
. "$here/node/fetch.sh"
. "$here/node/build.sh"
. "$here/node/machine.sh"
. "$here/node/images.sh"

# Rust's linker needs cc; the others fetch and unpack.
base_packages=(gcc libc6-dev binutils python3 ca-certificates)
if ! python3 -m pip --version > /dev/null 2>&1; then base_packages+=(python3-pip); fi

ensure_rust() {
  local version help="install it from https://rustup.rs, or: rustup update stable"
  [ ! -d "$HOME/.cargo/bin" ] || PATH=$PATH:$HOME/.cargo/bin
  has cargo && has rustc || die "Rust is not installed" "$help"
  version=$(rustc --version)
  version=${version#rustc 1.}
  [ "${version%%.*}" -ge 89 ] || die "Rust >= 1.89 is needed, this is $(rustc --version)" "$help"
  [ -d "$(rustc --print sysroot)/lib/rustlib/x86_64-unknown-linux-gnu" ] || die "Rust has no x86_64-unknown-linux-gnu" "rustup target add x86_64-unknown-linux-gnu"
}

case ${1:-all} in
  check)
    install_packages "${base_packages[@]}" git jq python3-yaml
    ensure_rust
    has cargo-fmt && has cargo-clippy || die "rustfmt or clippy is missing" "rustup component add rustfmt clippy"
    ensure_cargo_deny
    ensure_helm
    ensure_kubeconform
    ensure_helm_unittest
    ensure_promtool
    ensure_shellcheck
    ensure_schemas ;;
  all)
    install_packages "${base_packages[@]}" "${node_packages[@]}" bats bc procps python3-yaml
    install_servers redis-server redis-tools postgresql-15
    ensure_rust
    ensure_bao
    ensure_helm
    ensure_etcd
    ensure_kubernetes
    ensure_coredns
    ensure_node_images ;;
  *) usage_error "there is no part $1" "check, or nothing for all" ;;
esac
printf 'the machine is set up (%d s)\n' "$SECONDS"
