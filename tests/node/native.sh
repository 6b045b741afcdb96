# The node that this project runs itself: one real Kubernetes node in network, mount and process namespaces of its own,
# without systemd, Docker or a registry. Sourced by node after the other parts; sets nothing outside its state directory.

cgroup=blinkchamber-$name
volume_count=40
# Places that components insist on: made when missing, and removed by the last node that goes down.
fixed_places=(/var/lib/kubelet /var/lib/cni)

# started PID: when a process that still lives started, in ticks since boot; tells it from a later one with the same number.
started() {
  local stat
  { read -r stat < "/proc/$1/stat"; } 2> /dev/null || return 1
  set -- ${stat##*) }
  [ "$1" != Z ] && echo "${20}"
}

# recorded FILE: the process that a file names, if it still is the one that was started.
recorded() {
  local pid start
  { read -r pid start < "$1"; } 2> /dev/null || return 1
  [ "$(started "$pid")" = "$start" ] && echo "$pid"
}

# outer_pid: the `unshare` that holds the node. init_pid: process 1 of the node's namespaces, as seen from here.
outer_pid() { recorded "$state/unshare.pid"; }
init_pid() { recorded "$state/init.pid"; }

# record_init: writes down process 1 once `unshare` has made it.
record_init() {
  local outer pid=""
  outer=$(outer_pid) || return 0
  { read -r pid < "/proc/$outer/task/$outer/children"; } 2> /dev/null || true # the list has no end of line
  [ -z "$pid" ] || echo "$pid $(started "$pid")" > "$state/init.pid"
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
  if is_up; then return 0; fi
  ! outer_pid > /dev/null || note "node $name was left half-started, or does not answer: starting it anew"
  stop
  start
}

is_up() {
  outer_pid > /dev/null && init_pid > /dev/null && [ -f "$state/ready" ] && inside kubectl get --raw /readyz > /dev/null 2>&1
}

start() {
  local place volume tries=0
  # On its own file system, or on one that overlayfs accepts as upper directory.
  mkdir -p "$state"/{log,etcd,containerd,kubelet/local,cni}
  for ((volume = 0; volume < volume_count; volume++)); do
    # Open to every user: a hostPath volume does not follow a pod's fsGroup.
    mkdir -p "$state/kubelet/local/$(printf %02d $volume)"
    chmod 0777 "$state/kubelet/local/$(printf %02d $volume)"
  done
  for place in "${fixed_places[@]}"; do
    [ -d "$place" ] || { mkdir -p "$place" && touch "$cache/made${place//\//-}"; }
  done
  # The process writes down its own number before it becomes `unshare`: there is no moment when a killed `up` loses it.
  # Signals that our caller ignores (nohup) would be ignored in every container.
  # --kill-child: when unshare dies, process 1 of the namespaces dies, and with it every process inside.
  setsid bash -c 'read -r stat < /proc/$$/stat; set -- "$@" ${stat##*) }; echo "$$ ${25}" > "$1/unshare.pid"
    exec env --default-signal=HUP,INT,QUIT unshare --net --mount --pid --fork --mount-proc --kill-child "$2" "$1" "$3" "$4" "$5"' \
    bash "$state" "$node_dir/inside.sh" node-0 "$cgroup" "$volume_count" > "$state/log/inside.log" 2>&1 < /dev/null {lock}>&- &
  disown
  until [ -f "$state/ready" ]; do
    [ -f "$state/init.pid" ] || record_init
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
  local pid place file tries=0
  # Process 1 of a pid namespace ignores signals it has no handler for: only KILL ends it, and it ends all the others.
  record_init
  for file in "$state"/{init,unshare}.pid; do
    while pid=$(recorded "$file"); do
      kill -KILL "$pid" 2> /dev/null || true
      sleep 0.05
    done
  done
  while ! remove_control_groups; do
    tries=$((tries + 1))
    [ $tries -lt 100 ] || die "control groups of node $name are still in use" "find /sys/fs/cgroup -path '*/$cgroup*' -name cgroup.procs | xargs cat"
    sleep 0.05
  done
  rm -rf "$state"/{init.pid,unshare.pid,ready,etcd,pki,cni,kubelet}
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
    [ "${other%/}" = "$state" ] || ! recorded "$other/unshare.pid" > /dev/null || return 0
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
