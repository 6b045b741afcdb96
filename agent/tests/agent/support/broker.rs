//! Leases of the real server: its RabbitMQ engine, before a double of that broker's management API, which is told of
//! each user that is made and removed.

use serde_json::{Value, json};

use crate::{
    bao::Bao,
    double::{Asked, Double, Reaction},
};

/// The broker.
pub(crate) struct Broker(Double);

impl Broker {
    /// Has the server issue users at `rabbitmq/creds/app`, with leases of so many seconds.
    pub(crate) fn mount(bao: &Bao, lease: u64, longest: u64) -> Self {
        let double = Double::start(|asked: &Asked| match asked.method.as_str() {
            "PUT" | "DELETE" => Reaction::Answer(204, "", Value::Null),
            _ => Reaction::Answer(200, "", json!({})),
        });
        bao.ask("POST", "sys/mounts/rabbitmq", json!({ "type": "rabbitmq" }));
        let connection = json!({
            "connection_uri": double.address(), "username": "a", "password": "b", "verify_connection": false,
        });
        bao.ask("POST", "rabbitmq/config/connection", connection);
        bao.ask("POST", "rabbitmq/config/lease", json!({ "ttl": lease, "max_ttl": longest }));
        let rights = json!({ "/": { "configure": "", "write": ".*", "read": ".*" } }).to_string();
        bao.ask("POST", "rabbitmq/roles/app", json!({ "vhosts": rights }));
        Self(double)
    }

    /// Names of the users that were made.
    pub(crate) fn made(&self) -> Vec<String> {
        self.names("PUT")
    }

    /// Names of the users that were removed.
    pub(crate) fn removed(&self) -> Vec<String> {
        self.names("DELETE")
    }

    fn names(&self, method: &str) -> Vec<String> {
        let users = self.0.asked(method, "/api/users/");
        users.iter().map(|asked| asked.path.trim_start_matches("/api/users/").to_owned()).collect()
    }
}

/// The lease at the server; there must be one.
#[track_caller]
pub(crate) fn only_lease(bao: &Bao) -> String {
    let answer = bao.ask("LIST", "sys/leases/lookup/rabbitmq/creds/app", Value::Null);
    let keys = answer["data"]["keys"].as_array().unwrap();
    assert_eq!(keys.len(), 1, "{keys:?}");
    format!("rabbitmq/creds/app/{}", keys[0].as_str().unwrap())
}
