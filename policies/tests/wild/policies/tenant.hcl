path "kv/data/{{identity.entity.aliases.auth_kubernetes_0a1b2c3d.metadata.service_account_namespace}}/*" {
  capabilities = ["create", "read", "update", "patch", "delete"]
}
path "kv/metadata/{{identity.entity.aliases.auth_kubernetes_0a1b2c3d.metadata.service_account_namespace}}/*" {
  capabilities = ["list", "read", "delete"]
}
path "cubbyhole/*" {
  capabilities = ["create", "read", "update", "delete", "list"]
}
