# containerd's image store: import what is not there yet, remove what a killed run left. Sourced by inside.sh and native.sh.

containerd_ctr() { ctr --address "$1" --namespace k8s.io "${@:2}"; }

# archive_names TAR: a line "NAME DIGEST" for each image of an OCI archive; nothing for other archives.
archive_names() {
  tar -xOf "$1" --occurrence=1 index.json 2> /dev/null |
    jq -r '.manifests[] | "\(.annotations["io.containerd.image.name"]) \(.digest)"' 2> /dev/null || true
}

# import_images SOCKET TAR...: skips an archive whose images are in the store with the same digest.
import_images() {
  local socket=$1 tar names line missing known
  shift
  known=$(containerd_ctr "$socket" images ls | awk '{ print $1, $3 }')
  for tar in "$@"; do
    names=$(archive_names "$tar")
    missing=$names
    [ -n "$names" ] || missing=unknown
    if [ -n "$names" ]; then
      missing=""
      while read -r line; do
        grep -qxF "$line" <<< "$known" || missing=$line
      done <<< "$names"
    fi
    [ -z "$missing" ] || containerd_ctr "$socket" images import "$tar" > /dev/null || return 1
  done
}

# remove_containers SOCKET: records and snapshots of pods that no longer run.
remove_containers() {
  local ids
  ids=$(containerd_ctr "$1" containers ls -q)
  [ -z "$ids" ] || containerd_ctr "$1" containers rm $ids > /dev/null
}
