//! What stands in `tests/rules/CODE.txt`: a text for people, then samples under lines such as `=== fires roles/a.json`.

/// A rule's page, taken apart.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Page {
    /// Why the rule is there, as Markdown.
    pub why: &'static str,
    /// A configuration that the samples need.
    pub config: &'static str,
    /// Files that the rule fires on.
    pub fires: Vec<Sample>,
    /// Files that it spares.
    pub misses: Vec<Sample>,
    /// What every fix of the rule makes of the files that it fires on.
    pub fixed: Vec<Sample>,
}

/// A file of a page.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Sample {
    /// Its path.
    pub file: &'static str,
    /// Its text; `\u{...}` stands for characters that a page cannot show.
    pub text: String,
}

const HEAD: &str = "=== ";

impl Page {
    pub(super) fn parse(text: &'static str) -> Self {
        let mut page = Self::default();
        let mut rest = text;
        let mut heading = "why";
        loop {
            let (body, next) = match rest.find("\n=== ") {
                Some(end) => (rest.get(..=end).unwrap_or_default(), rest.get(end + 1..)),
                None => (rest, None),
            };
            page.part(heading, body);
            let Some(next) = next else { return page };
            let (line, behind) = next.split_once('\n').unwrap_or((next, ""));
            heading = line.strip_prefix(HEAD).unwrap_or(line).trim();
            rest = behind;
        }
    }

    fn part(&mut self, heading: &'static str, body: &'static str) {
        let (kind, file) = heading.split_once(' ').unwrap_or((heading, "policy.hcl"));
        let sample = || Sample { file, text: visible(body) };
        match kind {
            "config" => self.config = body,
            "fires" => self.fires.push(sample()),
            "misses" => self.misses.push(sample()),
            "fixed" => self.fixed.push(sample()),
            _ => self.why = body.trim(),
        }
    }
}

/// Puts in what the page writes as `\u{feff}`, and drops a last line end behind `\u{}`.
fn visible(body: &str) -> String {
    let mut text = body.to_owned();
    for (written, meant) in [("\\u{feff}", "\u{feff}"), ("\\u{0d}", "\r"), ("\\u{09}", "\t"), ("\\u{}\n", "")] {
        text = text.replace(written, meant);
    }
    text
}
