use super::*;

fn winner<'a>(left: &'a str, right: &'a str) -> &'a str {
    if Pattern::new(left).rank() > Pattern::new(right).rank() { left } else { right }
}

/// The recorded answers of OpenBao 2.7.2 for two rules that both match.
#[test]
fn the_server_s_order() {
    for (loses, wins) in [
        ("secret/+/bar", "secret/foo/*"),
        ("secret/+/ba*", "secret/+/bar"),
        ("secret/*", "secret/+"),
        ("foo/+/+/baz", "foo/+/bar/baz"),
        ("secret/+/+/foo/*", "secret/*"),
        ("foo/+/bar/b*", "foo/+/bar/ba*"),
        ("foo/+/+/b", "foo/+/a/+"),
        ("+/*", "*"),
        ("a+b/+/c", "a+b/*"),
        ("secret/*", "secret/foo"),
        ("secret/+/private", "secret/team/*"),
    ] {
        assert_eq!(winner(loses, wins), wins, "{loses} against {wins}");
        assert!(Pattern::new(loses).meets(&Pattern::new(wins)), "{loses} and {wins}");
    }
}

#[test]
fn paths_match_as_on_the_server() {
    for (pattern, path, matches) in [
        ("/secret/foo", "secret/foo", true),
        ("//secret/foo", "secret/foo", false),
        ("secret/bar/*", "secret/bar/", true),
        ("secret/bar/*", "secret/bar", false),
        ("secret/zip-*", "secret/zip-zap/zong", true),
        ("secret/*/foo", "secret/a/foo", false),
        ("secret/*/foo", "secret/*/foo", true),
        ("secret/+/teamb", "secret//teamb", true),
        ("secret/+", "secret/a/", false),
        ("secret/+", "secret/", true),
        ("secret/+bar", "secret/xbar", false),
        ("secret/+bar", "secret/+bar", true),
        ("a+b/c", "axb/c", false),
        ("secret/+/*", "secret/a", false),
        ("secret/+/*", "secret/a/b/c", true),
        ("*", "anything/at/all", true),
        ("+", "a", true),
    ] {
        assert_eq!(Pattern::new(pattern).matches(path), matches, "{pattern} {path}");
    }
}

#[test]
fn endpoints_hold_paths() {
    assert!(Pattern::endpoint("sys/raw/{path}").matches("sys/raw/a/b"));
    assert!(!Pattern::endpoint("sys/policies/acl/{name}").matches("sys/policies/acl"));
}

const PATTERN: &str = "(/?(a|b|\\+|ab|a\\+)(/(a|b|\\+|ab|)){0,3}\\*?)|\\*|\\+/\\*";
const PATH: &str = "(a|b|ab|\\+)(/(a|b|ab|)){0,4}";

proptest::proptest! {
    #[test]
    fn containment_and_meeting_agree_with_matching(left in PATTERN, right in PATTERN, path in PATH) {
        proptest::prop_assume!(!left.contains("+*") && !right.contains("+*"));
        let (left, right) = (Pattern::new(&left), Pattern::new(&right));
        let (in_left, in_right) = (left.matches(&path), right.matches(&path));
        if in_left && in_right {
            proptest::prop_assert!(left.meets(&right));
        }
        if left.contains(&right) && in_right {
            proptest::prop_assert!(in_left);
        }
        if let Some(common) = left.common(&right) {
            proptest::prop_assert!(left.matches(&common) && right.matches(&common), "{}", common);
        }
    }
}
