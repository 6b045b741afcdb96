//! The layout against `bao policy fmt`: files with every oddity that a formatter can trip over, some of them generated.

#![expect(clippy::unwrap_used, reason = "a helper that cannot go on has failed its test")]

use std::fs;
use std::process::Command;

use blinkchamber_hcl::{FormatError, format};
use blinkchamber_test_tools::tool;
use fastrand::Rng;

/// What the program makes of a policy, or what it says.
fn theirs(text: &str) -> Result<String, String> {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("policy.hcl");
    fs::write(&path, text).unwrap();
    let ran = Command::new(tool("bao")).args(["policy", "fmt"]).arg(&path).output().unwrap();
    if !ran.status.success() {
        return Err(String::from_utf8_lossy(&ran.stderr).into_owned());
    }
    Ok(fs::read_to_string(&path).unwrap())
}

#[test]
fn hand_written_files_are_laid_out_alike() {
    let texts = [
        "",
        "# only a comment\n",
        "path \"a\"\n{capabilities=[\"read\"]}",
        "# one\n\n# two\npath \"a\" {} # line\n# end\n\n# last",
        "path \"a\" {\n  # one\n  # two\n\n  capabilities = [\"read\"]\n}\n",
        "path \"a\" {\n  capabilities = [\"read\"] # x\n  policy = \"write\"\n  comment = \"c\" # yy\n\n  # z\n  min_wrapping_ttl = 1\n}\n",
        "path \"a\" {\n  capabilities = [\n    \"read\", # r\n    # above\n    \"list\", \"update\" # end\n    # tail\n  ]\n}\n",
        "path \"a\" {\n  allowed_parameters = { \"x\" = [\"1\"], y = [] }\n  denied_parameters {\n    z = [\"2\"]\n  }\n}\n",
        "path a {}\npath b {}\n\npath \"c\" {}\nname = \"n\"\n",
        "path \"a\" { comment = <<E\n  x\n y\nE\n  capabilities = [<<F\nread\nF\n]\n}\n",
        "path \"a\" { /* m\n   multi */ comment = \"x\"\n /* alone */\n\n capabilities = [] }\n",
        "path \"a\" {\r\n\tcapabilities = [\"read\"]\r\n}\r\n\r\n# end\r\n",
        "path \"a\" {\n  comment = # why\n  \"x\"\n  policy =\n    \"read\"\n}\n// end",
    ];
    let mut same = 0;
    for text in texts {
        match theirs(text) {
            Ok(theirs) => {
                assert_eq!(format(text).as_deref(), Ok(theirs.as_str()), "{text}");
                same += 1;
            }
            // The program wants a policy that the server takes; the layout does not depend on it.
            Err(said) => assert!(format(text).is_ok() && said.contains("policy"), "{text}{said}"),
        }
    }
    assert!(same >= texts.len() - 2, "{same}");
}

fn blanks(rng: &mut Rng) -> &'static str {
    rng.choice(["", "", "\n", "\n\n", "# c\n", "# c\n\n", "// d\n# e\n", "\n# f\n\n"]).unwrap()
}

fn file(rng: &mut Rng) -> String {
    const ITEMS: &[&str] = &[
        "capabilities = [\"read\", \"list\"]",
        "capabilities = [\n\"read\", # r\n\"list\"\n]",
        "capabilities=[\"update\",\n    \"deny\"\n,]",
        "comment = \"some text\"",
        "min_wrapping_ttl = 60",
        "max_wrapping_ttl = \"1h\"",
        "allowed_parameters = {\n# p\n\"a\" = [\"x\"]\nbb = []\n}",
        "denied_parameters { x = [] }",
        "required_parameters = []",
        "expiration = 4102444800",
    ];
    let mut text = String::new();
    for _ in 0..rng.usize(1..5) {
        text.push_str(blanks(rng));
        text.push_str(
            rng.choice(["path \"a/b\" {", "path \"+/x*\"\n{\n", "\"path\" x.y {\n", "path \"z\" {\n  "]).unwrap(),
        );
        let mut items = ITEMS.to_vec();
        rng.shuffle(&mut items);
        let mut keys = Vec::new();
        for item in items.into_iter().take(rng.usize(0..6)) {
            // A key stands once: the program refuses an attribute that is set twice.
            let key = item.split([' ', '=']).next();
            if keys.contains(&key) {
                continue;
            }
            keys.push(key);
            text.push_str(blanks(rng));
            text.push_str(item);
            text.push_str(rng.choice(["\n", "\n", " # line\n", ",\n"]).unwrap());
        }
        text.push_str(blanks(rng));
        text.push_str(rng.choice(["}\n", "}\n", "} # after\n", "}"]).unwrap());
    }
    text
}

#[test]
fn generated_files_are_laid_out_alike() {
    let seed = std::env::var("BLINKCHAMBER_SEED").ok().and_then(|text| text.parse().ok());
    let seed = seed.unwrap_or_else(|| fastrand::u64(..));
    println!("BLINKCHAMBER_SEED={seed}");
    let mut rng = Rng::with_seed(seed);
    let mut same = 0;
    for _ in 0..60 {
        let text = file(&mut rng);
        let Ok(first) = theirs(&text) else { continue };
        match format(&text) {
            Ok(ours) if ours == first => same += 1,
            // Their layout of the layout may be another; ours is the one that stays.
            Ok(ours) => assert_eq!(theirs(&first).as_deref(), Ok(ours.as_str()), "{text}\n{first}"),
            Err(error) => assert!(matches!(error, FormatError::Comment(_)), "{error}\n{text}\n{first}"),
        }
    }
    assert!(same >= 40, "{same} of 60 alike");
}
