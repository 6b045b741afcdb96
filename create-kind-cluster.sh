#!/usr/bin/env bash
# Makes a kind cluster that BlinkChamber can be installed on, with the images of `make images` when they are there.
#   create-kind-cluster.sh            make it; when it exists already, only bring the images
# Environment: KIND_CLUSTER_NAME (blinkchamber), KIND_NODE_IMAGE (kind's default; Kubernetes >= 1.30), KIND_WORKERS (0)
set -euo pipefail
name=${KIND_CLUSTER_NAME:-blinkchamber} workers=${KIND_WORKERS:-0}
images=${XDG_CACHE_HOME:-$HOME/.cache}/blinkchamber/images

die() {
  printf 'error: %s\n  help: %s\n' "$1" "$2" >&2
  exit "${3:-3}"
}

case ${1:-} in
  "") ;;
  -h | --help | help) sed -n '2,4s/^# \{0,1\}//p' "$0"; exit ;;
  *) die "unknown argument: $1" "$0 --help" 2 ;;
esac
[[ $workers =~ ^[0-9]$ ]] || die "KIND_WORKERS=$workers is no number from 0 to 9" "KIND_WORKERS=2 $0" 2
command -v kind > /dev/null || die "kind is not installed" "see https://kind.sigs.k8s.io, or: go install sigs.k8s.io/kind@latest; a node without kind and Docker: make node-up"
command -v kubectl > /dev/null || die "kubectl is not installed" "see https://kubernetes.io/docs/tasks/tools"
# kind takes the engine that answers; KIND_EXPERIMENTAL_PROVIDER decides when both do.
docker info > /dev/null 2>&1 || podman info > /dev/null 2>&1 || nerdctl info > /dev/null 2>&1 ||
  die "no container engine answers: docker, podman or nerdctl" "start one; a node without kind and Docker: make node-up"

config() {
  cat <<'Y'
kind: Cluster
apiVersion: kind.x-k8s.io/v1alpha4
nodes:
- role: control-plane
Y
  for ((n = 0; n < workers; n++)); do echo "- role: worker"; done
}

if kind get clusters 2> /dev/null | grep -qxF "$name"; then
  echo "the cluster $name exists"
else
  config | kind create cluster --name "$name" --config - --wait 3m ${KIND_NODE_IMAGE:+--image "$KIND_NODE_IMAGE"} ||
    die "kind could not make the cluster $name" "kind delete cluster --name $name, then again"
fi

# Native sidecars, on which agents are built, are on by default since 1.29; 1.30 is the oldest that is tested.
minor=$(kubectl --context "kind-$name" version --output json | sed -n '/serverVersion/,$s/.*"minor": "\([0-9]*\).*/\1/p' | head -n 1) || true
[ "${minor:-0}" -ge 30 ] || die "the cluster runs Kubernetes 1.${minor:-?}" "set KIND_NODE_IMAGE to a kindest/node of v1.30 or newer, and kind delete cluster --name $name"

found=0
for archive in "$images"/*.tar; do
  [ -f "$archive" ] || continue
  kind load image-archive "$archive" --name "$name" || die "$archive could not be loaded" "make images; kind >= 0.20 is needed for OCI archives"
  found=$((found + 1))
done
if [ $found -eq 0 ]; then echo "no image archives: make images, then run this again; or name a registry in the chart's values"; else echo "$found images loaded"; fi
echo "kubectl --context kind-$name get nodes"
