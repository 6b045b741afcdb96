use super::*;

const BASE: &str = "
Port: 8081
ExternalDomain: id.example.com
Database: {postgres: {Host: db, Database: zitadel, User: {Username: zitadel_a, SSL: {Mode: disable}}}}
Caches: {Connectors: {Redis: {Enabled: true, Addr: 'redis-master:6379'}}}
";
const SECRET: &str = "
database: {POSTGRES: {user: {username: zitadel_b, password: p}}}
Caches: {Connectors: {Redis: {Username: zitadel, Password: 12345}}}
";

fn parse(texts: &[&str], environment: impl Fn(&str) -> Option<String>) -> Result<Config, Error> {
    let mut tree = Tree::default();
    for text in texts {
        tree.merge_text(text).expect("YAML");
    }
    Config::parse(&tree.with_environment(environment))
}

#[test]
fn the_later_file_wins_and_case_does_not_matter() {
    let config = parse(&[BASE, SECRET], |_| None).expect("complete");
    assert_eq!((config.port, config.issuer().as_str()), (8081, "https://id.example.com"));
    assert_eq!((config.database.user.as_str(), config.database.password.as_str()), ("zitadel_b", "p"));
    let cache = config.cache.expect("enabled");
    assert_eq!(
        (cache.address.as_str(), cache.username.as_str(), cache.password.as_str()),
        ("redis-master:6379", "zitadel", "12345")
    );
}

#[test]
fn the_environment_wins_over_files() {
    let environment = |name: &str| (name == "ZITADEL_DATABASE_POSTGRES_HOST").then(|| "elsewhere".to_owned());
    assert_eq!(parse(&[BASE, SECRET], environment).expect("complete").database.host, "elsewhere");
}

#[test]
fn what_is_missing_or_wrong_is_named() {
    let message = |texts: &[&str]| parse(texts, |_| None).err().expect("an error").to_string();
    assert_eq!(message(&[BASE]), "configuration key Database.postgres.User.Password: missing");
    assert_eq!(message(&[BASE, SECRET, "Port: many"]), "configuration key Port: a number from 0 to 65535 is wanted");
    assert_eq!(
        message(&[BASE, SECRET, "Database: {postgres: {User: {SSL: {Mode: prefer}}}}"]),
        "configuration key Database.postgres.User.SSL.Mode: \"prefer\" is none of disable, require, verify-ca, verify-full"
    );
}

#[test]
fn a_message_does_not_quote_a_line() {
    let error = Tree::default().merge_text("Password: 'hunter2\nx: [").expect_err("not YAML");
    assert!(!error.contains("hunter2"), "{error}");
}
