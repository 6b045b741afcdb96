//! The reference: a page for each rule and one that lists them.

use std::fmt::Write as _;

use super::{ALL, Fixable, LEFT_OUT, Page, Rule, Sample};

/// The command that writes the pages, for whoever finds one that is old.
const COMMAND: &str = "cargo run -p blinkchamber-policies -- rules --write docs/reference/rules";

/// Every page of the reference: names of files and their texts.
#[must_use]
pub fn pages() -> Vec<(String, String)> {
    let rules = ALL.iter().map(|rule| (format!("{}.md", rule.code), rule.markdown()));
    rules.chain([("README.md".to_owned(), index())]).collect()
}

/// The page that lists the rules, and what is left out.
#[must_use]
pub fn index() -> String {
    let mut out = format!(
        "<!-- Written by `{COMMAND}`. -->\n\n# Rules of `blinkchamber-policies lint`\n\n\
         A fix is safe when every request is answered afterwards as before; `--fix` makes those. An unsafe one changes what is \
         granted, and needs `--unsafe-fixes` as well. Rules in italics are pedantic: they look only when they are selected by \
         name, or with `ALL`.\n"
    );
    for (prefix, title) in FAMILIES {
        let rules: Vec<_> = ALL.iter().filter(|rule| rule.code.starts_with(prefix)).collect();
        let _ = write!(out, "\n## {title}\n\n| code | name | severity | fix | |\n|---|---|---|---|---|\n");
        for rule in rules {
            let name = if rule.pedantic { format!("*{}*", rule.name) } else { rule.name.to_owned() };
            let (code, severity, fix) = (rule.code, rule.severity.word(), shown(rule.fixable));
            let _ = writeln!(out, "| [{code}]({code}.md) | {name} | {severity} | {fix} | {} |", cell(rule.summary));
        }
    }
    out.push_str("\n## Left out\n\nTheir codes stay free.\n\n| code | name | why |\n|---|---|---|\n");
    for left in LEFT_OUT {
        let _ = writeln!(out, "| {} | {} | {} |", left.code, left.name, left.reason);
    }
    out
}

const FAMILIES: [(&str, &str); 13] = [
    ("VP0", "What the server refuses, or reads otherwise than it looks"),
    ("VP1", "Paths"),
    ("VP2", "Capabilities"),
    ("VP3", "Rules against each other"),
    ("VP4", "Power"),
    ("VP5", "Engines"),
    ("VP6", "Parameters and wrapping"),
    ("VP7", "Templates"),
    ("VP8", "Names and form"),
    ("VP9", "Ignores"),
    ("VK", "Roles of the Kubernetes auth method"),
    ("VD", "Roles of engines"),
    ("VM", "Manifests"),
];

impl Rule {
    /// The rule's page, as Markdown.
    #[must_use]
    pub fn markdown(&self) -> String {
        let page: Page = self.page();
        let mut out =
            format!("<!-- Written by `{COMMAND}`. -->\n\n# {} `{}`\n\n{}\n", self.code, self.name, self.summary);
        let looks = if self.pedantic { "when it is selected by name" } else { "always" };
        let (severity, fix) = (self.severity.word(), self.fixable.word());
        let _ = write!(out, "\n| severity | fix | looks |\n|---|---|---|\n| {severity} | {fix} | {looks} |\n");
        if !page.why.is_empty() {
            let _ = write!(out, "\n{}\n", page.why);
        }
        if !page.config.is_empty() {
            let _ = write!(out, "\nThe examples have this configuration:\n\n```yaml\n{}```\n", page.config);
        }
        samples(&mut out, "Fires on", &page.fires);
        samples(&mut out, "Spares", &page.misses);
        samples(
            &mut out,
            if self.fixable == Fixable::Safe { "After `--fix`" } else { "After `--fix --unsafe-fixes`" },
            &page.fixed,
        );
        out
    }
}

fn shown(fixable: Fixable) -> &'static str {
    if fixable == Fixable::No { "" } else { fixable.word() }
}

fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}

fn samples(out: &mut String, title: &str, samples: &[Sample]) {
    if samples.is_empty() {
        return;
    }
    let _ = write!(out, "\n## {title}\n");
    for sample in samples {
        let language = sample.file.rsplit_once('.').map_or("hcl", |(_, extension)| extension);
        let text = shown_text(&sample.text);
        let _ = write!(out, "\n`{}`\n\n```{language}\n{text}```\n", sample.file);
    }
}

/// A text with its invisible characters named.
fn shown_text(text: &str) -> String {
    let mut text = text.replace('\u{feff}', "<byte order mark>").replace('\r', "<carriage return>");
    if !text.ends_with('\n') {
        text.push('\n');
    }
    text
}
