//! VP3: rules against each other, in one policy or in the policies of one role.

use super::capabilities::WRITES;
use crate::lint::access::{Access, Dialect};
use crate::lint::model::{Block, PolicyFile};
use crate::lint::mounts::Mounts;
use crate::lint::pattern::Rank;
use crate::lint::view::{Out, View, listed};
use crate::policy::Capability;
use crate::rules::{self, Finding};

/// A rule of a set, and the policy that it stands in.
#[derive(Clone)]
pub(in crate::lint) struct Member<'a> {
    pub(in crate::lint) file: &'a PolicyFile,
    pub(in crate::lint) block: &'a Block,
    rank: Rank,
}

impl<'a> Member<'a> {
    pub(in crate::lint) fn of(file: &'a PolicyFile) -> impl Iterator<Item = Self> {
        // What a template will come to is not known here.
        file.rules().filter(|block| !block.is_templated()).map(move |block| Self {
            file,
            block,
            rank: block.pattern.rank(),
        })
    }

    fn same_policy(&self, other: &Self) -> bool {
        std::ptr::eq(self.file, other.file)
    }

    /// True when this one answers where both match.
    fn wins(&self, other: &Self) -> bool {
        self.rank > other.rank
    }

    fn same_pattern(&self, other: &Self) -> bool {
        self.block.pattern.text == other.block.pattern.text
    }
}

pub(in crate::lint) fn check(view: &View<'_>, out: &mut Out) {
    let members: Vec<_> = Member::of(view.file).collect();
    for (index, member) in members.iter().enumerate() {
        duplicate_path(view, member, members.get(..index).unwrap_or_default(), out);
        let dead = dead_rule(view, member, &members, out);
        ineffective_deny(member, &members, out);
        narrower_rule_drops(view.mounts, member, &members, out);
        redundant_rule(view, member, &members, out);
        if !dead {
            surprising_winner(view, member, &members, out);
        }
    }
    list_dialect_dependent(view, &members, out);
    for block in view.file.blocks.iter().filter(|block| block.expired && !block.broken) {
        expired_path(view, block, out);
    }
}

/// The same for rules of several policies that one role gives: only what no policy shows alone.
pub(in crate::lint) fn check_role(
    role: &str,
    mounts: &Mounts,
    members: &[Member<'_>],
    found: &mut Vec<(String, Finding)>,
) {
    for member in members {
        let mut out = Vec::new();
        let others = members.iter().filter(|other| !other.same_policy(member));
        let others: Vec<_> = others.cloned().collect();
        ineffective_deny(member, &others, &mut out);
        narrower_rule_drops(mounts, member, &others, &mut out);
        deny_cancels_grant(role, member, &others, &mut out);
        constraint_leak(role, member, &others, &mut out);
        found.extend(out.into_iter().map(|finding| (member.file.file.clone(), finding)));
    }
}

fn duplicate_path(view: &View<'_>, member: &Member<'_>, before: &[Member<'_>], out: &mut Out) {
    let Some(first) = before.iter().find(|other| other.same_pattern(member)) else { return };
    let words: Vec<_> = first.block.granted.union(&member.block.granted).map(|capability| capability.word()).collect();
    let denied = member.block.denies() || first.block.denies();
    let plain = !member.block.is_constrained() && !first.block.is_constrained() && !denied;
    let edits = plain.then(|| {
        let mut edits = view.file.set_capabilities(first.block, &words)?;
        edits.extend(view.file.without(member.block)?);
        Some(edits)
    });
    let comes_to =
        if denied { "deny wins".to_owned() } else { format!("together they grant {}", listed(words.iter())) };
    let message = format!("{:?} stands twice: {comes_to}", member.block.path);
    let finding = view.file.about(rules::DUPLICATE_PATH, member.block, message);
    let finding = finding.related(first.file.place(first.block, "the first one"));
    out.push(finding.fixed("make one block of the two", edits.flatten()));
}

fn dead_rule(view: &View<'_>, member: &Member<'_>, members: &[Member<'_>], out: &mut Out) -> bool {
    let hides = |other: &&Member<'_>| other.wins(member) && other.block.pattern.contains(&member.block.pattern);
    let Some(winner) = members.iter().find(hides) else { return false };
    let message = format!("{:?} never counts: {:?} answers for all of it", member.block.path, winner.block.path);
    let finding = view.file.about(rules::DEAD_RULE, member.block, message);
    let finding = finding.related(winner.file.place(winner.block, "this rule wins"));
    out.push(finding.fixed("leave the rule out", view.file.without(member.block)));
    true
}

/// A deny that loses against an allow, unless the allow is an exception within it that stands in the same policy.
fn ineffective_deny(member: &Member<'_>, members: &[Member<'_>], out: &mut Out) {
    if !member.block.denies() {
        return;
    }
    let (deny, file) = (&member.block.pattern, member.file);
    for other in
        members.iter().filter(|other| other.wins(member) && !other.block.denies() && !other.block.granted.is_empty())
    {
        let exception = deny.contains(&other.block.pattern) && other.same_policy(member);
        // Where the deny is dead altogether, that is said.
        let dead = other.block.pattern.contains(deny);
        let Some(witness) = deny.common(&other.block.pattern).filter(|_| !exception) else { continue };
        if dead && other.same_policy(member) {
            continue;
        }
        let words = listed(other.block.granted.iter().map(|capability| capability.word()));
        let message = format!(
            "{:?} does not deny {witness:?}: {:?} wins and grants {words}",
            member.block.path, other.block.path
        );
        let finding = file.about(rules::INEFFECTIVE_DENY, member.block, message);
        out.push(finding.related(other.file.place(other.block, "this rule wins")));
        return;
    }
}

/// A narrower rule that grants something of its own and takes away what the wider one granted there; from another policy
/// also when it only takes away.
fn narrower_rule_drops(mounts: &Mounts, member: &Member<'_>, members: &[Member<'_>], out: &mut Out) {
    let block = member.block;
    // Of the same path twice the sum counts, which is said there.
    if block.denies() || block.granted.is_empty() || is_repeated(member, members) {
        return;
    }
    let wider = members.iter().filter(|other| {
        member.wins(other)
            && !other.block.denies()
            && other.block.pattern.contains(&block.pattern)
            && !other.same_pattern(member)
    });
    let Some(wider) = wider.max_by(|left, right| left.rank.cmp(&right.rank)) else { return };
    // What is of no use there is no loss.
    let used = mounts.used(&block.pattern.text);
    let lost = wider.block.granted.difference(&block.granted);
    let lost = lost.filter(|capability| used.as_ref().is_none_or(|used| used.contains(*capability)));
    let lost: Vec<_> = lost.map(|capability| capability.word()).collect();
    let adds = block.granted.difference(&wider.block.granted).next().is_some();
    if lost.is_empty() || (!adds && wider.same_policy(member)) {
        return;
    }
    let lost = listed(lost.iter());
    let message =
        format!("{:?} takes {lost} away, which {:?} grants: rules do not add up", block.path, wider.block.path);
    let finding = member.file.about(rules::NARROWER_RULE_DROPS_CAPABILITIES, block, message);
    let finding = finding.help(format!("add {lost} here, if that is meant"));
    out.push(finding.related(wider.file.place(wider.block, "the wider rule")));
}

fn is_repeated(member: &Member<'_>, members: &[Member<'_>]) -> bool {
    members.iter().any(|other| other.same_pattern(member) && !std::ptr::eq(other.block, member.block))
}

fn redundant_rule(view: &View<'_>, member: &Member<'_>, members: &[Member<'_>], out: &mut Out) {
    let block = member.block;
    if block.is_constrained() || block.granted.is_empty() || is_repeated(member, members) {
        return;
    }
    let same = |other: &Member<'_>| other.block.granted == block.granted && !other.block.is_constrained();
    let next = members.iter().filter(|other| {
        member.wins(other) && other.block.pattern.contains(&block.pattern) && !other.same_pattern(member)
    });
    let Some(next) = next.max_by(|left, right| left.rank.cmp(&right.rank)).filter(|next| same(next)) else { return };
    // Without the rule another one could answer before the wider one does.
    let between = |other: &&Member<'_>| other.wins(next) && !other.wins(member) && !other.same_pattern(member);
    if members.iter().filter(between).any(|other| other.block.pattern.meets(&block.pattern) && !same(other)) {
        return;
    }
    let message = format!("{:?} grants no more and no less there than {:?}", block.path, next.block.path);
    let finding = view.file.about(rules::REDUNDANT_RULE, block, message);
    let finding = finding.related(next.file.place(next.block, "the wider rule"));
    out.push(finding.fixed("leave the rule out", view.file.without(block)));
}

/// A rule that looks more exact and loses where both match.
fn surprising_winner(view: &View<'_>, member: &Member<'_>, members: &[Member<'_>], out: &mut Out) {
    let block = member.block;
    let winner = members.iter().find(|other| {
        other.wins(member)
            && !other.block.pattern.is_exact()
            && other.block.granted != block.granted
            && !block.denies()
            && other.block.pattern.depth() < block.pattern.depth()
            && !block.pattern.contains(&other.block.pattern)
            && other.block.pattern.meets(&block.pattern)
    });
    let Some(winner) = winner else { return };
    let witness = block.pattern.common(&winner.block.pattern).unwrap_or_default();
    let message = format!("for {witness:?} the shorter {:?} wins over {:?}", winner.block.path, block.path);
    let finding = view.file.about(rules::SURPRISING_WINNER, block, message);
    let finding = finding.help("of two patterns the one whose first wildcard comes later wins");
    out.push(finding.related(winner.file.place(winner.block, "this rule wins")));
}

/// Lists end in a slash, and servers do not agree on what to look for then.
fn list_dialect_dependent(view: &View<'_>, members: &[Member<'_>], out: &mut Out) {
    if !members.iter().any(|member| member.block.grants(Capability::List)) {
        return;
    }
    let access = Access::new(members.iter().map(|member| member.block));
    for member in members.iter().filter(|member| !member.block.pattern.is_exact() && !member.block.granted.is_empty()) {
        let body = member.block.pattern.witness();
        let folder = match member.block.pattern.body() {
            start if member.block.pattern.is_open() && start.ends_with('/') && !start.contains('+') => start.to_owned(),
            _ => format!("{}/", body.trim_end_matches('/')),
        };
        let lists = |dialect| access.grants(&folder, Capability::List, dialect);
        let answers = [Dialect::Openbao, Dialect::VaultLegacy, Dialect::VaultMerged].map(lists);
        if answers.iter().any(|answer| *answer != answers.iter().all(|answer| *answer)) {
            let by: Vec<_> = ["OpenBao", "older servers", "the newest Vault"].into_iter().zip(answers).collect();
            let with = |wanted| listed(by.iter().filter(|(_, answer)| *answer == wanted).map(|(name, _)| *name));
            let message = format!("{folder:?} may be listed with {}, not with {}", with(true), with(false));
            let finding = view.file.about(rules::LIST_DIALECT_DEPENDENT, member.block, message);
            out.push(finding.help(format!("add a rule for {:?} itself", folder.trim_end_matches('/'))));
        }
    }
}

fn expired_path(view: &View<'_>, block: &Block, out: &mut Out) {
    let deny = block.words.iter().any(|(word, _)| word == "deny");
    let message = if deny {
        format!("the deny for {:?} is over, and no longer denies", block.path)
    } else {
        format!("the rule for {:?} is over", block.path)
    };
    let finding = view.file.about(rules::EXPIRED_PATH, block, message);
    let severity = if deny { rules::Severity::Error } else { finding.severity };
    let finding = finding.fixed("leave the rule out", view.file.without(block));
    out.push(Finding { severity, ..finding });
}

fn deny_cancels_grant(role: &str, member: &Member<'_>, others: &[Member<'_>], out: &mut Out) {
    if !member.block.denies() {
        return;
    }
    if let Some(other) = others
        .iter()
        .find(|other| other.same_pattern(member) && !other.block.denies() && !other.block.granted.is_empty())
    {
        let message =
            format!("with role {role} this deny cancels what {} grants at {:?}", other.file.name, other.block.path);
        let finding = member.file.about(rules::DENY_CANCELS_GRANT, member.block, message);
        out.push(finding.related(other.file.place(other.block, "granted here")));
    }
}

fn constraint_leak(role: &str, member: &Member<'_>, others: &[Member<'_>], out: &mut Out) {
    if !member.block.is_constrained() || member.block.denies() {
        return;
    }
    let free = others.iter().find(|other| {
        other.same_pattern(member)
            && !other.block.is_constrained()
            && (other.block.grants_any(&WRITES) || other.block.grants(Capability::Read))
    });
    if let Some(other) = free {
        let message =
            format!("with role {role} these limits also hold for what {} grants without any", other.file.name);
        let finding = member.file.about(rules::CONSTRAINT_LEAK, member.block, message);
        out.push(finding.related(other.file.place(other.block, "granted without limits here")));
    }
}
