#!/usr/bin/env bash
# The main job on a real cluster, told in the terminal. `make demo` sets the machine up first; the cluster stays up.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
node=("$root/tests/node/node")
. "$root/tests/lib/platform.sh"

chapter() { printf '\n\033[1m%s\033[0m\n' "$*"; }
show() { printf '  $ %s\n' "$*"; }
indent() { sed 's/^/    /'; }
in_database() { kubectl exec --namespace database "$@"; }

chapter "1. One command brings the platform up"
"${node[@]}" up
say "a Kubernetes node is Ready"
"${node[@]}" load
say "images are in its store"
show "helm upgrade --install blinkchamber ./chart -n blinkchamber --create-namespace -f chart/values-demo.yaml -f tests/values-e2e.yaml --wait"
say "(the second file adds an operator, who rotates a secret below)"
install_platform > /dev/null
say "OpenBao, the webhook, PostgreSQL and Redis are ready; nothing else was done"
kubectl get pods -A -l app.kubernetes.io/part-of=blinkchamber-platform | indent

chapter "2. A pod asked for secrets by annotations, and got an agent"
kubectl get pod -n database postgresql-0 -o jsonpath='{range .spec.initContainers[*]}{.name}{"  restartPolicy="}{.restartPolicy}{"  "}{.image}{"\n"}{end}' | indent

chapter "3. The secrets are files on tmpfs, and nowhere else"
show "kubectl exec -n database postgresql-0 -- grep /vault/secrets /proc/mounts"
in_database postgresql-0 -c postgresql -- grep /vault/secrets /proc/mounts | indent
in_database postgresql-0 -c postgresql -- ls -lL /vault/secrets | indent

chapter "4. The application logged in with a credential that OpenBao made for it"
kubectl logs -n database deployment/postgresql-client -c client --tail 2 | indent

chapter "5. A secret rotates; the running process takes the new one"
before=$(in_database redis-0 -c redis -- sh -c 'cat /proc/1/stat' | cut -d' ' -f22)
new="rotated-$(od -An -N12 -tx1 /dev/urandom | tr -d ' \n')"
bao kv patch -mount=secret redis "app=$new" > /dev/null
say "a new password is in OpenBao"
since=$(date +%s.%N)
for _ in $(seq 600); do
  answer=$(in_database redis-0 -c redis -- sh -c "REDISCLI_AUTH=$new redis-cli --user app ping" 2> /dev/null || true)
  [ "$answer" = PONG ] && break
  sleep 0.2
done
[ "$answer" = PONG ] || { echo "redis never took the new password" >&2; exit 1; }
printf '    Redis takes it %.1f s later; its agent looks every 30 s, or at once when told: blinkchamber-agent refresh\n' "$(echo "$(date +%s.%N) - $since" | bc)"
after=$(in_database redis-0 -c redis -- sh -c 'cat /proc/1/stat' | cut -d' ' -f22)
[ "$before" = "$after" ] || { echo "redis was restarted" >&2; exit 1; }
echo "    the server was not restarted, no session was dropped"

chapter "6. Kubernetes Secrets with a credential in them"
show "kubectl get secrets -A"
kubectl get secrets -A --no-headers 2> /dev/null | grep -v helm.sh/release || echo "none"  | indent
echo "    (Helm's own release records left out: they hold the chart, and the chart holds no secret)"

chapter "7. Who can read what: the policies that the compiler wrote"
for policy in postgres-policy redis-policy demo-client-policy; do
  show "bao policy read $policy"
  bao policy read "$policy" | grep -v '^$' | indent
done

chapter "The cluster stays up"
cat <<TEXT
    look around   tests/node/node kubectl get pods -A
                  tests/node/node kubectl exec -n database redis-0 -c vault-agent -- /blinkchamber-agent status
    stop          make demo-down
TEXT
