use super::AccessKind::{File, List, PkiCert, Read, Write};
use super::{AccessKind, Dependencies};
use crate::{Options, Template};

fn dependencies(source: &str) -> Dependencies {
    match Template::compile(source, &Options::default()) {
        Ok(template) => template.dependencies(),
        Err(error) => panic!("{error}"),
    }
}

fn known(source: &str) -> Vec<(AccessKind, String, u32, u32)> {
    let found = dependencies(source);
    assert_eq!(found.dynamic, []);
    found.known.into_iter().map(|access| (access.kind, access.path, access.line, access.column)).collect()
}

#[test]
fn every_kind_of_call() {
    let source = r#"{{ with secret "/secret/data/a/" }}{{ end }}
{{ range secrets "kv/apps" }}{{ end }}
{{ with pkiCert "pki/issue/web" "common_name=x" }}{{ end }}
{{ with secret "transit/encrypt/k" "plaintext=x" }}{{ end }}{{ file "/etc/hosts" }}
{{ define "part" }}{{ (secret "kv/in-define?version=2").Data.x }}{{ end }}"#;
    let wanted = [
        (Read, "secret/data/a", 1, 9),
        (List, "kv/apps", 2, 10),
        (PkiCert, "pki/issue/web", 3, 9),
        (Write, "transit/encrypt/k", 4, 9),
        (File, "/etc/hosts", 4, 64),
        (Read, "kv/in-define?version=2", 5, 24),
    ];
    let found = known(source);
    assert_eq!(found, wanted.map(|(kind, path, line, column)| (kind, path.to_owned(), line, column)));
}

#[test]
fn constants_are_followed() {
    let source = r#"{{ $base := "kv/apps" }}{{ $path := printf "%s/%s-%d" $base (toLower "DB") 3 }}
{{ with secret $path }}{{ end }}{{ with "kv/piped" | trimSpace | secret }}{{ end }}"#;
    let paths: Vec<String> = known(source).into_iter().map(|(_, path, ..)| path).collect();
    assert_eq!(paths, ["kv/apps/db-3", "kv/piped"]);
}

#[test]
fn what_depends_on_data_is_reported() {
    let source = r#"{{ $p := "a" }}{{ if env "X" }}{{ $p = "b" }}{{ end }}{{ with secret $p }}{{ end }}
{{ range secrets "kv/apps" }}{{ with secret   (printf "kv/apps/%s" .) }}{{ end }}{{ end }}
{{ range $key := sprig_list "a" "b" }}{{ with secret $key }}{{ end }}{{ end }}
{{ with secret (printf "kv/%s" (env "APP")) "k=v" }}{{ end }}"#;
    let found = dependencies(source);
    assert_eq!(found.known.len(), 1);
    let dynamic: Vec<_> =
        found.dynamic.iter().map(|access| (access.kind, access.line, access.excerpt.as_str())).collect();
    let wanted = [
        (Read, 1, "secret $p"),
        (Read, 2, "secret (printf \"kv/apps/%s\" .)"),
        (Read, 3, "secret $key"),
        (Write, 4, "secret (printf \"kv/%s\" (env \"APP\")) \"k=v\""),
    ];
    assert_eq!(dynamic, wanted);
}
