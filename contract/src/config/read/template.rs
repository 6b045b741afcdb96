//! `template`: one file, and what follows its change.

use crate::annotations::values::mode;
use crate::config::reader::Block;
use crate::config::{ReadError, ReloadAction, Template};

const KNOWN: [&str; 21] = [
    "backup",
    "command",
    "command_timeout",
    "contents",
    "create_dest_dirs",
    "destination",
    "error_fatal",
    "error_on_missing_key",
    "exec",
    "function_blacklist",
    "function_denylist",
    "gid",
    "group",
    "left_delimiter",
    "perms",
    "right_delimiter",
    "sandbox_path",
    "source",
    "uid",
    "user",
    "wait",
];

/// Restrictions that somebody relies on.
const RESTRICTIONS: [&str; 3] = ["function_blacklist", "function_denylist", "sandbox_path"];

/// A template, and the program to run after it changed where that needs no shell.
pub(super) fn read(
    block: &Block<'_>,
    warnings: &mut Vec<String>,
) -> Result<(Template, Option<ReloadAction>), ReadError> {
    block.only(&KNOWN)?;
    for key in block.keys() {
        if RESTRICTIONS.contains(&key.text.as_str()) {
            return Err(block.error_at(key, "restricting templates is not supported yet: take it out"));
        }
        if matches!(key.text.as_str(), "command_timeout" | "wait") {
            warnings.push(block.warning_at(key, "has no effect: the agent waits and limits by itself"));
        }
    }
    if block.flag("backup")? == Some(true) {
        warnings.push(block.warning("backup", "has no effect: no second copy of a secret is kept"));
    }
    let (command, action) = command(block, warnings)?;
    let template = Template {
        destination: block
            .text("destination")?
            .filter(|path| !path.is_empty())
            .ok_or_else(|| block.error("destination", "is missing: expected the path of the file"))?,
        contents: block.text("contents")?,
        left_delimiter: block.text("left_delimiter")?,
        right_delimiter: block.text("right_delimiter")?,
        command,
        source: block.text("source")?,
        perms: perms(block)?,
        error_on_missing_key: block.flag("error_on_missing_key")?.unwrap_or_default(),
        create_dest_dirs: block.flag("create_dest_dirs")?,
        user: either(block, "user", "uid")?,
        group: either(block, "group", "gid")?,
    };
    if template.contents.is_some() == template.source.is_some() {
        return Err(block.error("contents", "exactly one of contents and source is expected"));
    }
    Ok((template, action))
}

/// One of our own actions: `{ signal = { ... } }`, `{ command = { ... } }` or `{ http = { ... } }`.
pub(super) fn action(block: &Block<'_>) -> Result<ReloadAction, ReadError> {
    block.only(&["command", "http", "signal"])?;
    let needed =
        |block: &Block<'_>, key: &str| block.text(key)?.ok_or_else(|| block.error(key, "is missing: expected a text"));
    if let Some(signal) = block.one("signal")? {
        signal.only(&["process", "signal"])?;
        return Ok(ReloadAction::Signal { signal: needed(&signal, "signal")?, process: needed(&signal, "process")? });
    }
    if let Some(http) = block.one("http")? {
        http.only(&["method", "url"])?;
        return Ok(ReloadAction::Http { method: needed(&http, "method")?, url: needed(&http, "url")? });
    }
    match block.one("command")? {
        Some(command) => {
            command.only(&["argv"])?;
            let argv = command.texts("argv")?;
            if argv.is_empty() {
                return Err(command.error("argv", "is missing: expected a program and its arguments"));
            }
            Ok(ReloadAction::Command { argv })
        }
        None => Err(block.error("reload", "an action is expected: signal, command or http")),
    }
}

/// `command` or `exec`: one text may need a shell, a list never does.
fn command(block: &Block<'_>, warnings: &mut Vec<String>) -> Result<(Option<String>, Option<ReloadAction>), ReadError> {
    let exec = block.one("exec")?;
    if let Some(exec) = &exec {
        exec.only(&["command", "enabled", "env", "kill_signal", "kill_timeout", "reload_signal", "splay", "timeout"])?;
        for key in exec.keys().filter(|key| !matches!(key.text.as_str(), "command" | "enabled")) {
            warnings.push(exec.warning_at(key, "has no effect"));
        }
        if exec.flag("enabled")? == Some(false) {
            return Ok((None, None));
        }
        if block.has("command") {
            return Err(block.error("command", "one of command and exec is expected, not both"));
        }
    }
    let argv = exec.as_ref().unwrap_or(block).texts("command")?;
    Ok(match argv.as_slice() {
        [] => (None, None),
        [line] => (Some(line.clone()).filter(|line| !line.is_empty()), None),
        _ => (None, Some(ReloadAction::Command { argv })),
    })
}

fn perms(block: &Block<'_>) -> Result<Option<String>, ReadError> {
    let perms = block.text("perms")?.filter(|perms| !perms.is_empty());
    match perms {
        Some(perms) if mode(&perms).is_none() => {
            Err(block.error("perms", &format!("{perms:?} is not a file mode: expected octal digits up to 0777")))
        }
        perms => Ok(perms),
    }
}

fn either(block: &Block<'_>, name: &str, alias: &str) -> Result<Option<String>, ReadError> {
    Ok(block.text(name)?.or(block.text(alias)?).filter(|value| !value.is_empty()))
}
