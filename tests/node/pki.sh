#!/usr/bin/env bash
# Certificates and kubeconfigs of the node: pki.sh DIR NODE_NAME NODE_IP
set -euo pipefail
umask 077
dir=$1 node=$2 ip=$3
mkdir -p "$dir" && cd "$dir"

new_key() { openssl ecparam -name prime256v1 -genkey -noout -out "$1.key"; }

authority() {
  new_key "$1"
  openssl req -x509 -new -key "$1.key" -subj "/CN=$1" -days 30 -out "$1.crt"
}

# leaf NAME SUBJECT ISSUER [SUBJECT_ALT_NAME]
leaf() {
  new_key "$1"
  {
    echo "extendedKeyUsage=serverAuth,clientAuth"
    [ $# -lt 4 ] || echo "subjectAltName=$4"
  } > "$1.ext"
  openssl req -new -key "$1.key" -subj "$2" |
    openssl x509 -req -CA "$3.crt" -CAkey "$3.key" -set_serial "0x$(openssl rand -hex 8)" -days 30 -out "$1.crt" -extfile "$1.ext" 2> /dev/null
  rm "$1.ext"
}

kubeconfig() {
  cat > "$1.kubeconfig" <<Y
apiVersion: v1
kind: Config
clusters: [{name: node, cluster: {server: "https://127.0.0.1:6443", certificate-authority: "$PWD/ca.crt"}}]
users: [{name: me, user: {client-certificate: "$PWD/$1.crt", client-key: "$PWD/$1.key"}}]
contexts: [{name: node, context: {cluster: node, user: me}}]
current-context: node
Y
}

authority ca
authority front-proxy-ca
openssl genrsa -out sa.key 2048 2> /dev/null
openssl rsa -in sa.key -pubout -out sa.pub 2> /dev/null
names=DNS:kubernetes,DNS:kubernetes.default,DNS:kubernetes.default.svc,DNS:kubernetes.default.svc.cluster.local
leaf apiserver /CN=kube-apiserver ca "$names,IP:10.96.0.1,IP:127.0.0.1,IP:$ip"
leaf apiserver-kubelet /O=system:masters/CN=apiserver-kubelet ca
leaf front-proxy /CN=front-proxy front-proxy-ca
leaf kubelet-server "/CN=$node" ca "DNS:$node,IP:$ip,IP:127.0.0.1"
leaf admin /O=system:masters/CN=admin ca
leaf controller-manager /CN=system:kube-controller-manager ca
leaf scheduler /CN=system:kube-scheduler ca
leaf kubelet "/O=system:nodes/CN=system:node:$node" ca
leaf proxy /CN=system:kube-proxy ca
for name in admin controller-manager scheduler kubelet proxy; do kubeconfig "$name"; done
