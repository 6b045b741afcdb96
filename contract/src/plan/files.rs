//! The files a pod asks for, and the containers that see them.

use std::collections::{BTreeMap, BTreeSet};

use crate::annotations::values::{directory, id, mode, reload_actions};
use crate::annotations::{Annotations, Findings};
use crate::config::{ReloadAction, Template};
use crate::plan::CONTAINER;
use crate::plan::identity::Identity;
use crate::plan::pod::{Pod, name};

const MOUNT: &str = "/vault/secrets";
/// Name of the file that `agent-inject-token` writes.
const TOKEN: &str = "token";
const GROUP_READS: u32 = 0o040;

/// What is written, and where.
#[derive(Default)]
pub(super) struct Files {
    /// One per secret, in the order of the secrets' names.
    pub(super) templates: Vec<Template>,
    /// Mount paths of the secret volumes: the main one, then the others in ascending order.
    pub(super) mounts: Vec<String>,
    /// What follows a change of a destination.
    pub(super) reload: BTreeMap<String, Vec<ReloadAction>>,
    /// Path of the token file, if asked for.
    pub(super) token: Option<String>,
    /// Mode of files that name none; set once it is known who reads them.
    pub(super) default_mode: u32,
    /// Names of the secrets, in the order of `templates`.
    names: Vec<String>,
}

/// The containers that get the mounts: the chosen ones, and every init container but ours.
pub(super) fn containers(pod: &Pod<'_>, notes: &Annotations<'_>, findings: &mut Findings) -> Vec<String> {
    let present: Vec<&str> = pod.containers().filter_map(name).collect();
    if present.is_empty() {
        findings.refuse("the pod has no container with a name");
    }
    let chosen: Vec<&str> = match notes.given("agent-inject-containers") {
        None => present.clone(),
        Some(given) => {
            let wanted: BTreeSet<&str> = crate::annotations::values::names(given.value).collect();
            let chosen: Vec<&str> = present.iter().copied().filter(|name| wanted.contains(name)).collect();
            let listed = present.join(", ");
            if chosen.is_empty() && !present.is_empty() {
                findings.refuse(format!("{} names no container of the pod: expected some of {listed}", given.shown()));
            }
            for missing in wanted.iter().filter(|wanted| !pod.every_container().any(|c| name(c) == Some(**wanted))) {
                findings.warn(format!(
                    "annotation {} names {missing}, which is not a container of the pod (yet): it has {listed}",
                    given.key
                ));
            }
            chosen
        }
    };
    let inits = pod.init_containers().filter_map(name).filter(|name| *name != CONTAINER);
    inits.chain(chosen).map(str::to_owned).collect()
}

/// Every file, without owner and default mode.
pub(super) fn files(notes: &Annotations<'_>, findings: &mut Findings) -> Files {
    let main = notes.parsed("secret-volume-path", directory).unwrap_or_else(|| MOUNT.to_owned());
    let names = names(notes, findings);
    let mut files = Files { default_mode: 0o644, ..Files::default() };
    let mut others = BTreeSet::new();
    let mut owners = Vec::new();
    let mut taken: BTreeMap<String, String> = BTreeMap::new();
    if notes.flag("agent-inject-token", false) {
        let path = format!("{main}/{TOKEN}");
        taken.insert(path.clone(), "agent-inject-token".to_owned());
        files.token = Some(path);
    }
    for secret in names {
        let mount = notes.text_of("secret-volume-path", secret).and_then(directory).unwrap_or_else(|| main.clone());
        let Some(destination) = destination(notes, secret, &mount, findings) else { continue };
        claim(&mut taken, &destination, secret, findings);
        if let Some(actions) = notes.text_of("agent-reload", secret).and_then(|value| reload_actions(value).ok()) {
            files.reload.insert(destination.clone(), actions);
        }
        files.templates.push(template(notes, secret, destination, findings));
        files.names.push(secret.to_owned());
        if mount != main {
            others.insert(mount.clone());
        }
        owners.push(mount);
    }
    files.mounts.push(main);
    files.mounts.extend(others);
    for ((template, secret), own) in files.templates.iter().zip(&files.names).zip(&owners) {
        let inner =
            files.mounts.iter().filter(|mount| below(&template.destination, mount)).max_by_key(|mount| mount.len());
        if let Some(inner) = inner.filter(|inner| *inner != own) {
            findings.refuse(format!(
                "secret {secret} has its file {} in the volume of {inner}, not in its own at {own}: \
                 choose another agent-inject-file-{secret}",
                template.destination
            ));
        }
    }
    files
}

impl Files {
    /// Whether any action needs to see the pod's processes.
    pub(super) fn sends_signals(&self) -> bool {
        self.reload.values().flatten().any(|action| matches!(action, ReloadAction::Signal { .. }))
    }

    /// Gives every file its mode and owner, now that it is known who writes and who reads.
    pub(super) fn own(
        &mut self,
        pod: &Pod<'_>,
        notes: &Annotations<'_>,
        identity: &Identity,
        readers: &[String],
        findings: &mut Findings,
    ) {
        self.default_mode = identity.default_mode(pod, readers);
        for (template, secret) in self.templates.iter_mut().zip(&self.names) {
            let wanted = notes.text_of("agent-inject-perms", secret).and_then(mode).unwrap_or(self.default_mode);
            template.perms = Some(format!("{wanted:04o}"));
            if let Some(given) = notes.member("agent-inject-user", secret) {
                identity.check_owner(given, findings);
                template.user = id(given.value).map(|id| id.to_string());
            }
            template.group = match notes.member("agent-inject-group", secret) {
                Some(given) => {
                    identity.check_group(pod, given, findings);
                    id(given.value).map(|id| id.to_string())
                }
                // Whether the volume hands its group down to new files is not left to chance.
                None => pod.context("fsGroup").filter(|_| wanted & GROUP_READS != 0).map(|group| group.to_string()),
            };
        }
    }
}

/// The secrets by name: a path or a template that is not blank defines one.
fn names<'a>(notes: &Annotations<'a>, findings: &mut Findings) -> BTreeSet<&'a str> {
    let mut names = BTreeSet::new();
    for family in ["agent-inject-secret", "agent-inject-template", "agent-inject-template-file"] {
        names.extend(notes.members(family).filter(|(_, given)| !given.value.trim().is_empty()).map(|(name, _)| name));
    }
    for (secret, given) in notes.of_secrets().filter(|(secret, _)| !names.contains(secret)) {
        findings.warn(format!(
            "annotation {} is ignored: no secret is named {secret}; define it with agent-inject-secret-{secret}",
            given.key
        ));
    }
    names
}

fn template(notes: &Annotations<'_>, secret: &str, destination: String, findings: &mut Findings) -> Template {
    let mut template = Template {
        destination,
        command: notes.text_of("agent-inject-command", secret).map(str::to_owned),
        error_on_missing_key: notes.text_of("error-on-missing-key", secret).is_some_and(is_true),
        ..Template::default()
    };
    if let Some(given) = notes.member("agent-inject-command", secret).filter(|given| !given.value.is_empty()) {
        findings.warn(format!(
            "annotation {} runs in the agent's container, whose image holds no shell and no other program unless you \
             chose another; agent-reload-{secret} needs none",
            given.key
        ));
    }
    let left = notes.text_of("agent-template-left-delim", secret);
    let right = notes.text_of("agent-template-right-delim", secret);
    if let Some(contents) = notes.text_of("agent-inject-template", secret) {
        template.contents = Some(contents.to_owned());
    } else if let Some(source) = notes.text_of("agent-inject-template-file", secret) {
        template.source = Some(source.to_owned());
    } else {
        template.contents = Some(default_template(notes, secret));
        if left.is_some() || right.is_some() {
            findings.warn(format!(
                "the delimiters of secret {secret} are ignored: it has no template of its own, and the default \
                 templates are written with {{{{ }}}}"
            ));
        }
    }
    let own = template.source.is_some() || notes.text_of("agent-inject-template", secret).is_some();
    template.left_delimiter = Some(left.filter(|_| own).unwrap_or("{{").to_owned());
    template.right_delimiter = Some(right.filter(|_| own).unwrap_or("}}").to_owned());
    template
}

fn default_template(notes: &Annotations<'_>, secret: &str) -> String {
    let path = notes.text_of("agent-inject-secret", secret).unwrap_or_default();
    if notes.text("agent-inject-default-template").is_some_and(|value| value.eq_ignore_ascii_case("json")) {
        format!("{{{{ with secret \"{path}\" }}}}{{{{ .Data | toJSON }}}}\n{{{{ end }}}}")
    } else {
        format!(
            "{{{{ with secret \"{path}\" }}}}{{{{ range $k, $v := .Data }}}}{{{{ $k }}}}: \
             {{{{ $v }}}}\n{{{{ end }}}}{{{{ end }}}}"
        )
    }
}

/// Where the file goes, or a problem when that is not below its volume.
fn destination(notes: &Annotations<'_>, secret: &str, mount: &str, findings: &mut Findings) -> Option<String> {
    let keep = notes
        .member("preserve-secret-case", secret)
        .map_or_else(|| notes.flag("preserve-secret-case", false), |given| is_true(given.value));
    let given = notes.member("agent-inject-file", secret).filter(|given| !given.value.is_empty());
    let file = match given {
        Some(given) => given.value.to_owned(),
        None if keep => secret.to_owned(),
        None => secret.to_lowercase(),
    };
    let mut parts: Vec<&str> = Vec::new();
    let mut outside = false;
    for part in file.split('/') {
        match part {
            "" | "." => {}
            ".." => outside |= parts.pop().is_none(),
            part => parts.push(part),
        }
    }
    // Names that begin with two dots are where a volume keeps its generations.
    let reserved = parts.first().is_none_or(|first| first.starts_with(".."));
    if outside || reserved || file.trim().is_empty() || file.ends_with('/') {
        let shown = given.map_or_else(|| format!("the name of secret {secret:?}"), |given| given.shown());
        findings.refuse(format!(
            "{shown} is not accepted: expected the path of a file below {mount} that does not begin with `..`"
        ));
        return None;
    }
    Some(format!("{mount}/{}", parts.join("/")))
}

/// Two secrets may not share a file, nor may a file be another one's directory. The first conflict is enough to know.
fn claim(taken: &mut BTreeMap<String, String>, destination: &str, secret: &str, findings: &mut Findings) {
    let same = taken.get_key_value(destination);
    let nested = || taken.iter().find(|(path, _)| below(path, destination) || below(destination, path));
    if let Some((path, owner)) = same {
        findings.refuse(format!(
            "secrets {owner} and {secret} have the same file {path}: rename one with agent-inject-file-{secret}"
        ));
    } else if let Some((path, owner)) = nested() {
        findings.refuse(format!(
            "the file {path} of {owner} and the file {destination} of {secret} need one name as \
             a file and as a directory"
        ));
    }
    taken.insert(destination.to_owned(), secret.to_owned());
}

fn below(path: &str, directory: &str) -> bool {
    path.strip_prefix(directory).is_some_and(|rest| rest.starts_with('/'))
}

fn is_true(value: &str) -> bool {
    crate::annotations::values::boolean(value) == Some(true)
}
