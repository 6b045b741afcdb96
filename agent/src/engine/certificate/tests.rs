use std::{collections::BTreeMap, time::Duration};

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, date_time_ymd};

use super::{find, life};

/// Certificate, key and authority of `name`, good in the year 2030; the key is of the second name's type of key.
fn issue(name: &str) -> [String; 3] {
    let mut authority = CertificateParams::new(Vec::new()).unwrap();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    authority.distinguished_name.push(DnType::CommonName, "an authority");
    let authority_key = KeyPair::generate().unwrap();
    let root = authority.self_signed(&authority_key).unwrap();
    let mut leaf = CertificateParams::new(vec![name.to_owned(), "10.0.0.7".to_owned()]).unwrap();
    leaf.distinguished_name.push(DnType::CommonName, name);
    (leaf.not_before, leaf.not_after) = (date_time_ymd(2030, 1, 1), date_time_ymd(2031, 1, 1));
    let key = KeyPair::generate().unwrap();
    let leaf = leaf.signed_by(&key, &Issuer::new(authority, authority_key)).unwrap();
    [leaf.pem(), key.serialize_pem(), root.pem()].map(|pem| pem.replace('\r', ""))
}

fn wanted(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

/// 2030-07-02.
const NOW: u64 = 1_893_456_000 + 182 * 86_400;

#[test]
fn a_certificate_is_found_with_its_key_and_its_issuer_in_any_order() {
    let [cert, key, ca] = issue("app.test");
    let asked = wanted(&[("common_name", "APP.test"), ("ip_sans", "10.0.0.7"), ("ttl", "1h")]);
    for texts in [
        vec![format!("{cert}{key}{ca}")],
        vec![ca.clone(), format!("something else\n{key}"), cert.clone()],
        vec![format!("tls: |\n    {}", format!("{key}{ca}{cert}").replace('\n', "\n    "))],
    ] {
        let found = find(&texts, &asked, NOW).unwrap();
        assert_eq!([&found.cert, &found.key, &found.ca], [&cert, &key, &ca]);
        assert_eq!((found.life.as_secs(), found.age.as_secs()), (365 * 86_400, 182 * 86_400));
    }
    assert_eq!(find(&[format!("{cert}{key}")], &asked, NOW).unwrap().ca, "");
}

#[test]
fn what_is_not_complete_or_not_good_is_not_found() {
    let [cert, key, ca] = issue("app.test");
    let [other, other_key, _] = issue("app.test");
    let asked = wanted(&[("common_name", "app.test")]);
    let half = cert.get(..cert.len() / 2).unwrap().to_owned();
    for (what, text) in [
        ("no key", format!("{cert}{ca}")),
        ("another's key", format!("{cert}{other_key}")),
        ("no certificate", format!("{key}{other}")),
        ("cut short", format!("{half}{key}")),
        ("nothing", String::new()),
    ] {
        assert!(find(&[text], &asked, NOW).is_none(), "{what}");
    }
    let whole = [format!("{cert}{key}{ca}")];
    assert!(find(&whole, &asked, 1_893_456_000 - 1).is_none(), "not yet good");
    assert!(find(&whole, &asked, 1_893_456_000 + 365 * 86_400).is_none(), "over");
    for other in [&[("common_name", "else.test")][..], &[("common_name", "app.test"), ("alt_names", "more.test")]] {
        assert!(find(&whole, &wanted(other), NOW).is_none(), "asked for {other:?}");
    }
}

#[test]
fn the_life_is_read_from_the_certificate() {
    let [cert, key, _] = issue("app.test");
    assert_eq!(life(&cert), Some(Duration::from_secs(365 * 86_400)));
    assert_eq!(life(&key), None);
    assert_eq!(life("nonsense"), None);
}
