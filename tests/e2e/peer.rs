//! (j) The configuration that we write starts the real `bao agent`, and gives the same files.

use std::process::Command;
use std::time::Duration;

use base64::Engine as _;
use blinkchamber_tests::bao::Operator;
use blinkchamber_tests::cluster::{Namespace, PLATFORM, apply, kubectl, service_address};
use serde_json::{Value, json};

use crate::pods::{inject, pod};

/// Gives the peer the paths of the pod in a mount namespace of its own, runs it once, and prints its file.
const RUN: &str = r#"
set -eu
for d in /vault/secrets /home/vault "$(dirname "$TOKEN_PATH")"; do mkdir -p "$d"; mount -t tmpfs none "$d"; done
printf '%s' "$JWT" > "$TOKEN_PATH"
hosts=$(mktemp); printf '%s vault.blinkchamber.svc\n127.0.0.1 localhost\n' "$ADDRESS" > "$hosts"; mount --bind "$hosts" /etc/hosts; rm -f "$hosts"
printf '%s' "$CONFIG" > /home/vault/config.json
timeout 60 bao agent -config=/home/vault/config.json -exit-after-auth >&2
cat /vault/secrets/app.env
"#;

#[test]
fn the_real_agent_takes_our_configuration() {
    let _guard = crate::peaceful();
    let namespace = Namespace::new("peer");
    namespace.service_account("app");
    let operator = Operator::login();
    operator.put("e2e/peer", &json!({"user": "u", "html": "<&>", "number": 12345678901234567890_u64}));
    operator.grant("e2e-peer", &namespace.name, "app", "path \"secret/data/e2e/peer\" { capabilities = [\"read\"] }");
    let template = r#"{{ with secret "secret/data/e2e/peer" }}{{ range $k, $v := .Data.data }}{{ $k }}={{ $v }}
{{ end }}{{ .Data.data | toJSON }}{{ end }}"#;
    let key = "vault.hashicorp.com/agent-inject-template-app.env";
    apply(&pod(&namespace.name, "app", "app", &inject("e2e-peer", "secret/data/e2e/peer", key, template)));
    let pod = namespace.ready_pod("app", Duration::from_secs(60));
    let ours = namespace.exec("app", "app", &["cat", "/vault/secrets/app.env"]).expect("our file");

    let env = pod["spec"]["initContainers"][0]["env"].as_array().expect("an environment");
    let encoded = env
        .iter()
        .find(|one| one["name"] == "VAULT_CONFIG")
        .and_then(|one| one["value"].as_str())
        .expect("a configuration");
    let authority = env.iter().find(|one| one["name"] == "VAULT_CACERT_BYTES").and_then(|one| one["value"].as_str());
    let text = base64::engine::general_purpose::STANDARD.decode(encoded).expect("base64");
    let config: Value = serde_json::from_slice(&text).expect("JSON");
    let output = Command::new("unshare")
        .args(["--mount", "--propagation", "private", "sh", "-c", RUN])
        .env("CONFIG", config.to_string())
        .env("VAULT_CACERT_BYTES", authority.expect("an authority"))
        .env("TOKEN_PATH", config["auto_auth"]["method"]["config"]["token_path"].as_str().expect("a token path"))
        .env("JWT", kubectl(&["create", "token", "-n", &namespace.name, "app", "--audience", "vault"]).trim())
        .env("ADDRESS", service_address(PLATFORM, "vault"))
        .output()
        .expect("unshare runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(String::from_utf8_lossy(&output.stdout), ours, "byte for byte");
}
