path "shop-secrets/data/*" {
  capabilities = ["read", "list"]
}
path "shop-secrets/metadata/*" {
  capabilities = ["read", "list"]
}
path "shop-database/creds/app" {
  capabilities = ["read"]
}
path "shop-database/creds/app/*" {
  capabilities = ["read"]
}
path "sys/leases/renew" {
  capabilities = ["update"]
  allowed_parameters = {
    lease_id = ["shop-database/creds/app/*"]
  }
}
path "sys/leases/revoke" {
  capabilities = ["update"]
  allowed_parameters = {
    lease_id = ["shop-database/creds/app/*"]
  }
}
path "auth/token/lookup-self" { capabilities = ["read"] }
path "auth/token/renew-self" { capabilities = ["update"] }
