path "pki_int*"        { capabilities = ["read", "list"] }
path "pki_int/sign/web" { capabilities = ["create", "update"] }
path "pki_int/issue/*" { capabilities = ["create"] }
path "pki/cert/ca" { capabilities = ["read"] }
path "pki/roles" { capabilities = ["list"] }
