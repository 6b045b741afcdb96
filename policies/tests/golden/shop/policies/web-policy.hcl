# For service account shop/web.

# shop/templates/web.yaml: Deployment shop/web, annotation vault.hashicorp.com/agent-inject-template-db, line 1: secret
path "database/creds/web" {
  capabilities = ["read"]
}

# shop/templates/web.yaml: Deployment shop/web, annotation vault.hashicorp.com/agent-inject-template-tls, line 1: pkiCert
path "pki/issue/web" {
  capabilities = ["update"]
}

# shop/templates/report.yaml: CronJob shop/report, template of /vault/secrets/common, line 1: secret
# shop/templates/web.yaml: Deployment shop/web, annotation vault.hashicorp.com/agent-inject-template-features, line 4: secret
path "secret/data/shop/common" {
  capabilities = ["read"]
}

# shop/templates/report.yaml: CronJob shop/report, template of /vault/secrets/common, line 1: versions only, to read the secret again only when it changed
path "secret/metadata/shop/common" {
  capabilities = ["read"]
}

# shop/templates/web.yaml: Deployment shop/web, annotation vault.hashicorp.com/agent-inject-template-features, line 1: secrets
path "secret/metadata/shop/features" {
  capabilities = ["list"]
}

# the agent gives back what it replaced; the default policy only lets it renew
# shop/templates/web.yaml: Deployment shop/web, annotation vault.hashicorp.com/agent-inject-template-db, line 1: leases
path "sys/leases/revoke" {
  capabilities = ["update"]
  allowed_parameters = {
    lease_id = ["database/creds/web/*"]
  }
}
