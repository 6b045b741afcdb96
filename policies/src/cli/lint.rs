//! `blinkchamber-policies lint`

use std::fs;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use clap::Args;

use super::{Exit, Stopped, Streams, read_all, text};
use crate::lint::baseline::Baseline;
use crate::lint::config::{self, Config};
use crate::lint::output::{Format, Report};
use crate::lint::{self, Target};
use crate::output;
use crate::rules::Severity;

#[derive(Args)]
pub(super) struct Arguments {
    /// Policies, roles and manifests: files, directories of .hcl, .json, .yaml and .yml files, or - for standard input
    #[arg(value_name = "FILE|DIR|-", required = true)]
    files: Vec<String>,
    /// How findings are printed
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
    /// The least severity that makes the exit code 1: error, warning, info, style or never
    #[arg(long, value_name = "SEVERITY", value_parser = FailOn::parse)]
    fail_on: Option<FailOn>,
    /// Mounts known to be KV version 2
    #[arg(long, value_name = "MOUNT", value_delimiter = ',')]
    kv2: Vec<String>,
    /// Configuration; without it policies-lint.yaml of the working directory, if it is there
    #[arg(long, value_name = "FILE")]
    config: Option<String>,
    /// Which server the policies are for: openbao or vault
    #[arg(long, value_name = "SERVER", value_parser = target)]
    target: Option<Target>,
    /// Only these rules: codes, names, beginnings of codes, or ALL
    #[arg(long, value_name = "RULE", value_delimiter = ',')]
    select: Vec<String>,
    /// These rules, too
    #[arg(long, value_name = "RULE", value_delimiter = ',')]
    extend_select: Vec<String>,
    /// Not these rules
    #[arg(long, value_name = "RULE", value_delimiter = ',')]
    ignore: Vec<String>,
    /// Change files where no request is answered otherwise afterwards
    #[arg(long)]
    fix: bool,
    /// With --fix: also change what requests are answered
    #[arg(long, requires = "fix")]
    unsafe_fixes: bool,
    /// Speak only of what is not in this file
    #[arg(long, value_name = "FILE")]
    baseline: Option<String>,
    /// Write what is found into a baseline instead
    #[arg(long, value_name = "FILE", conflicts_with_all = ["baseline", "fix"])]
    write_baseline: Option<String>,
    /// Name of what comes from standard input
    #[arg(long, value_name = "NAME", default_value = "standard input")]
    stdin_filename: String,
    /// Print how often each rule was met instead of the findings
    #[arg(long)]
    statistics: bool,
}

#[derive(Clone, Copy, Eq, PartialEq)]
enum FailOn {
    Least(Severity),
    Never,
}

impl FailOn {
    fn parse(word: &str) -> Result<Self, String> {
        let least = Severity::ALL.into_iter().find(|severity| severity.word() == word).map(Self::Least);
        let never = (word == "never").then_some(Self::Never);
        least.or(never).ok_or_else(|| format!("{word:?} is none of error, warning, info, style, never"))
    }

    fn is_met(self, severity: Severity) -> bool {
        matches!(self, Self::Least(least) if severity <= least)
    }
}

fn target(word: &str) -> Result<Target, String> {
    match word {
        "openbao" => Ok(Target::Openbao),
        "vault" => Ok(Target::Vault),
        _ => Err("there are openbao and vault".to_owned()),
    }
}

pub(super) fn run(arguments: &Arguments, streams: &mut Streams<'_>) -> Result<Exit, Stopped> {
    let config = configuration(arguments)?;
    let fail_on = match (arguments.fail_on, &config.fail_on) {
        (Some(fail_on), _) => fail_on,
        (None, Some(word)) => FailOn::parse(word).map_err(Stopped::usage)?,
        (None, None) => FailOn::Least(Severity::Error),
    };
    let mut files = read(arguments, streams)?;
    if arguments.fix {
        mend(&mut files, &config, arguments.unsafe_fixes, streams)?;
    }
    let mut found = lint::check(&files, &config.options);
    if let Some(file) = &arguments.write_baseline {
        let text =
            serde_json::to_string_pretty(&Baseline::of(&found)).map_err(|error| Stopped::failure(error.to_string()))?;
        fs::write(file, text + "\n").map_err(|error| Stopped::failure(format!("{file}: {error}")))?;
        writeln!(streams.errors, "{file}: {} findings", found.len())?;
        return Ok(Exit::Success);
    }
    if let Some(file) = arguments.baseline.as_ref().or(config.baseline.as_ref()) {
        let text = fs::read_to_string(file).map_err(|error| Stopped::failure(format!("{file}: {error}")))?;
        let baseline = Baseline::parse(&text).map_err(|error| Stopped::usage(format!("{file}: {error}")))?;
        let (new, gone) = baseline.subtract(found);
        found = new;
        if gone > 0 {
            writeln!(streams.errors, "{file}: {gone} findings of it are gone; write it again with --write-baseline")?;
        }
    }
    let report = Report { files: &files, found: &found };
    if arguments.statistics {
        report.statistics(streams.output)?;
    } else {
        report.write(arguments.format, streams.output)?;
    }
    let failed = found.iter().any(|one| fail_on.is_met(one.finding.severity));
    Ok(if failed { Exit::Findings } else { Exit::Success })
}

fn configuration(arguments: &Arguments) -> Result<Config, Stopped> {
    let named = arguments.config.as_deref();
    let file = named.or_else(|| Path::new(config::DEFAULT_FILE).is_file().then_some(config::DEFAULT_FILE));
    let mut config = match file {
        Some(file) => {
            let text = fs::read_to_string(file).map_err(|error| Stopped::failure(format!("{file}: {error}")))?;
            config::parse(&text).map_err(|error| Stopped::usage(format!("{file}: {error}")))?
        }
        None => Config::default(),
    };
    let options = &mut config.options;
    let selectors = |words: &[String]| config::selectors(words).map_err(Stopped::usage);
    options.kv2.extend(arguments.kv2.iter().cloned());
    options.target = arguments.target.unwrap_or(options.target);
    if !arguments.select.is_empty() {
        options.selection.select = selectors(&arguments.select)?;
    }
    options.selection.extend.extend(selectors(&arguments.extend_select)?);
    options.selection.ignore.extend(selectors(&arguments.ignore)?);
    let elapsed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    options.now = i64::try_from(elapsed.as_secs()).unwrap_or(i64::MAX);
    Ok(config)
}

fn read(arguments: &Arguments, streams: &mut Streams<'_>) -> Result<Vec<(String, String)>, Stopped> {
    let files = read_all(&arguments.files, &["hcl", "json", "yaml", "yml"], streams.input)?;
    if files.is_empty() {
        let names = arguments.files.join(", ");
        return Err(Stopped::usage(format!("no .hcl, .json, .yaml or .yml file in {names}")));
    }
    let mut texts = Vec::new();
    for (name, bytes) in files {
        let name = if name == "standard input" { arguments.stdin_filename.clone() } else { name };
        let text = text(&name, bytes)?;
        if lint::is_passed_over(&name, &text) && arguments.files.contains(&name) && !name.ends_with("index.json") {
            writeln!(streams.errors, "note: {name} is neither a policy, a role, a connection nor a manifest")?;
        }
        match output::parts(&text) {
            Some(parts) => texts.extend(parts),
            None => texts.push((name, text)),
        }
    }
    Ok(texts)
}

/// Changes files on disk; what came from standard input has no place to be changed in.
fn mend(
    files: &mut [(String, String)],
    config: &Config,
    unsafe_too: bool,
    streams: &mut Streams<'_>,
) -> Result<(), Stopped> {
    for (file, text, made) in lint::fix(files, &config.options, unsafe_too) {
        if !Path::new(&file).is_file() {
            return Err(Stopped::usage(format!("{file}: --fix changes files; name them")));
        }
        fs::write(&file, &text).map_err(|error| Stopped::failure(format!("{file}: {error}")))?;
        writeln!(streams.errors, "{file}: {made} changes")?;
        if let Some((_, old)) = files.iter_mut().find(|(name, _)| *name == file) {
            *old = text;
        }
    }
    Ok(())
}
