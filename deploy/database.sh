# PostgreSQL back to a moment, from its backups. Sourced by deploy-umbrella.sh.
# shellcheck shell=bash

database_namespace=database

in_database() { kube --namespace "$database_namespace" "$@"; }

# run_restore-database [MOMENT]: all members end, forget whose turn it was, and begin anew from the backup.
run_restore-database() {
  local moment=${1:-} members
  [[ -z $moment || $moment =~ ^[0-9]{4}-[0-9]{2}-[0-9]{2}\ [0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]+)?)?(Z|[+-][0-9]{2}(:?[0-9]{2})?)?$ ]] ||
    fail $exit_usage "$moment is not a moment" "such as '2026-01-31 14:05:00+00'; without one: the end of the log"
  reach
  in_database get statefulset postgresql-backup > /dev/null 2>&1 ||
    fail $exit_usage "no backups are kept in namespace $database_namespace" "postgresql-ha.backup.enabled: true"
  members=$(in_database get statefulset postgresql -o 'jsonpath={.spec.replicas}')
  [ "$members" != 0 ] || members=$(in_database get configmap postgresql-restore -o 'jsonpath={.data.members}')
  confirm "PostgreSQL goes back to ${moment:-the end of the log in the repository}; what was written since is no longer in the cluster." restore
  in_database create configmap postgresql-restore --dry-run=client -o yaml --from-literal="id=$(date -u +%Y%m%dT%H%M%SZ)" --from-literal="target=$moment" \
    --from-literal="members=$members" | in_database apply -f - > /dev/null
  say "all members end"
  in_database scale statefulset postgresql --replicas 0 > /dev/null
  in_database wait pod --for=delete -l app.kubernetes.io/component=postgresql --timeout "${timeout}s" > /dev/null ||
    fail $exit_server "members are still there" "deploy-umbrella.sh restore-database goes on where it stopped"
  # Patroni's memory of who began the cluster and who led it.
  in_database delete configmap postgresql-config postgresql-leader postgresql-sync postgresql-failover --ignore-not-found > /dev/null
  say "one member begins from the backup, the others follow it"
  in_database scale statefulset postgresql --replicas "$members" > /dev/null
  in_database rollout status statefulset postgresql --timeout "${timeout}s" > /dev/null ||
    fail $exit_server "the members are not ready" "deploy-umbrella.sh logs postgresql"
  in_database delete configmap postgresql-restore > /dev/null
  say "restored: all members are ready"
}
