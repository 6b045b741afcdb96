use super::{Proxy, is_local};

#[test]
fn only_an_http_proxy_is_one() {
    for good in ["http://proxy.example:3128", "http://proxy.example", "proxy.example:3128", "http://[fd00::1]:8080/"] {
        assert!(Proxy::parse(good, "").is_ok(), "{good}");
    }
    for bad in ["https://proxy.example:3129", "socks5://proxy.example", "http://", "http://a b", ""] {
        let reason = Proxy::parse(bad, "").unwrap_err();
        assert!(reason.contains("http://"), "{bad}: {reason}");
    }
}

#[test]
fn what_the_url_holds_is_not_shown() {
    let proxy = Proxy::parse("http://me:hunter2@proxy.example:3128", "").unwrap();
    let shown = format!("{proxy:?}");
    assert!(shown.contains("proxy.example:3128") && !shown.contains("hunter2"), "{shown}");
}

#[test]
fn the_own_loopback_is_not_asked_of_a_proxy() {
    for local in ["https://localhost:8200", "https://127.0.0.1", "https://127.9.9.9:1", "https://[::1]:8200"] {
        assert!(is_local(&local.parse().unwrap()), "{local}");
    }
    for remote in ["https://vault.example", "https://10.0.0.1", "https://[fd00::1]"] {
        assert!(!is_local(&remote.parse().unwrap()), "{remote}");
    }
}
