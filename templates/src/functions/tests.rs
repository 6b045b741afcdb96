use std::collections::BTreeSet;
use std::sync::Arc;

use super::{TABLES, find, sprig};
use crate::{Answer, Dependency, Fault, Json, Options, Rendered, Snapshot, Template};

fn render(source: &str, options: &Options) -> Result<String, Fault> {
    let mut snapshot = Snapshot::none();
    snapshot.seed = Some([1; 32]);
    let body = Json::parse(br#"{"data":{"password":"hunter2","port":5432}}"#).unwrap();
    snapshot.answers.insert(Dependency::Read { path: "kv/a".to_owned() }, Arc::new(Answer::Secret(body)));
    match Template::compile(source, options).unwrap().render(&snapshot) {
        Ok(Rendered::Complete { output, .. }) => Ok(String::from_utf8(output).unwrap()),
        Ok(Rendered::Incomplete { missing, .. }) => panic!("{missing:?}"),
        Err(error) => Err(error.fault),
    }
}

#[test]
fn names_are_unique_and_complete() {
    let names: Vec<&str> = TABLES.iter().chain(&sprig::TABLES).flat_map(|table| table.iter()).map(|f| f.name).collect();
    assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len());
    for name in ["secret", "sprig_htpasswd", "spew_sdump", "mergeMapWithOverride", "sprig_must_date_modify", "urlquery"]
    {
        assert!(find(name).is_some(), "{name}");
    }
    assert!(find("key").is_none());
    assert_eq!(names.len(), 296);
}

#[test]
fn errors_show_no_data() {
    let sources = [
        "{{ with secret \"kv/a\" }}{{ add .Data.password 1 }}{{ end }}",
        "{{ with secret \"kv/a\" }}{{ parseInt .Data.password }}{{ end }}",
        "{{ with secret \"kv/a\" }}{{ parseJSON .Data.password }}{{ end }}",
        "{{ with secret \"kv/a\" }}{{ .Data.password.x }}{{ end }}",
        "{{ with secret \"kv/a\" }}{{ sprig_fail .Data.password }}{{ end }}",
        "{{ with secret \"kv/a\" }}{{ secret \"p\" .Data.password }}{{ end }}",
        "{{ with secret \"kv/a\" }}{{ index .Data .Data.password 5 }}{{ end }}",
        "{{ with secret \"kv/a\" }}{{ range .Data.password }}{{ end }}{{ end }}",
        "{{ with secret \"kv/a\" }}{{ regexMatch (print \"(\" .Data.password) \"\" }}{{ end }}",
        "{{ with secret \"kv/a\" }}{{ eq .Data.password 1 }}{{ end }}",
    ];
    for source in sources {
        match render(source, &Options::default()) {
            Err(fault) => assert!(!fault.to_string().contains("hunter2"), "{fault}"),
            Ok(output) => panic!("{source} gives {output}"),
        }
    }
}

#[test]
fn denied_and_sandboxed() {
    let options = Options {
        denied_functions: vec!["env".to_owned()],
        sandbox_path: Some("/srv/files".to_owned()),
        ..Options::default()
    };
    assert_eq!(render("{{ env \"HOME\" }}", &options), Err(Fault::Denied("env")));
    for path in ["/etc/passwd", "/srv/files/../x", "files/a", "/srv/filesystem"] {
        assert!(render(&format!("{{{{ file \"{path}\" }}}}"), &options).is_err(), "{path}");
        assert!(
            render(&format!("{{{{ writeToFile \"{path}\" \"\" \"\" \"0600\" \"x\" }}}}"), &options).is_err(),
            "{path}"
        );
    }
    assert_eq!(render("{{ writeToFile \"/srv/files/a\" \"\" \"\" \"0600\" \"x\" }}", &options), Ok(String::new()));
}

#[test]
fn random_repeats_with_its_seed() {
    let source = "{{ sprig_randAlphaNum 20 }} {{ sprig_uuidv4 }} {{ sprig_htpasswd \"u\" \"p\" }}";
    let first = render(source, &Options::default()).unwrap();
    assert_eq!(render(source, &Options::default()).unwrap(), first);
    assert!(first.contains(" u:$2a$10$"), "{first}");
    let without = Template::compile("{{ sprig_uuidv4 }}", &Options::default()).unwrap().render(&Snapshot::none());
    assert!(matches!(without.map_err(|error| error.fault), Err(Fault::Unsupported { function: "sprig_uuidv4", .. })));
}
