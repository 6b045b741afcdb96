use super::Trusted;

fn follow(base: &str, verified: bool, location: &str) -> Result<String, String> {
    let base = base.parse().unwrap();
    let trusted = Trusted { base: &base, verified };
    trusted.follow(&base, Some(location)).map(|uri| uri.to_string())
}

#[test]
fn the_pods_of_the_configured_service_are_its_siblings() {
    let cases = [
        ("http://vault:8200", "http://vault-0.vault-internal:8200/v1/x", "http://vault-0.vault-internal:8200/v1/x"),
        ("http://vault-active:8200", "http://vault-12.vault:8200/v1/x", "http://vault-12.vault:8200/v1/x"),
        // A short name is meant in the server's namespace, not in the agent's.
        (
            "http://vault.blinkchamber.svc:8200",
            "http://vault-0.vault-internal:8200/v1/x",
            "http://vault-0.vault-internal.blinkchamber.svc:8200/v1/x",
        ),
        (
            "http://vault.blinkchamber.svc:8200",
            "http://VAULT-1.vault-internal.blinkchamber.svc.cluster.local.:8200/v1/x?y=z",
            "http://vault-1.vault-internal.blinkchamber.svc:8200/v1/x?y=z",
        ),
        (
            "http://vault-0.vault-internal.ns.svc:8200",
            "http://vault-1.vault-internal.ns.svc:8200/",
            "http://vault-1.vault-internal.ns.svc:8200/",
        ),
        ("http://10.0.0.1:8200", "http://10.0.0.1:8300/v1/x", "http://10.0.0.1:8300/v1/x"),
        ("http://[::1]:8200", "http://[::1]:8300/v1/x", "http://[::1]:8300/v1/x"),
        ("http://Vault.ns.svc:8200", "http://vault.ns.svc.:8201/v1/x", "http://vault.ns.svc.:8201/v1/x"),
    ];
    for (base, location, expected) in cases {
        assert_eq!(follow(base, false, location).as_deref(), Ok(expected), "{base} -> {location}");
    }
}

#[test]
fn nobody_else_gets_the_token_without_a_certificate() {
    let cases = [
        ("http://vault.ns.svc:8200", "http://evil.example/v1/x"),
        ("http://vault.ns.svc:8200", "http://vault-0.vault-internal.ns.svc.evil.example/v1/x"),
        ("http://vault.ns.svc:8200", "http://vault-0.vault-internal.other.svc/v1/x"),
        ("http://vault.ns.svc:8200", "http://vault-0.evil/v1/x"),
        ("http://vault.ns.svc:8200", "http://vault-x.vault-internal/v1/x"),
        ("http://vault.ns.svc:8200", "http://other-0.vault-internal/v1/x"),
        ("http://vault.ns.svc:8200", "http://vault-0/v1/x"),
        ("http://vault.ns.svc:8200", "http://10.0.0.9:8200/v1/x"),
        ("http://vault.ns.svc:8200", "http://vault.ns.svc@evil.example/v1/x"),
        ("http://vault", "http://vault-0.vault-internal.other.svc/v1/x"),
        ("http://10.0.0.1:8200", "http://10.0.0.2:8200/v1/x"),
        ("http://127.0.0.1:8200", "http://localhost:8200/v1/x"),
        ("https://vault.ns.svc:8200", "https://evil.example/v1/x"),
    ];
    for (base, location) in cases {
        let refused = follow(base, false, location).unwrap_err();
        assert!(refused.contains("is not known to be one of"), "{base} -> {location}: {refused}");
    }
}

#[test]
fn over_tls_the_operators_authority_decides_and_the_scheme_stays() {
    let to = "https://10.0.0.9:8200/v1/x";
    assert_eq!(follow("https://vault.ns.svc:8200", true, to).as_deref(), Ok(to));
    for (base, to) in [("https://a", "http://a/"), ("http://a", "https://a/"), ("https://a", "ftp://a/")] {
        assert_eq!(follow(base, true, to).unwrap_err(), "to another scheme");
    }
    assert_eq!(follow("http://a:1", false, "/v1/y?z").as_deref(), Ok("http://a:1/v1/y?z"));
    let base = "http://a".parse().unwrap();
    assert!(Trusted { base: &base, verified: false }.follow(&base, None).is_err());
}
