# For service account database/postgres.

# shop/templates/postgres.yaml: StatefulSet database/postgresql-ha-postgresql, template of /vault/secrets/postgres.env, line 1: secret
path "secret/data/postgres" {
  capabilities = ["read"]
}

# shop/templates/postgres.yaml: StatefulSet database/postgresql-ha-postgresql, template of /vault/secrets/postgres.env, line 1: versions only, to read the secret again only when it changed
path "secret/metadata/postgres" {
  capabilities = ["read"]
}
