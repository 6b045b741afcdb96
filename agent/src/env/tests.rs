use super::{ADDRESS, Environment};

#[test]
fn openbao_names_win_and_empty_ones_do_not_count() {
    let both: Environment = [("VAULT_ADDR", "http://vault"), ("BAO_ADDR", "http://bao")].into_iter().collect();
    assert_eq!(both.server(ADDRESS), Some("http://bao"));
    let empty: Environment = [("VAULT_ADDR", "http://vault"), ("BAO_ADDR", " ")].into_iter().collect();
    assert_eq!(empty.server(ADDRESS), Some("http://vault"));
    assert_eq!(Environment::default().server(ADDRESS), None);
}
