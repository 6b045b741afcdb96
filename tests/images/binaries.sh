# Static programs for images and benches, built so that no path of this machine is in them. Sourced after node/lib.sh.

project=$(cd "$node_dir/../.." && pwd)
target=x86_64-unknown-linux-gnu

# static_binary PROFILE NAME: where build_static puts a program.
static_binary() { printf '%s\n' "${CARGO_TARGET_DIR:-$project/target}/$target/$1/$2"; }

# build_static PROFILE PACKAGE...: cargo decides what is to be done.
build_static() {
  local profile=$1 package packages=() cargo_home sysroot
  shift
  has cargo || die "cargo is not installed" "install Rust >= 1.89, see https://rustup.rs"
  for package in "$@"; do packages+=(--package "$package"); done
  cargo_home=${CARGO_HOME:-$HOME/.cargo}
  sysroot=$(rustc --print sysroot)
  # --target also when it is the host: else the flags reach build scripts and macros, which cannot be static.
  # CFLAGS for the C and assembler parts of ring.
  (cd "$project" &&
    CARGO_INCREMENTAL=0 \
      CFLAGS="-ffile-prefix-map=$cargo_home=/cargo -ffile-prefix-map=$project=/blinkchamber" \
      RUSTFLAGS="-C target-feature=+crt-static --remap-path-prefix=$cargo_home=/cargo --remap-path-prefix=$sysroot=/rust --remap-path-prefix=$project=/blinkchamber" \
      cargo build --locked --quiet --target "$target" --profile "$profile" "${packages[@]}") ||
    die "the $profile build of $* failed"
}
