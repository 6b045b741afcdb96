# OpenBao as its operator, for scripts and bats alike. Needs `kubectl`, a program or a function.
# shellcheck shell=bash

# bao ARGUMENT...: a bao command in the server's pod, with a token of the operator's role that lives as long as the command.
bao() {
  local jwt
  jwt=$(kubectl create token --namespace blinkchamber blinkchamber-operator --audience vault --duration 10m) ||
    { echo "the values of the tests have an operator who may look into OpenBao: tests/values-e2e.yaml, tests/values-platform.yaml" >&2; return 1; }
  printf '%s' "$jwt" | kubectl exec --namespace blinkchamber vault-0 -c vault -i -- sh -euc '
    BAO_TOKEN=$(bao write -field=token auth/kubernetes/login role=operator jwt="$(cat)")
    export BAO_TOKEN
    # A standby may not have heard of the token yet.
    for _ in $(seq 50); do if bao token lookup > /dev/null 2>&1; then break; fi; sleep 0.2; done
    "$@"' sh bao "$@"
}
