# The node that this project runs itself: one real Kubernetes node in network, mount and process namespaces of its own,
# without systemd, Docker or a registry. Sourced by node after the other parts; sets nothing outside its state directory.

cgroup=blinkchamber-$name
volume_count=20
# Places that components insist on: made when missing, and removed by the last node that goes down.
fixed_places=(/var/lib/kubelet /var/lib/cni)

# started PID: when a process started, in ticks since boot; tells a process from a later one with the same number.
started() { sed 's/.*) //' "/proc/$1/stat" 2> /dev/null | cut -d' ' -f20; }

# outer_pid [STATE]: the `unshare` that holds a node, if it still is the process that we started.
outer_pid() {
  local pid start
  { read -r pid start < "${1:-$state}/unshare.pid"; } 2> /dev/null || return 1
  [ "$(started "$pid")" = "$start" ] && echo "$pid"
}

# init_pid: process 1 of the node's namespaces, as seen from here.
init_pid() {
  local outer
  outer=$(outer_pid) || return 1
  tr -d ' ' < "/proc/$outer/task/$outer/children" 2> /dev/null | grep .
}

# inside COMMAND...: runs a command in the namespaces, in the current directory.
inside() {
  local pid
  pid=$(init_pid) || die "node $name is not up" "$0 up"
  nsenter -t "$pid" -m -n -p env -C "$PWD" KUBECONFIG="$state/pki/admin.kubeconfig" CARGO_NET_OFFLINE=true "$@"
}

native_up() {
  check_machine
  ensure_kubernetes
  ensure_etcd
  ensure_coredns
  ensure_node_images
  if outer_pid > /dev/null; then
    [ -f "$state/ready" ] && return 0
    note "node $name was left half-started; starting it anew"
  fi
  stop
  start
}

start() {
  local place volume tries=0
  # On its own file system, or on one that overlayfs accepts as upper directory.
  mkdir -p "$state"/{log,etcd,containerd,kubelet/local,cni}
  for ((volume = 0; volume < volume_count; volume++)); do
    # Open to every user: a hostPath volume does not follow a pod's fsGroup.
    mkdir -m 0777 -p "$state/kubelet/local/$(printf %02d $volume)"
    chmod 0777 "$state/kubelet/local/$(printf %02d $volume)"
  done
  for place in "${fixed_places[@]}"; do
    [ -d "$place" ] || { mkdir -p "$place" && touch "$cache/made${place//\//-}"; }
  done
  # The process writes down its own number before it becomes `unshare`: there is no moment when a killed `up` loses it.
  # --kill-child: when unshare dies, process 1 of the namespaces dies, and with it every process inside.
  setsid bash -c 'read -r stat < /proc/$$/stat; stat=${stat##*) }; set -- "$@" $stat; echo "$$ ${25}" > "$1/unshare.pid"
    exec unshare --net --mount --pid --fork --mount-proc --kill-child "$2" "$1" "$3" "$4" "$5"' \
    bash "$state" "$node_dir/inside.sh" node-0 "$cgroup" "$volume_count" > "$state/log/inside.log" 2>&1 < /dev/null {lock}>&- &
  disown
  until [ -f "$state/ready" ]; do
    tries=$((tries + 1))
    [ $tries -lt 10 ] || outer_pid > /dev/null || die "the node stopped: $(tail -n 1 "$state/log/inside.log")" "look into $state/log"
    [ $tries -lt 900 ] || die "the node was not ready in 3 minutes" "look into $state/log"
    sleep 0.2
  done
}

native_load() {
  local pid
  pid=$(init_pid) || die "node $name is not up" "$0 up"
  # shellcheck disable=SC2016
  nsenter -t "$pid" -m -n bash -euc '. "$0/store.sh"; import_images /run/containerd.sock "$@"' "$node_dir" "$@" ||
    die "an image could not be imported into node $name" "$state/log/containerd.log"
}

native_down() { stop; }

# Ends what runs and removes what a node leaves outside its processes. Images stay in the store, logs stay to be read.
stop() {
  local pid outer place tries=0
  if outer=$(outer_pid); then
    # Process 1 of a pid namespace ignores signals it has no handler for: only KILL ends it, and it ends all the others.
    if pid=$(init_pid); then kill -KILL "$pid"; else kill -KILL "$outer"; fi
    while outer_pid > /dev/null; do sleep 0.05; done
  fi
  while ! remove_control_groups; do
    tries=$((tries + 1))
    [ $tries -lt 100 ] || die "control groups of node $name are still in use" "find /sys/fs/cgroup -path '*/$cgroup*' -name cgroup.procs | xargs cat"
    sleep 0.05
  done
  rm -rf "$state"/{unshare.pid,ready,etcd,pki,cni,kubelet}
  other_node_runs && return 0
  for place in "${fixed_places[@]}"; do
    [ ! -f "$cache/made${place//\//-}" ] || { rmdir "$place" 2> /dev/null || true; rm -f "$cache/made${place//\//-}"; }
  done
}

# cgroups outlive their processes.
remove_control_groups() {
  local directory left=0
  for directory in /sys/fs/cgroup/*/"$cgroup" "/sys/fs/cgroup/$cgroup"; do
    [ -d "$directory" ] || continue
    find "$directory" -depth -type d -exec rmdir {} + 2> /dev/null || true
    [ ! -d "$directory" ] || left=1
  done
  return $left
}

# A place may not go while it is mounted in another node's namespace: that would take the mount away there.
other_node_runs() {
  local other
  for other in "$cache"/state/*/; do
    [ "${other%/}" = "$state" ] || ! outer_pid "${other%/}" > /dev/null || return 0
  done
  return 1
}

native_status() {
  local pid
  echo "cluster  native, node $name, state in $state"
  pid=$(init_pid) || { echo "node     down"; return 1; }
  echo "node     up since $(ps -o lstart= -p "$pid"), process $pid"
  inside kubectl get nodes -o wide --no-headers | awk '{ print "         " $1, $2, $5, $6 }'
  echo "memory   of the components, MB"
  nsenter -t "$pid" -m -p ps -e -o rss=,comm= | awk '$2 ~ /^(etcd|kube|containerd$)/ { printf "         %5d %s\n", $1 / 1024, $2 }'
  echo "images"
  containerd_images "$pid" | sed 's/^/         /'
  echo "pods"
  inside kubectl get pods -A --no-headers | sed 's/^/         /'
}

containerd_images() {
  nsenter -t "$1" -m -n ctr --address /run/containerd.sock --namespace k8s.io images ls -q | grep -v '^sha256:'
}
