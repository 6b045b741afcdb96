# The pipeline fetches role id and secret id of what it deploys.
path "auth/approle/role/deploy/role-id" {
  capabilities = ["read"]
}
path "auth/approle/role/deploy/secret-id" {
  capabilities     = ["create", "update"]
  min_wrapping_ttl = "100s"
  max_wrapping_ttl = "300s"
}
