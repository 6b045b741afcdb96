#!/usr/bin/env bash
# Process 1 of the node's namespaces: mounts, network, then every component, each with its own log file.
#   inside.sh STATE_DIR NODE_NAME CGROUP VOLUME_COUNT
# When a component ends, the node ends; why is in the last line of STATE_DIR/log/inside.log.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
. "$here/lib.sh"
. "$here/config.sh"
. "$here/store.sh"
S=$1 node_name=$2 cgroup=$3 volumes=$4 P=$1/pki L=$1/log ip=10.0.0.1
socket=/run/containerd.sock
declare -A components=()

# run NAME COMMAND...: starts a component.
run() {
  local name=$1
  shift
  "$@" > "$L/$name.log" 2>&1 < /dev/null &
  components[$!]=$name
}

wait_for() {
  local tries=0
  until "$@" > /dev/null 2>&1; do
    tries=$((tries + 1))
    [ $tries -lt 600 ] || { echo "gave up on: $*"; exit 1; }
    sleep 0.1
  done
}

mounts() {
  mount --make-rprivate /
  # What the components expect at fixed places, ours for this namespace only.
  mount --bind "$S/kubelet" /var/lib/kubelet
  mount --make-shared /var/lib/kubelet # or volumes do not reach containers
  mount --bind "$S/cni" /var/lib/cni
  mount -t tmpfs -o mode=755 run /run
  mount -t tmpfs -o mode=755 log /var/log
  mkdir -p /var/log/pods /var/log/containers
  cluster_names
}

# What runs in here asks the cluster for names, as a pod does.
cluster_names() {
  local file
  file=$(readlink -f /etc/resolv.conf) && [ -n "$file" ] || return 0
  # Often a link into /run, which is ours and empty.
  case $file in /run/*) mkdir -p "$(dirname "$file")" && : > "$file" ;; esac
  [ -f "$file" ] || return 0
  printf 'nameserver 10.96.0.10\nsearch svc.cluster.local cluster.local\noptions ndots:3\n' > "$S/names.conf"
  mount --bind "$S/names.conf" "$file"
}

network() {
  ip link set lo up
  ip link add node0 type bridge # small kernels have no "dummy" link
  ip addr add "$ip/24" dev node0
  ip link set node0 up
  ip route add default via 10.0.0.254
  echo 1 > /proc/sys/net/ipv4/ip_forward
  echo 1 > /proc/sys/net/bridge/bridge-nf-call-iptables 2> /dev/null || true # no such file: packets on a bridge are not filtered
}

# A cgroup of the node's own for pods, in every hierarchy (version 1), or the one (version 2).
control_groups() {
  local controller file
  if [ -f /sys/fs/cgroup/cgroup.controllers ]; then
    mkdir -p "/sys/fs/cgroup/$cgroup"
    for file in /sys/fs/cgroup/cgroup.subtree_control "/sys/fs/cgroup/$cgroup/cgroup.subtree_control"; do
      for controller in cpu cpuset memory pids io hugetlb; do echo "+$controller" > "$file" 2> /dev/null || true; done
    done
    return 0
  fi
  for controller in cpu cpuacct cpuset memory devices freezer blkio pids systemd hugetlb; do
    [ ! -d "/sys/fs/cgroup/$controller" ] || mkdir -p "/sys/fs/cgroup/$controller/$cgroup"
  done
  # An empty set admits no process.
  for file in cpus mems; do
    [ ! -f "/sys/fs/cgroup/cpuset/cpuset.$file" ] || cat "/sys/fs/cgroup/cpuset/cpuset.$file" > "/sys/fs/cgroup/cpuset/$cgroup/cpuset.$file"
  done
}

# Before the container runtime proper: images in, records of pods of an earlier run out.
prepare_store() {
  rm -rf "$S"/containerd/io.containerd.grpc.v1.cri/{containers,sandboxes} "$S/containerd/io.containerd.runtime.v2.task"
  containerd --config "$S/containerd-store.toml" > "$L/containerd-store.log" 2>&1 < /dev/null &
  local pid=$!
  wait_for ctr --address "$socket" version
  remove_containers "$socket"
  import_images "$socket" "$cache"/node-images/*.tar
  kill "$pid"
  wait "$pid" || true
}

control_plane() {
  run etcd etcd --name "$node_name" --data-dir "$S/etcd" --listen-client-urls http://127.0.0.1:2379 --advertise-client-urls http://127.0.0.1:2379 \
    --listen-peer-urls http://127.0.0.1:2380 --initial-advertise-peer-urls http://127.0.0.1:2380 --initial-cluster "$node_name=http://127.0.0.1:2380" \
    --unsafe-no-fsync
  run kube-apiserver kube-apiserver --etcd-servers http://127.0.0.1:2379 --secure-port 6443 --bind-address 0.0.0.0 --advertise-address "$ip" \
    --kubelet-preferred-address-types InternalIP --service-cluster-ip-range 10.96.0.0/16 --allow-privileged \
    --authorization-mode Node,RBAC --enable-admission-plugins NodeRestriction \
    --client-ca-file "$P/ca.crt" --tls-cert-file "$P/apiserver.crt" --tls-private-key-file "$P/apiserver.key" \
    --kubelet-certificate-authority "$P/ca.crt" --kubelet-client-certificate "$P/apiserver-kubelet.crt" --kubelet-client-key "$P/apiserver-kubelet.key" \
    --service-account-key-file "$P/sa.pub" --service-account-signing-key-file "$P/sa.key" --service-account-issuer https://kubernetes.default.svc.cluster.local \
    --requestheader-client-ca-file "$P/front-proxy-ca.crt" --requestheader-allowed-names front-proxy --requestheader-extra-headers-prefix X-Remote-Extra- \
    --requestheader-group-headers X-Remote-Group --requestheader-username-headers X-Remote-User \
    --proxy-client-cert-file "$P/front-proxy.crt" --proxy-client-key-file "$P/front-proxy.key"
}

controllers() {
  run kube-controller-manager kube-controller-manager --kubeconfig "$P/controller-manager.kubeconfig" --use-service-account-credentials --leader-elect=false --kube-api-qps 500 --kube-api-burst 1000 \
    --service-account-private-key-file "$P/sa.key" --root-ca-file "$P/ca.crt" --cluster-signing-cert-file "$P/ca.crt" --cluster-signing-key-file "$P/ca.key" \
    --controllers '*,-nodeipam,-cloud-node-lifecycle,-service-lb-controller' --node-monitor-grace-period 20s
  run kube-scheduler kube-scheduler --kubeconfig "$P/scheduler.kubeconfig" --leader-elect=false --kube-api-qps 500 --kube-api-burst 1000
}

node_components() {
  run containerd containerd --config "$S/containerd.toml"
  wait_for ctr --address "$socket" version
  run kubelet kubelet --config "$S/kubelet.yaml" --kubeconfig "$P/kubelet.kubeconfig" --hostname-override "$node_name" --node-ip "$ip" --root-dir /var/lib/kubelet
  run kube-proxy kube-proxy --kubeconfig "$P/proxy.kubeconfig" --hostname-override "$node_name" --cluster-cidr 10.244.0.0/16 \
    --conntrack-max-per-core=0 --proxy-mode nftables
}

main() {
  mounts
  network
  control_groups
  write_containerd_config
  write_network_config
  write_kubelet_config
  "$here/pki.sh" "$P" "$node_name" "$ip"
  control_plane
  prepare_store
  export KUBECONFIG=$P/admin.kubeconfig
  wait_for kubectl get --raw /readyz
  controllers
  node_components
  "$here/base.sh" /var/lib/kubelet/local "$volumes" > "$S/base.yaml"
  wait_for kubectl apply -f "$S/base.yaml"
  wait_for kubectl wait --for=condition=Ready "node/$node_name" --timeout=5s
  wait_for kubectl get serviceaccount default # the controller makes it about a second later; a pod before that is refused
  wait_for kubectl wait --namespace kube-system --for=condition=Available deployment/coredns --timeout=5s
  touch "$S/ready"
  local ended
  wait -n -p ended "${!components[@]}" || true
  echo "${components[$ended]} ended, so the node ends; see $L/${components[$ended]}.log"
}

main
