//! VP1: paths that match something else than they seem to.

use crate::lint::catalog;
use crate::lint::model::Block;
use crate::lint::options::Target;
use crate::lint::pattern::Pattern;
use crate::lint::view::{BlockRule, Out, View};
use crate::policy::Capability;
use crate::rules;

const RULES: [BlockRule; 15] = [
    star_not_at_end,
    glob_without_slash,
    literal_plus,
    leading_slash,
    space_in_path,
    empty_segment,
    regex_in_path,
    version_prefix,
    trailing_slash_on_item,
    unknown_mount,
    unknown_endpoint,
    removed_endpoint,
    legacy_policy_endpoint,
    unauthenticated_endpoint,
    folder_without_glob,
];

pub(in crate::lint) fn check(view: &View<'_>, out: &mut Out) {
    view.each(&RULES, out);
}

fn star_not_at_end(view: &View<'_>, block: &Block, out: &mut Out) {
    if !block.pattern.body().contains('*') || looks_like_regex(block.pattern.body()).is_some() {
        return;
    }
    let plus: Vec<_> = block.path.split('/').collect();
    let last = plus.len() - 1;
    let plus = plus.iter().enumerate().map(|(index, part)| if *part == "*" && index < last { "+" } else { part });
    let plus = plus.collect::<Vec<_>>().join("/");
    let edits = (!Pattern::new(&plus).body().contains('*')).then(|| view.file.set_path(block, &plus)).flatten();
    let message = format!("a * inside {:?} matches only a star", block.path);
    let finding = view.file.about(rules::STAR_NOT_AT_END, block, message);
    let finding = finding.help("for one segment write +; for all below write a * at the end only");
    out.push(finding.fixed(format!("write {plus:?}"), edits));
}

fn glob_without_slash(view: &View<'_>, block: &Block, out: &mut Out) {
    let body = block.pattern.body();
    if !block.pattern.is_open() || body.is_empty() || body.ends_with(['/', '-', '_', '.', '+']) || body.ends_with("}}")
    {
        return;
    }
    let message = format!("{:?} also matches what only begins like it, such as {:?}", block.path, format!("{body}x"));
    let help = format!("for everything below write {:?}", format!("{body}/*"));
    let edits = view.file.set_path(block, &format!("{body}/*"));
    out.push(
        view.file
            .about(rules::GLOB_WITHOUT_SLASH, block, message)
            .help(help)
            .fixed(format!("write \"{body}/*\""), edits),
    );
}

fn literal_plus(view: &View<'_>, block: &Block, out: &mut Out) {
    let mixed = |segment: &str| segment.contains('+') && segment != "+" && !segment.contains("{{");
    if block.pattern.text.split('/').any(mixed) {
        let message = format!("a + beside other characters in {:?} matches only a plus", block.path);
        out.push(view.file.about(rules::LITERAL_PLUS, block, message));
    }
}

fn leading_slash(view: &View<'_>, block: &Block, out: &mut Out) {
    let bare = &block.pattern.text;
    if block.path.starts_with('/') && !bare.starts_with('/') && !bare.is_empty() {
        let message = format!("the server drops the slash before {bare:?}");
        let edits = view.file.set_path(block, bare);
        out.push(view.file.about(rules::LEADING_SLASH, block, message).fixed(format!("write {bare:?}"), edits));
    }
}

fn space_in_path(view: &View<'_>, block: &Block, out: &mut Out) {
    let trimmed = block.pattern.text.trim();
    if trimmed != block.pattern.text && !trimmed.is_empty() {
        let message = format!("the blanks around {:?} are part of the path", block.path);
        let finding = view.file.about(rules::SPACE_IN_PATH, block, message).help(format!("write {trimmed:?}"));
        out.push(finding.fixed(format!("write {trimmed:?}"), view.file.set_path(block, trimmed)));
    }
}

fn empty_segment(view: &View<'_>, block: &Block, out: &mut Out) {
    let path = &block.pattern.text;
    if path.starts_with('/') || path.contains("//") {
        let mut single = path.trim_start_matches('/').to_owned();
        while single.contains("//") {
            single = single.replace("//", "/");
        }
        let message = format!("// in {:?} matches no request", block.path);
        let edits = view.file.set_path(block, &single);
        out.push(view.file.about(rules::EMPTY_SEGMENT, block, message).fixed(format!("write {single:?}"), edits));
    }
}

fn regex_in_path(view: &View<'_>, block: &Block, out: &mut Out) {
    if let Some(found) = looks_like_regex(&block.pattern.text) {
        let message = format!("{found} in {:?} is no pattern here: it matches itself only", block.path);
        let help = "+ stands for one segment, * at the end for anything behind";
        out.push(view.file.about(rules::REGEX_IN_PATH, block, message).help(help));
    }
}

/// What other tools take for a pattern.
fn looks_like_regex(path: &str) -> Option<&'static str> {
    let pair = |open: char, close: char| {
        path.find(open).is_some_and(|at| path.get(at..).is_some_and(|rest| rest.contains(close)))
    };
    let braces = !path.contains("{{") && !path.contains("${") && pair('{', '}') && path.contains(',');
    match path {
        _ if path.contains(".*") || path.contains(".+") => Some(".*"),
        _ if path.starts_with('^') || path.ends_with('$') => Some("^ or $"),
        _ if pair('[', ']') => Some("[ ]"),
        _ if pair('(', ')') && path.contains('|') => Some("( | )"),
        _ if braces => Some("{ , }"),
        _ if path.contains('?') => Some("?"),
        _ => None,
    }
}

fn version_prefix(view: &View<'_>, block: &Block, out: &mut Out) {
    if let Some(rest) = block.pattern.text.strip_prefix("v1/").filter(|rest| !rest.is_empty()) {
        let message = format!("{:?} begins with v1/, which belongs to the URL", block.path);
        let finding = view.file.about(rules::VERSION_PREFIX, block, message).help(format!("write {rest:?}"));
        out.push(finding.fixed(format!("write {rest:?}"), view.file.set_path(block, rest)));
    }
}

fn trailing_slash_on_item(view: &View<'_>, block: &Block, out: &mut Out) {
    use Capability::{Create, Delete, Patch, Read, Update};
    let idle = [Create, Read, Update, Patch, Delete].into_iter().filter(|capability| block.grants(*capability));
    let idle: Vec<_> = idle.map(Capability::word).collect();
    if block.pattern.is_exact() && block.pattern.text.ends_with('/') && !idle.is_empty() {
        let path = block.pattern.text.trim_end_matches('/');
        let message = format!("only lists end in a slash: {} on {:?} meets no request", idle.join(", "), block.path);
        let help = format!("for the thing itself write {path:?}, for everything below {:?}", format!("{path}/*"));
        out.push(view.file.about(rules::TRAILING_SLASH_ON_ITEM, block, message).help(help));
    }
}

fn unknown_mount(view: &View<'_>, block: &Block, out: &mut Out) {
    let segments = block.pattern.literal_segments();
    let whole = block.pattern.is_exact() || segments.len() < block.pattern.depth();
    if view.mounts.complete && whole && !block.is_templated() && view.mounts.is_unknown(&segments) {
        let message = format!("{:?} lies in no mount that the configuration names", block.path);
        out.push(view.file.about(rules::UNKNOWN_MOUNT, block, message));
    }
}

/// Served where the catalogue's server had no reason to: with raft, or as an interface of a plugin.
const BESIDE_CATALOGUE: [&str; 7] =
    ["storage/*", "plugins/*", "internal/*", "config/*", "mfa/*", "renew/*", "revoke/*"];

fn unknown_endpoint(view: &View<'_>, block: &Block, out: &mut Out) {
    let Some(place) = view.place(block).filter(|place| place.sure && view.options.target == Target::Openbao) else {
        return;
    };
    let endpoints = catalog::endpoints(&place.kind);
    // What a plugin serves, and the store of a token, are paths of anybody's choice.
    if endpoints.is_empty() || place.rest.is_empty() || block.is_templated() || place.kind.starts_with("kv") {
        return;
    }
    let pattern = Pattern::new(place.rest);
    let listed = Pattern::new(place.rest.trim_end_matches('/'));
    let beside = BESIDE_CATALOGUE.iter().any(|beside| place.kind == "sys" && Pattern::new(beside).meets(&pattern));
    let removed = REMOVED.iter().any(|(old, _)| block.pattern.text.trim_end_matches(['*', '/']) == *old);
    let served = endpoints.iter().any(|endpoint| endpoint.pattern.meets(&pattern) || endpoint.pattern.meets(&listed));
    if !served && !beside && !removed {
        let message = format!("OpenBao serves nothing at {:?}", block.path);
        out.push(view.file.about(rules::UNKNOWN_ENDPOINT, block, message));
    }
}

/// Endpoints of leases that OpenBao 2.5.4 took away, and where they are now.
const REMOVED: [(&str, &str); 4] = [
    ("sys/renew", "sys/leases/renew"),
    ("sys/revoke", "sys/leases/revoke"),
    ("sys/revoke-force", "sys/leases/revoke-force"),
    ("sys/revoke-prefix", "sys/leases/revoke-prefix"),
];

fn removed_endpoint(view: &View<'_>, block: &Block, out: &mut Out) {
    let path = &block.pattern.text;
    let found = REMOVED.iter().find_map(|(old, new)| {
        let rest = path.strip_prefix(old).filter(|rest| rest.is_empty() || rest.starts_with(['/', '*']))?;
        Some((*old, format!("{new}{rest}")))
    });
    if let Some((old, new)) = found {
        let message = format!("{old} is gone since OpenBao 2.5.4");
        let finding = view.file.about(rules::REMOVED_ENDPOINT, block, message).help(format!("write {new:?}"));
        out.push(finding.fixed(format!("write {new:?}"), view.file.set_path(block, &new)));
    }
}

fn legacy_policy_endpoint(view: &View<'_>, block: &Block, out: &mut Out) {
    let rest = block.pattern.text.strip_prefix("sys/policy");
    if let Some(rest) = rest.filter(|rest| rest.is_empty() || rest.starts_with(['/', '*'])) {
        let new = format!("sys/policies/acl{rest}");
        let message = format!("{:?} is the old way to policies and does not cover the new one", block.path);
        let finding = view.file.about(rules::LEGACY_POLICY_ENDPOINT, block, message).help(format!("write {new:?}"));
        out.push(finding.fixed(format!("write {new:?}"), view.file.set_path(block, &new)));
    }
}

fn unauthenticated_endpoint(view: &View<'_>, block: &Block, out: &mut Out) {
    let Some(place) = view.place(block).filter(|_| !block.granted.is_empty() && !block.denies()) else { return };
    let pattern = Pattern::new(place.rest);
    let met = catalog::endpoints(&place.kind).iter().filter(|endpoint| endpoint.pattern.meets(&pattern));
    let met: Vec<_> = met.collect();
    let internal = place.kind == "sys" && place.rest.starts_with("internal/ui/");
    if !met.is_empty() && met.iter().all(|endpoint| endpoint.open) && !internal && block.pattern.depth() > 1 {
        let message = format!("{:?} needs no token, so no rule either", block.path);
        let edits = view.file.without(block);
        out.push(view.file.about(rules::UNAUTHENTICATED_ENDPOINT, block, message).fixed("leave the rule out", edits));
    }
}

fn folder_without_glob(view: &View<'_>, block: &Block, out: &mut Out) {
    let path = block.pattern.text.trim_end_matches('/');
    let system = ["sys", "auth", "identity"].contains(&path.split('/').next().unwrap_or_default());
    let whole = path.matches('/').count() < 2;
    if !block.pattern.is_exact() || !block.grants(Capability::Read) || system || whole || block.path.ends_with('/') {
        return;
    }
    let below = format!("{path}/");
    // Who names each path may well mean a secret and others below it; who writes a pattern there thinks of a folder.
    let inside = |other: &&Block| {
        !other.pattern.is_exact()
            && other.pattern.text.strip_prefix(&below).is_some_and(|rest| !matches!(rest, "" | "*"))
    };
    let inner = view.file.rules().find(inside);
    let covered = view.file.rules().any(|other| other.pattern.text == format!("{below}*"));
    if let Some(inner) = inner.filter(|_| !covered) {
        let message = format!("{:?} is a folder elsewhere, and this rule covers nothing in it", block.path);
        let help = format!("for everything below write {:?}", format!("{path}/*"));
        let finding = view.file.about(rules::FOLDER_WITHOUT_GLOB, block, message).help(help);
        out.push(finding.related(view.file.place(inner, "used as a folder here")));
    }
}
