//! The promises of the whole platform, each proved on a real node where `deploy-umbrella.sh install` has put it
//! (`make platform`). The tests share one installation and take parts of it away, so they run one after another, and each
//! leaves everything ready.

#![cfg(test)]

mod events;
mod ingress;
mod leaks;
mod openbao;
mod postgres;
mod redis;
mod rotation;
mod zitadel;

/// Runs `deploy-umbrella.sh`; whether it went well, and all that it said.
fn deploy(arguments: &[&str]) -> (bool, String) {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
    let output = std::process::Command::new(format!("{root}/deploy-umbrella.sh"))
        .args(arguments)
        .current_dir(root)
        .output()
        .expect("deploy-umbrella.sh starts");
    let said = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    (output.status.success(), said.concat())
}
