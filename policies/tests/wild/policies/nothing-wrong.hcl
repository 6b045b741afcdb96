# A team's own folder, and the ways to it for the web page of the server.
path "secret/data/team/*" {
  capabilities = ["create", "read", "update", "patch", "delete"]
}

path "secret/metadata/team/*" {
  capabilities = ["read", "list"]
}

path "secret/metadata/team" {
  capabilities = ["list"]
}

path "secret/delete/team/*" {
  capabilities = ["update"]
}

path "secret/undelete/team/*" {
  capabilities = ["update"]
}

path "database/creds/team" {
  capabilities = ["read"]
}

path "sys/leases/renew" {
  capabilities = ["update"]
}

path "auth/token/lookup-self" {
  capabilities = ["read"]
}

path "sys/capabilities-self" {
  capabilities = ["update"]
}

path "identity/oidc/provider/+/authorize" {
  capabilities = ["read", "update"]
}
