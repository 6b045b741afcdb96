path "/secret/billing/*" {
  policy = "write"
}
path "sys/renew/*" {
  policy = "write"
}
path "auth/*/login" {
  capabilities = ["create"]
}
