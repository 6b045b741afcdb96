# The two images without which no pod starts: the sandbox and DNS. Sourced after lib.sh and build.sh.

node_images=$cache/node-images
image_py=$node_dir/../images/image.py

build_pause_image() {
  scratch
  cc -static -Os -s -o "$work/pause" "$node_dir/pause.c"
  "$image_py" "$work" localhost/pause:1 "$node_images/pause.tar" --entrypoint '["/pause"]' --user 65535:65535 > /dev/null
}

build_coredns_image() {
  scratch
  cp "$bin/coredns" "$work/coredns"
  "$image_py" "$work" localhost/coredns:1 "$node_images/coredns.tar" --entrypoint '["/coredns"]' > /dev/null
}

ensure_node_images() {
  mkdir -p "$node_images"
  make_once pause-image "$(key_of build_pause_image "$node_dir/pause.c" "$image_py")" "$node_images/pause.tar" "making the image pause" build_pause_image
  make_once coredns-image "$(key_of build_coredns_image "=$(< "$cache/keys/coredns")" "$image_py")" "$node_images/coredns.tar" "making the image coredns" build_coredns_image
}
