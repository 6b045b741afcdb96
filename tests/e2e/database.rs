//! (c) Dynamic database credentials: they work, are renewed, and are replaced before they die, once each.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use blinkchamber_tests::bao::Operator;
use blinkchamber_tests::cluster::{Namespace, apply};
use serde_json::json;

use crate::pods::{inject, pod};

const TTL: u64 = 15;
const MAX_TTL: u64 = 40;
const WATCHED: Duration = Duration::from_secs(100);

#[test]
fn a_dynamic_credential_is_renewed_and_replaced_before_it_dies() {
    let _guard = crate::peaceful();
    let namespace = Namespace::new("database");
    namespace.service_account("app");
    let operator = Operator::login();
    operator.write(
        "database/roles/e2e",
        &json!({"db_name": "demo", "default_ttl": TTL.to_string() + "s", "max_ttl": MAX_TTL.to_string() + "s",
                "creation_statements": ["CREATE ROLE \"{{name}}\" LOGIN PASSWORD '{{password}}' VALID UNTIL '{{expiration}}'"]}),
    );
    operator.grant("e2e-database", &namespace.name, "app", "path \"database/creds/e2e\" { capabilities = [\"read\"] }");
    operator.write("sys/leases/revoke-prefix/database/creds/e2e", &json!({}));
    assert_eq!(operator.leases("database/creds/e2e"), 0, "a clean start");
    let annotations = inject(
        "e2e-database",
        "database/creds/e2e",
        "vault.hashicorp.com/agent-inject-template-app.env",
        r#"{{ with secret "database/creds/e2e" }}{{ .Data.username }} {{ .Data.password }}{{ end }}"#,
    );
    let mut object = pod(&namespace.name, "app", "app", &annotations);
    object["spec"]["containers"][0]["image"] = json!("localhost/blinkchamber-demo-postgres:dev");
    apply(&object);
    namespace.ready_pod("app", Duration::from_secs(60));

    // Logs in again and again with whatever the file holds: there is never a moment without a working credential.
    let login = r#"read -r user password < /vault/secrets/app.env
        PGPASSWORD=$password psql -h postgresql.database.svc -U "$user" -d postgres -Atc 'select current_user'"#;
    let (start, mut users, mut logins) = (Instant::now(), BTreeSet::new(), 0);
    while start.elapsed() < WATCHED {
        let user = namespace.exec("app", "app", &["sh", "-c", login]).expect("the credential in the file always works");
        users.insert(user.trim().to_owned());
        logins += 1;
        let leases = operator.leases("database/creds/e2e");
        assert!((1..=2).contains(&leases), "the current one, and at most one that is being replaced: {leases}");
        std::thread::sleep(Duration::from_secs(1));
    }
    // A credential lives at most MAX_TTL and is replaced in the last part of its life.
    let least = usize::try_from(WATCHED.as_secs() / MAX_TTL).expect("small");
    assert!(
        users.len() > least.saturating_sub(1) && users.len() <= 2 * least + 1,
        "{} users in {WATCHED:?}: {users:?}",
        users.len()
    );
    assert!(logins > 20, "the loop ran: {logins}");
}
