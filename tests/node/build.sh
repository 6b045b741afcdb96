# What is built from Go modules. The go.sum files hold the checksums of the large ones; the others are checked by Go's
# checksum database. Sourced after lib.sh and fetch.sh.

kubernetes_version=1.35.4 coredns_version=1.15.0 kubeconform_version=0.8.0 traefik_version=3.6.12

# go_install MODULE/PACKAGE@VERSION NAME
go_install() {
  ensure_go
  mkdir -p "$bin/.go"
  CGO_ENABLED=0 GOFLAGS=-buildvcs=false GOBIN=$bin/.go go install -trimpath -ldflags '-s -w' "$1"
  mv "$bin/.go/$2" "$bin/$2"
}

build_kubernetes() {
  local version=k8s.io/component-base/version
  ensure_go
  rm -rf "$bin/.kubernetes"
  (cd "$node_dir/kubernetes" &&
    CGO_ENABLED=0 GOFLAGS='-buildvcs=false -mod=readonly' go build -trimpath -o "$bin/.kubernetes/" -ldflags \
      "-s -w -X $version.gitVersion=v$kubernetes_version -X $version.gitMajor=1 -X $version.gitMinor=35 -X $version.gitTreeState=clean" tool)
  mv "$bin"/.kubernetes/* "$bin/"
  rmdir "$bin/.kubernetes"
}

build_coredns() { go_install "github.com/coredns/coredns@v$coredns_version" coredns; }

build_kubeconform() { go_install "github.com/yannh/kubeconform/cmd/kubeconform@v$kubeconform_version" kubeconform; }

build_helm_unittest() {
  ensure_go
  rm -rf "$bin/.helm-unittest"
  (cd "$node_dir/helm-unittest" && CGO_ENABLED=0 GOFLAGS='-buildvcs=false -mod=readonly' go build -trimpath -ldflags '-s -w' -o "$bin/.helm-unittest/" tool)
  mv "$bin/.helm-unittest/helm-unittest" "$bin/helm-unittest"
  rmdir "$bin/.helm-unittest"
}

# ACME's DNS providers stay out: they are most of the code, and nothing here asks for certificates that way. A file of the
# module cannot be replaced alone, so its module is copied.
build_traefik() {
  local work lego
  ensure_go
  work=$(mktemp -d)
  cp "$node_dir"/traefik/go.{mod,sum} "$work/"
  lego=$(cd "$work" && GOWORK=off GOFLAGS=-mod=mod go mod download -json "github.com/go-acme/lego/v4@$(sed -nE 's/^require github.com\/traefik.*//; s/.*github.com\/go-acme\/lego\/v4 (v[0-9.]+).*/\1/p' go.mod | head -n 1)" | jq -r .Dir)
  cp -r "$lego" "$work/lego"
  chmod -R u+w "$work/lego"
  cp "$node_dir/traefik/providers.go" "$work/lego/providers/dns/zz_gen_dns_providers.go"
  (cd "$work" && CGO_ENABLED=0 GOFLAGS='-buildvcs=false -mod=readonly' go build -trimpath \
    -ldflags "-s -w -X github.com/traefik/traefik/v3/pkg/version.Version=v$traefik_version" -o "$bin/.traefik/" tool)
  mv "$bin/.traefik/traefik" "$bin/traefik"
  rm -rf "$work" "$bin/.traefik"
}

build_cert_manager() {
  ensure_go
  (cd "$node_dir/cert-manager" && CGO_ENABLED=0 GOFLAGS='-buildvcs=false -mod=readonly' go build -trimpath -ldflags '-s -w' -o "$bin/cert-manager.new" .)
  mv "$bin/cert-manager.new" "$bin/cert-manager"
}

ensure_traefik() {
  make_once traefik "$(key_of build_traefik "=$traefik_version" "$node_dir"/traefik/{go.mod,go.sum,providers.go})" "$bin/traefik" \
    "building Traefik $traefik_version (about 4 minutes on 2 cores, once)" build_traefik
}
ensure_cert_manager() {
  make_once cert-manager "$(key_of build_cert_manager "$node_dir"/cert-manager/{go.mod,go.sum,main.go})" "$bin/cert-manager" \
    "building cert-manager 1.21.2 (about 3 minutes on 2 cores, once)" build_cert_manager
}

ensure_kubernetes() {
  make_once kubernetes "$(key_of build_kubernetes "=$kubernetes_version" "$node_dir"/kubernetes/go.{mod,sum})" "$bin/kubelet" \
    "building the six programs of Kubernetes $kubernetes_version (about 5 minutes on 2 cores, once)" build_kubernetes
}
ensure_coredns() {
  make_once coredns "$(key_of build_coredns "=$coredns_version")" "$bin/coredns" \
    "building CoreDNS $coredns_version (about 3 minutes on 2 cores, once)" build_coredns
}
ensure_kubeconform() {
  make_once kubeconform "$(key_of build_kubeconform "=$kubeconform_version")" "$bin/kubeconform" \
    "building kubeconform $kubeconform_version" build_kubeconform
}
ensure_helm_unittest() {
  make_once helm-unittest "$(key_of build_helm_unittest "$node_dir"/helm-unittest/go.{mod,sum})" "$bin/helm-unittest" \
    "building helm-unittest 1.1.2 (about half a minute, once)" build_helm_unittest
}
