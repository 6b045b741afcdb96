//! Templates that want to hang, to fill the memory or to overflow the stack, and texts that are no templates at all.

#![expect(clippy::unwrap_used, reason = "a test that cannot compile its template has to stop")]

use blinkchamber_templates::{Fault, Options, RenderError, Rendered, Snapshot, Template};
use proptest::prelude::*;

fn render(source: &str) -> Result<Rendered, RenderError> {
    let mut snapshot = Snapshot::default();
    snapshot.seed = Some([0; 32]);
    Template::compile(source, &Options::default()).unwrap().render(&snapshot)
}

fn limit(source: &str) -> &'static str {
    match render(source).map_err(|error| error.fault) {
        Err(Fault::Limit(what)) => what,
        Err(_) => "another error",
        Ok(_) => "no error",
    }
}

#[test]
fn work_memory_and_depth_have_limits() {
    let cases = [
        ("{{ range loop 9000000000 }}{{ end }}", "work"),
        ("{{ range $i := 9000000000 }}{{ end }}", "work"),
        ("{{ range loop 3000000000 }}{{ range loop 3000000000 }}{{ end }}{{ end }}", "work"),
        ("{{ define \"a\" }}{{ template \"a\" }}{{ end }}{{ template \"a\" }}", "depth"),
        ("{{ define \"a\" }}{{ executeTemplate \"a\" }}{{ end }}{{ template \"a\" }}", "depth"),
        ("{{ define \"a\" }}{{ template \"a\" }}{{ template \"a\" }}{{ end }}{{ template \"a\" }}", "depth"),
        ("{{ $s := \"x\" }}{{ range loop 100 }}{{ $s = print $s $s }}{{ end }}", "work"),
        ("{{ sprig_repeat 999999999 \"x\" }}", "a string"),
        ("{{ sprig_repeat 9223372036854775807 \"xy\" }}", "a string"),
        ("{{ sprig_indent 99999999 \"x\" }}", "a string"),
        ("{{ indent 99999999 \"x\" }}", "a string"),
        ("{{ sprig_until 999999999 }}", "a list"),
        ("{{ sprig_seq 1 999999999 }}", "a list"),
        ("{{ $l := sprig_list 1 }}{{ range loop 100 }}{{ $l = sprig_concat $l $l }}{{ end }}", "a list"),
        ("{{ range loop 1000 }}{{ sprig_repeat 100000 \"x\" }}{{ end }}", "output"),
        ("{{ range loop 1000 }}{{ sprig_bcrypt \"x\" }}{{ end }}", "work"),
        ("{{ $l := sprig_list }}{{ range loop 100000 }}{{ $l = sprig_list $l }}{{ end }}{{ $l }}", "depth of data"),
        (
            "{{ $l := sprig_list }}{{ range loop 100000 }}{{ $l = sprig_list $l }}{{ end }}{{ sprig_deepEqual $l $l }}",
            "depth of data",
        ),
        (
            "{{ $l := sprig_dict }}{{ range loop 100000 }}{{ $l = sprig_dict \"a\" $l }}{{ end }}{{ spew_sdump $l }}",
            "depth of data",
        ),
        ("{{ replaceAll \"\" (sprig_repeat 10000 \"x\") (sprig_repeat 10000 \"y\") }}", "a string"),
        ("{{ regexReplaceAll \"y*\" (sprig_repeat 10000 \"y\") (sprig_repeat 10000 \"x\") }}", "a string"),
        ("{{ sprig_wrapWith 1 (sprig_repeat 10000 \"x\") (sprig_repeat 10000 \"y\") }}", "a string"),
    ];
    for (source, wanted) in cases {
        let got = limit(source);
        assert!(got.starts_with(wanted), "{source}: {got}");
    }
}

#[test]
fn nested_data_cannot_overflow_the_stack() {
    let deep = "{{ $l := sprig_list }}{{ range loop 100000 }}{{ $l = sprig_list $l }}{{ end }}";
    for tail in [
        "{{ toJSON $l }}",
        "{{ toYAML $l }}",
        "{{ toTOML $l }}",
        "{{ sprig_deepCopy $l | len }}",
        "{{ sprig_uniq (sprig_list $l $l) }}",
    ] {
        assert!(render(&format!("{deep}{tail}")).is_err(), "{tail}");
    }
    for text in [format!("{}{}", "[".repeat(50_000), "]".repeat(50_000)), "{\"a\":".repeat(50_000), "- ".repeat(50_000)]
    {
        assert!(render(&format!("{{{{ parseJSON `{text}` }}}}")).is_err());
        assert!(render(&format!("{{{{ parseYAML `{text}` }}}}")).is_err());
    }
}

#[test]
fn a_map_cannot_contain_itself() {
    let direct = "{{ $d := sprig_dict }}{{ $_ := sprig_set $d \"self\" $d }}{{ $d }}";
    let hidden =
        "{{ $d := sprig_dict }}{{ $_ := sprig_set $d \"l\" (sprig_list (sprig_dict \"x\" $d)) }}{{ toJSON $d }}";
    let merged = "{{ $d := sprig_dict }}{{ $_ := sprig_merge $d (sprig_dict \"x\" $d) }}{{ $d }}";
    let scratch =
        "{{ scratch.MapSet \"m\" \"k\" 1 }}{{ scratch.MapSet \"m\" \"m\" (scratch.Get \"m\") }}{{ scratch.Get \"m\" }}";
    for source in [direct, hidden, merged, scratch] {
        assert!(render(source).is_err(), "{source}");
    }
}

/// Pieces that make templates which come far into the evaluator.
fn piece() -> impl Strategy<Value = String> {
    let words = prop::sample::select(vec![
        "{{",
        "}}",
        "{{-",
        "-}}",
        " ",
        "|",
        "(",
        ")",
        ".",
        ".a",
        "$",
        "$x",
        ":=",
        "=",
        ",",
        "\"s\"",
        "`r`",
        "'c'",
        "1",
        "-2.5",
        "0x1f",
        "nil",
        "true",
        "if",
        "else",
        "end",
        "range",
        "with",
        "define",
        "block",
        "template",
        "break",
        "continue",
        "\"\"",
        "/*",
        "*/",
        "printf",
        "\"%v%5d%[2]s\"",
        "index",
        "slice",
        "len",
        "eq",
        "and",
        "or",
        "not",
        "loop",
        "split",
        "join",
        "toYAML",
        "parseYAML",
        "toJSON",
        "parseJSON",
        "toTOML",
        "regexReplaceAll",
        "indent",
        "scratch.Set",
        "scratch.MapSet",
        "sprig_dict",
        "sprig_list",
        "sprig_set",
        "sprig_merge",
        "sprig_substr",
        "sprig_abbrev",
        "sprig_trunc",
        "sprig_wrap",
        "sprig_slice",
        "sprig_chunk",
        "sprig_dig",
        "sprig_round",
        "sprig_div",
        "sprig_seq",
        "sprig_toDate",
        "sprig_date",
        "sprig_semverCompare",
        "sprig_urlParse",
        "sprig_snakecase",
        "sprig_splitn",
        "sprig_regexSplit",
        "timestamp",
        "divide",
        "executeTemplate",
        "secret",
        "writeToFile",
        "\n",
    ]);
    prop_oneof![8 => words.prop_map(str::to_owned), 1 => any::<char>().prop_map(String::from), 1 => any::<i64>().prop_map(|n| n.to_string())]
}

/// One call with arguments of any kind.
fn call() -> impl Strategy<Value = String> {
    let argument = prop_oneof![
        any::<i64>().prop_map(|number| number.to_string()),
        (-3_i64..9).prop_map(|number| number.to_string()),
        any::<f64>().prop_map(|number| format!("{number:?}")),
        "[ -~é☃]{0,12}".prop_map(|text| format!("{text:?}").replace("\\u{", "u{").replace("\\'", "'")),
        Just("(sprig_list 1 \"a\" nil 2.5)".to_owned()),
        Just("(sprig_dict \"a\" 1 \"b\" (sprig_list))".to_owned()),
        Just("nil".to_owned()),
        Just("true".to_owned()),
        Just("(split \",\" \"a,b\")".to_owned()),
        Just("sprig_now".to_owned()),
    ];
    (prop::sample::select(names()), prop::collection::vec(argument, 0..5))
        .prop_map(|(name, arguments)| format!("{{{{ {name} {} | toJSON }}}}", arguments.join(" ")))
}

/// Names from the recorded cases, so that no list of them has to be kept here.
fn names() -> Vec<String> {
    let text = include_str!("data/functions.json");
    let mut names: Vec<String> =
        text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).map(str::to_owned).collect();
    names.sort();
    names.dedup();
    let slow = ["sprig_bcrypt", "sprig_htpasswd", "sprig_derivePassword"];
    names.retain(|name| {
        !slow.contains(&name.as_str()) && Template::compile(&format!("{{{{ {name} }}}}"), &Options::default()).is_ok()
    });
    names
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, ..ProptestConfig::default() })]

    #[test]
    fn any_text_compiles_or_is_refused(text in "\\PC*") {
        if let Ok(template) = Template::compile(&text, &Options::default()) {
            let _dependencies = template.dependencies();
        }
    }

    #[test]
    fn pieces_of_templates_never_panic(pieces in prop::collection::vec(piece(), 0..40)) {
        let source = pieces.concat();
        if let Ok(template) = Template::compile(&source, &Options::default()) {
            let found = template.dependencies();
            prop_assert!(found.known.iter().all(|access| access.line >= 1 && access.column >= 1));
            let mut snapshot = Snapshot::default();
            snapshot.seed = Some([0; 32]);
            if let Err(error) = template.render(&snapshot) {
                prop_assert!(error.line >= 1 && error.column >= 1);
            }
        }
    }

    #[test]
    fn calls_never_panic(source in call()) {
        if let Ok(template) = Template::compile(&source, &Options::default()) {
            let mut snapshot = Snapshot::default();
            snapshot.seed = Some([0; 32]);
            let first = template.render(&snapshot).map_err(|error| error.to_string());
            let again = template.render(&snapshot).map_err(|error| error.to_string());
            match (first, again) {
                (Ok(Rendered::Complete { output, .. }), Ok(Rendered::Complete { output: same, .. })) => prop_assert_eq!(output, same),
                (Err(first), Err(again)) => prop_assert_eq!(first, again),
                (first, again) => prop_assert_eq!(first.is_ok(), again.is_ok()),
            }
        }
    }
}
