//! What is planned for which pod, and what is refused.

mod cases;
mod pods;
mod properties;
mod refusals;

use base64::Engine;
use serde_json::{Value, json};

use super::*;

fn defaults() -> Defaults {
    Defaults {
        token_audience: "vault".to_owned(),
        ca_cert_pem: Some("PEM".to_owned()),
        ..Defaults::new("blinkchamber-agent:test", "https://vault.blinkchamber.svc:8200")
    }
}

/// A pod with one container, asking for the secret `db`, with more annotations (without prefix).
fn pod(more: &[(&str, &str)]) -> Value {
    let mut pod = json!({
        "metadata": {"annotations": {
            "blinkchamber.io/agent-inject": "true",
            "blinkchamber.io/role": "shop",
            "blinkchamber.io/agent-inject-secret-db": "database/creds/shop",
        }},
        "spec": {"containers": [{"name": "app", "image": "shop:1"}]},
    });
    for (name, value) in more {
        pod["metadata"]["annotations"][format!("blinkchamber.io/{name}")] = (*value).into();
    }
    pod
}

fn outcome(pod: &Value) -> Result<Outcome, Refusal> {
    plan(Request { namespace: "shop", pod }, &defaults())
}

fn planned(pod: &Value) -> Plan {
    match outcome(pod).expect("the pod is accepted").decision {
        Decision::Inject(plan) => *plan,
        Decision::Skip => panic!("the pod is left alone: {pod}"),
    }
}

fn skipped(pod: &Value) -> bool {
    matches!(outcome(pod), Ok(Outcome { decision: Decision::Skip, .. }))
}

fn refused(pod: &Value) -> String {
    outcome(pod).expect_err("the pod is refused").to_string()
}

fn warnings(pod: &Value) -> String {
    outcome(pod).expect("the pod is accepted").warnings.join("\n")
}

/// The configuration as the agent gets it.
fn decoded(plan: &Plan) -> Value {
    let container = plan.container.value();
    let env = container["env"].as_array().expect("an environment");
    let entry = env.iter().find(|entry| entry["name"] == "VAULT_CONFIG").expect("VAULT_CONFIG");
    let bytes = base64::prelude::BASE64_STANDARD.decode(entry["value"].as_str().expect("a text")).expect("base64");
    serde_json::from_slice(&bytes).expect("JSON")
}
