use super::{Mounts, Purpose, Resolved, long_form, metadata};

fn known(mount: &str, kv2: bool) -> Mounts {
    let mounts = Mounts::default();
    mounts.known.lock().unwrap().insert(mount.to_owned(), kv2);
    mounts
}

fn path(mounts: &Mounts, path: &str, purpose: Purpose) -> Option<String> {
    mounts.known(path, purpose).map(|resolved| resolved.path)
}

#[test]
fn short_forms_of_kv_2_are_completed() {
    let mounts = known("team/kv/", true);
    assert_eq!(path(&mounts, "team/kv/app", Purpose::Data).as_deref(), Some("team/kv/data/app"));
    assert_eq!(path(&mounts, "team/kv/data/app", Purpose::Data).as_deref(), Some("team/kv/data/app"));
    assert_eq!(path(&mounts, "team/kv/database", Purpose::Data).as_deref(), Some("team/kv/data/database"));
    assert_eq!(path(&mounts, "team/kv", Purpose::List).as_deref(), Some("team/kv/metadata"));
    assert_eq!(path(&mounts, "team/kv", Purpose::Data).as_deref(), Some("team/kv/data"));
    assert_eq!(path(&mounts, "team/kv/apps", Purpose::List).as_deref(), Some("team/kv/metadata/apps"));
    assert_eq!(path(&mounts, "team/kv/metadata/apps", Purpose::List).as_deref(), Some("team/kv/metadata/apps"));
    assert_eq!(path(&mounts, "team/kv/metadata", Purpose::List).as_deref(), Some("team/kv/metadata"));
}

#[test]
fn other_mounts_stay_as_written() {
    let mounts = known("database/", false);
    let as_written = Resolved { path: "database/creds/app".to_owned(), kv2: None };
    assert_eq!(mounts.known("database/creds/app", Purpose::Data), Some(as_written));
    assert_eq!(mounts.known("databases/creds/app", Purpose::Data), None, "another mount, not known yet");
}

#[test]
fn the_long_form_names_its_mount() {
    assert_eq!(long_form("secret/data/app"), Some("secret"));
    for short in ["secret/app", "secret/data", "secret/data/", "secret", "a/b/data/c"] {
        assert_eq!(long_form(short), None, "{short}");
    }
}

#[test]
fn metadata_is_beside_the_data() {
    assert_eq!(metadata("team/kv/", "team/kv/data/a/data/b").as_deref(), Some("team/kv/metadata/a/data/b"));
    assert_eq!(metadata("secret", "secret/data/app").as_deref(), Some("secret/metadata/app"));
    assert_eq!(metadata("secret", "secret/subkeys/app"), None);
}
