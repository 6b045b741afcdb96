use tracing::Level;

use super::{Format, filter};

#[test]
fn formats_and_levels_are_vault_agents() {
    assert_eq!(Format::parse("standard"), Some(Format::Text));
    assert_eq!(Format::parse("JSON"), Some(Format::Json));
    assert_eq!(Format::parse("xml"), None);
    assert!(filter("WARN").is_some_and(|filter| !filter.would_enable("x", &Level::INFO)));
    assert!(filter("info,hyper=warn").is_some_and(|filter| !filter.would_enable("hyper", &Level::INFO)));
    assert!(filter("").is_some_and(|filter| filter.would_enable("x", &Level::INFO)));
    assert!(filter("debug").is_some_and(|filter| filter.would_enable("x", &Level::DEBUG)));
    assert!(filter("debug").is_some_and(|filter| !filter.would_enable("hyper_util::client", &Level::DEBUG)));
    assert!(filter("debug,hyper=debug").is_some_and(|filter| filter.would_enable("hyper", &Level::DEBUG)));
    assert!(filter("info,=x=").is_none());
}
