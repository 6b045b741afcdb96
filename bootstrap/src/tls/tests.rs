use std::time::{Duration, SystemTime};

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier as _;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{CertificateError, Error, RootCertStore};

use super::Authority;

fn names() -> Vec<String> {
    ["vault.blinkchamber.svc", "127.0.0.1"].map(str::to_owned).to_vec()
}

/// As a client that trusts one authority sees a leaf of another, some time from now.
fn verify(trusted: &Authority, leaf: &str, name: &str, later: Duration) -> Result<(), Error> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(trusted.pem().as_bytes()).unwrap()).unwrap();
    let provider = std::sync::Arc::new(rustls::crypto::ring::default_provider());
    let verifier = WebPkiServerVerifier::builder_with_provider(roots.into(), provider).build().unwrap();
    let leaf = CertificateDer::from_pem_slice(leaf.as_bytes()).unwrap();
    let now = UnixTime::since_unix_epoch(SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap() + later);
    verifier.verify_server_cert(&leaf, &[], &ServerName::try_from(name).unwrap(), &[], now).map(drop)
}

#[test]
fn the_same_key_gives_the_same_authority_and_another_key_another() {
    let one = Authority::derive(&[7; 32]).unwrap();
    assert_eq!(one.pem(), Authority::derive(&[7; 32]).unwrap().pem(), "to the byte, in every member");
    assert_ne!(one.pem(), Authority::derive(&[8; 32]).unwrap().pem());
}

#[test]
fn any_members_leaf_is_trusted_by_all_for_its_names_and_its_life_only() {
    let now = SystemTime::now();
    let leaf = Authority::derive(&[7; 32]).unwrap().leaf(&names(), now, now + Duration::from_secs(3600)).unwrap();
    PrivateKeyDer::from_pem_slice(leaf.as_bytes()).unwrap();
    assert!(leaf.starts_with("-----BEGIN PRIVATE KEY-----"), "where the server looks for it");
    let ours = Authority::derive(&[7; 32]).unwrap();
    for name in ["vault.blinkchamber.svc", "127.0.0.1"] {
        verify(&ours, &leaf, name, Duration::ZERO).unwrap();
    }
    let refused = |authority, name, later| match verify(authority, &leaf, name, later).unwrap_err() {
        Error::InvalidCertificate(why) => why,
        other => panic!("{other}"),
    };
    let stranger = Authority::derive(&[8; 32]).unwrap();
    let wrong_signature = refused(&stranger, "127.0.0.1", Duration::ZERO);
    assert!(matches!(wrong_signature, CertificateError::UnknownIssuer | CertificateError::BadSignature));
    assert!(matches!(refused(&ours, "other.svc", Duration::ZERO), CertificateError::NotValidForNameContext { .. }));
    assert!(matches!(refused(&ours, "127.0.0.1", Duration::from_secs(3601)), CertificateError::ExpiredContext { .. }));
}

#[test]
fn what_no_certificate_can_be_made_of_is_refused_by_name() {
    let directory = tempfile::tempdir().unwrap();
    let short = directory.path().join("seal.key");
    std::fs::write(&short, [1; 31]).unwrap();
    let error = Authority::from_file(&short).err().unwrap();
    assert!(error.to_string().contains("seal.key: must hold 32"), "{error}");
    assert_eq!(Authority::from_file(&directory.path().join("none")).err().unwrap().code(), 3);
    let now = SystemTime::now();
    let nobody = Authority::derive(&[7; 32]).unwrap().leaf(&[], now, now).unwrap_err();
    assert_eq!(nobody.code(), 2, "{nobody}");
}
