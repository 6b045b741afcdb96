//! `pkiCert`: replaced in time, certificate and key always of one kind, and not issued anew by a restart.

use std::{fs, path::Path};

use rustls::crypto::ring::sign::any_supported_type;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};
use serde_json::{Value, json};
use x509_parser::parse_x509_certificate;

use crate::{
    bao::Bao,
    process::{PATIENCE, Setup, wait},
};

const CALL: &str = r#"pkiCert "pki/issue/app" "common_name=app.test""#;

fn server(role: &Value) -> Bao {
    let bao = Bao::start();
    bao.ask("POST", "sys/mounts/pki", json!({ "type": "pki" }));
    bao.ask("POST", "pki/root/generate/internal", json!({ "common_name": "ca", "ttl": "10h" }));
    bao.ask("POST", "pki/roles/app", role.clone());
    bao
}

/// Certificates that the server issued, without its own.
fn issued(bao: &Bao) -> usize {
    bao.ask("LIST", "pki/certs", Value::Null)["data"]["keys"].as_array().unwrap().len() - 1
}

fn whole() -> String {
    format!("{{{{ with {CALL} }}}}{{{{ .Cert }}}}{{{{ .CA }}}}{{{{ .Key }}}}{{{{ end }}}}")
}

/// Serial and end (in seconds since 1970) of the certificate in `cert`, which must belong to the key in `key`.
#[track_caller]
fn checked(cert: &str, key: &str) -> (String, i64) {
    let der = CertificateDer::from_pem_slice(cert.as_bytes()).unwrap();
    let (_, parsed) = parse_x509_certificate(&der).unwrap();
    let key = any_supported_type(&PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap()).unwrap();
    assert_eq!(key.public_key().unwrap().as_ref(), parsed.public_key().raw, "the key belongs to the certificate");
    (parsed.raw_serial_as_string(), parsed.validity().not_after.timestamp())
}

fn now() -> i64 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs().try_into().unwrap()
}

/// Both files of the generation that is current.
fn pair(volume: &Path) -> Option<(String, String)> {
    let generation = volume.join(fs::read_link(volume.join("..data")).ok()?);
    let read = |name| fs::read_to_string(generation.join(name)).ok();
    Some((read("tls.crt")?, read("tls.key")?))
}

#[test]
fn it_is_replaced_before_it_ends_and_its_files_are_one_generation() {
    let bao = server(&json!({ "allow_any_name": true, "ttl": "100s" }));
    let setup = Setup::new(&bao.address(), "root")
        .template("volume/tls.crt", &format!("{{{{ with {CALL} }}}}{{{{ .Cert }}}}{{{{ .CA }}}}{{{{ end }}}}"))
        .template("volume/tls.key", &format!("{{{{ with {CALL} }}}}{{{{ .Key }}}}{{{{ end }}}}"))
        .configure("template_config", json!({ "lease_renewal_threshold": 0.1 }));
    let volume = setup.path("volume");
    let setup = setup.configure("blinkchamber", json!({ "generations": [volume] }));
    let _agent = setup.start();
    let mut seen: Vec<(String, i64)> = Vec::new();
    wait("three certificates", PATIENCE, || {
        let Some((cert, key)) = pair(&volume) else {
            // A reader may be late for a generation that is over, but not for the first file.
            return false;
        };
        let found = checked(&cert, &key);
        if seen.last().is_none_or(|last| *last != found) {
            assert!(seen.last().is_none_or(|(_, end)| *end > now()), "the last one was good until now");
            assert!(seen.iter().all(|(serial, _)| *serial != found.0), "never one of before");
            seen.push(found);
        }
        seen.len() >= 3
    });
    assert!(issued(&bao) <= seen.len() + 1, "one for each that was in place, and at most the next");
}

#[test]
fn a_restart_goes_on_with_what_is_good() {
    let bao = server(&json!({ "allow_any_name": true, "ttl": "1h" }));
    let setup = Setup::new(&bao.address(), "root").template("out", &whole());
    let agent = setup.start();
    wait("the file", PATIENCE, || setup.read("out").is_some());
    let (text, identity) = (setup.read("out").unwrap(), setup.identity("out"));
    checked(&text, &text);
    agent.signal("KILL");
    agent.end();
    for _ in 0..2 {
        fs::write(setup.path("log"), "").unwrap();
        let agent = setup.start();
        setup.wait_for_log("the certificate in place is still good");
        setup.wait_for_log("logged in");
        agent.signal("TERM");
        agent.end();
    }
    assert_eq!((setup.read("out").unwrap(), setup.identity("out")), (text, identity), "not written again");
    assert_eq!(issued(&bao), 1, "nor issued again");
}

#[test]
fn a_restart_replaces_what_is_nearly_over_or_was_for_another_name() {
    // It says that it began an hour ago: half of its life is over at once.
    let bao = server(&json!({ "allow_any_name": true, "ttl": "1h", "not_before_duration": "1h" }));
    let setup = Setup::new(&bao.address(), "root").template("out", &whole());
    let run = |setup: &Setup| {
        let output = setup.run(&["-exit-after-auth"]);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let text = setup.read("out").unwrap();
        checked(&text, &text).0
    };
    let first = run(&setup);
    assert_eq!((run(&setup), issued(&bao)), (first.clone(), 1), "still good");
    let setup = setup.configure("template_config", json!({ "lease_renewal_threshold": 0.4 }));
    let second = run(&setup);
    assert_eq!(issued(&bao), 2);
    assert_ne!(first, second, "it was over 40 % of its life");
    let setup = setup.configure("template_config", json!({}));
    assert_eq!((run(&setup), issued(&bao)), (second.clone(), 2));
    let mut templates = setup.config["template"].clone();
    templates[0]["contents"] = json!(whole().replace("app.test", "other.test"));
    let setup = setup.configure("template", templates);
    assert_ne!(run(&setup), second, "it was for another name");
    assert_eq!(issued(&bao), 3);
}

#[test]
fn a_file_without_the_key_is_no_certificate() {
    let bao = server(&json!({ "allow_any_name": true, "ttl": "1h" }));
    let setup = Setup::new(&bao.address(), "root").configure("exit_after_auth", json!(true));
    let key = setup.text("out.key");
    let contents = format!(
        "{{{{ with {CALL} }}}}{{{{ .Cert }}}}{{{{ .Key | writeToFile {key:?} \"\" \"\" \"0600\" }}}}{{{{ end }}}}"
    );
    let setup = setup.template("out", &contents);
    for count in 1..=2 {
        let output = setup.run(&[]);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        checked(&setup.read("out").unwrap(), &setup.read("out.key").unwrap());
        assert_eq!(issued(&bao), count);
    }
}
