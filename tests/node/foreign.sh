# Clusters that others run: `kind`, and whatever KUBECONFIG names. Sourced by node after the other parts.

# The user's own programs come first here, ours fill the gaps.
PATH=${PATH#"$bin:"}:$bin

kind_cluster=blinkchamber-$name
[ "$name" != blinkchamber ] || kind_cluster=blinkchamber

# inside COMMAND...: there is no inside here; the command gets the cluster's kubeconfig.
inside() {
  if [ "$kind_of_cluster" = kind ]; then
    [ -f "$state/kubeconfig" ] || die "there is no kind cluster $kind_cluster" "BLINKCHAMBER_CLUSTER=kind $0 up"
    export KUBECONFIG=$state/kubeconfig
  fi
  has "$1" || die "$1 is not installed" "put it on the PATH"
  "$@"
}

needs() {
  has "$1" || die "$1 is not installed" "$2; or use BLINKCHAMBER_CLUSTER=native, which needs neither kind nor Docker"
}

kind_up() {
  KIND_CLUSTER_NAME=$kind_cluster "$here/../../create-kind-cluster.sh"
  kind get kubeconfig --name "$kind_cluster" > "$state/kubeconfig.new"
  mv "$state/kubeconfig.new" "$state/kubeconfig"
}

kind_down() {
  needs kind "see kind.sigs.k8s.io, or: go install sigs.k8s.io/kind@latest"
  kind delete cluster --name "$kind_cluster"
  rm -f "$state/kubeconfig"
}

kind_load() {
  local tar
  needs kind "see kind.sigs.k8s.io, or: go install sigs.k8s.io/kind@latest"
  for tar in "$@"; do kind load image-archive "$tar" --name "$kind_cluster"; done
}

kind_status() {
  echo "cluster  kind, $kind_cluster"
  inside kubectl get nodes -o wide
  inside kubectl get pods -A
}

current_up() {
  needs kubectl "install kubectl"
  kubectl version --output json > /dev/null 2>&1 || die "the current cluster does not answer" "set KUBECONFIG, or kubectl config use-context NAME"
}

current_down() { note "the current cluster is not ours to stop"; }

current_load() {
  note "images cannot be brought into the current cluster from here: push these to a registry it reads, and set image.registry in the chart:"
  printf '  %s\n' "$@" >&2
}

current_status() {
  echo "cluster  current, context $(kubectl config current-context)"
  kubectl get nodes -o wide
}
