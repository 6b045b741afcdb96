# The configuration files of containerd, the kubelet and the pod network. Sourced by inside.sh, which sets S, P, node_name, cgroup.

write_containerd_config() {
  cat > "$S/containerd.toml" <<T
version = 2
root = "$S/containerd"
state = "/run/containerd"
[grpc]
  address = "/run/containerd.sock"
[plugins."io.containerd.internal.v1.opt"]
  path = "/run/containerd-opt"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "localhost/pause:1"
  restrict_oom_score_adj = true # without CAP_SYS_RESOURCE nobody may lower it
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "/run/cni/net.d"
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "overlayfs"
T
  # The first start imports images and removes what a killed run left; pods are not its business.
  sed '1a disabled_plugins = ["io.containerd.grpc.v1.cri"]' "$S/containerd.toml" > "$S/containerd-store.toml"
}

write_network_config() {
  mkdir -p /run/cni/net.d
  cat > /run/cni/net.d/10-bridge.conflist <<'J'
{"cniVersion": "1.0.0", "name": "pods", "plugins": [
  {"type": "bridge", "bridge": "cni0", "isGateway": true, "ipMasq": true, "hairpinMode": true,
   "ipam": {"type": "host-local", "dataDir": "/run/cni-ipam", "ranges": [[{"subnet": "10.244.0.0/24"}]], "routes": [{"dst": "0.0.0.0/0"}]}},
  {"type": "portmap", "capabilities": {"portMappings": true}}]}
J
}

write_kubelet_config() {
  # The host's name server is not reachable in here; pods use CoreDNS, which forwards nowhere.
  : > "$S/resolv.conf"
  cat > "$S/kubelet.yaml" <<Y
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
authentication: {anonymous: {enabled: false}, webhook: {enabled: true}, x509: {clientCAFile: $P/ca.crt}}
authorization: {mode: Webhook}
tlsCertFile: $P/kubelet-server.crt
tlsPrivateKeyFile: $P/kubelet-server.key
containerRuntimeEndpoint: unix:///run/containerd.sock
cgroupDriver: cgroupfs
cgroupRoot: /$cgroup
clusterDNS: [10.96.0.10]
clusterDomain: cluster.local
resolvConf: $S/resolv.conf
failSwapOn: false
failCgroupV1: false
oomScoreAdj: 0
localStorageCapacityIsolation: true
# A full disk or an old image is not what a test is about.
evictionHard: {memory.available: 100Mi, nodefs.available: 1%, imagefs.available: 1%}
imageGCHighThresholdPercent: 100
imageMinimumGCAge: 24h
syncFrequency: 10s
nodeStatusUpdateFrequency: 4s
maxPods: 110
kubeAPIQPS: 500
kubeAPIBurst: 1000
serializeImagePulls: false
Y
}
