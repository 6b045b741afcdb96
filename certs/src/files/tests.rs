use std::os::unix::fs::symlink;
use std::time::Duration;

use tempfile::TempDir;

use super::*;

/// A mounted volume as the kubelet keeps it: files are links into `..data`, which is swapped as one.
struct Volume {
    dir: TempDir,
    generation: u32,
}

impl Volume {
    fn new() -> Self {
        let dir = TempDir::new().unwrap();
        for name in ["tls.crt", "tls.key", "ca.crt"] {
            symlink(format!("..data/{name}"), dir.path().join(name)).unwrap();
        }
        Self { dir, generation: 0 }
    }

    fn write(&mut self, cert: &str, key: &str, ca: &str) {
        self.generation += 1;
        let name = format!("..{}", self.generation);
        let target = self.dir.path().join(&name);
        fs::create_dir(&target).unwrap();
        for (file, text) in [("tls.crt", cert), ("tls.key", key), ("ca.crt", ca)] {
            fs::write(target.join(file), text).unwrap();
        }
        symlink(&name, self.dir.path().join("..new")).unwrap();
        fs::rename(self.dir.path().join("..new"), self.dir.path().join("..data")).unwrap();
    }

    fn paths(&self) -> Paths {
        let file = |name: &str| self.dir.path().join(name);
        Paths { cert: file("tls.crt"), key: file("tls.key"), ca: Some(file("ca.crt")) }
    }
}

fn pair() -> (String, String) {
    let key = rcgen::KeyPair::generate().unwrap();
    let cert = rcgen::CertificateParams::new(vec!["hook.ns.svc".into()]).unwrap().self_signed(&key).unwrap();
    (cert.pem(), key.serialize_pem())
}

#[test]
fn a_new_generation_is_served_and_an_unchanged_one_is_not_repeated() {
    let mut volume = Volume::new();
    let mut files = FileSource::new(volume.paths());
    let (now, trust) = (SystemTime::now(), Trust::assumed());
    assert!(matches!(files.poll(now, &trust), Err(Error::Read { .. })));
    for _ in 0..3 {
        let (cert, key) = pair();
        volume.write(&cert, &key, &cert);
        let leaf = files.poll(now, &trust).unwrap().unwrap();
        assert_eq!(leaf.issuers(), CaCert::from_pem(cert.as_bytes(), "test").unwrap());
        assert!(files.poll(now, &trust).unwrap().is_none());
    }
}

#[test]
fn a_bad_generation_is_reported_once_and_the_last_good_one_stays() {
    let mut volume = Volume::new();
    let mut files = FileSource::new(volume.paths());
    let (now, trust) = (SystemTime::now(), Trust::assumed());
    let (cert, key) = pair();
    volume.write(&cert, &key, &cert);
    files.poll(now, &trust).unwrap().unwrap();
    let good = files.authorities();
    let (other, _) = pair();
    volume.write(&other, &key, &other);
    assert!(matches!(files.poll(now, &trust), Err(Error::KeyPair { .. })));
    assert!(files.poll(now, &trust).unwrap().is_none());
    volume.write(&other, "", &other);
    let error = files.poll(now, &trust).err().unwrap().to_string();
    assert!(error.ends_with("tls.key holds no usable private key in PEM form"), "{error}");
    assert_eq!(files.authorities(), good);
    volume.write(&cert, &key, &cert);
    assert!(files.poll(now, &trust).unwrap().is_some());
}

#[test]
fn a_leaf_of_an_unknown_authority_waits_unless_the_old_one_has_expired() {
    let mut volume = Volume::new();
    let mut files = FileSource::new(volume.paths());
    let now = SystemTime::now();
    let mut trust = Trust::observed(Duration::ZERO);
    let (old, old_key) = pair();
    volume.write(&old, &old_key, &old);
    assert!(files.poll(now, &trust).unwrap().is_some(), "nothing to lose at the start");
    let (new, new_key) = pair();
    volume.write(&new, &new_key, &new);
    assert!(files.poll(now, &trust).unwrap().is_none());
    let both = files.authorities();
    assert_eq!(both.len(), 2, "both are to be published");
    trust.observe(&both, now);
    assert_eq!(files.poll(now, &trust).unwrap().unwrap().issuers(), both.get(1..).unwrap());
}
