//! One template: compiled once, rendered when something it looks at changed.

use std::{collections::BTreeSet, path::PathBuf};

use blinkchamber_templates::{Dependency, FileWrite, Options, Rendered, Snapshot, Template};

use super::agenda::Id;
use crate::settings::TemplateSettings;

/// One template and what became of it.
pub(super) struct Unit {
    pub(super) settings: TemplateSettings,
    compiled: Result<Template, String>,
    /// Dependencies that the last execution looked at.
    pub(super) used: BTreeSet<Id>,
    pub(super) dirty: bool,
    /// When its file was put in place last, in seconds since 1970.
    pub(super) in_place: Option<u64>,
    /// Files that the last execution wrote by the way (`writeToFile`); `None` before the first.
    pub(super) writes: Option<BTreeSet<PathBuf>>,
    /// What is wrong with the template or its file.
    pub(super) error: Option<String>,
}

/// What one execution gave.
pub(super) enum Execution {
    /// Bytes for the file.
    Complete { output: Vec<u8>, writes: Vec<FileWrite>, used: BTreeSet<Dependency> },
    /// It cannot be rendered, whatever is fetched.
    Failed(String),
    /// Something must be fetched first.
    Incomplete(BTreeSet<Dependency>),
}

impl Unit {
    pub(super) fn new(settings: TemplateSettings) -> Self {
        let mut options = Options::default();
        let (left, right) = &settings.delimiters;
        options.left_delimiter.clone_from(left);
        options.right_delimiter.clone_from(right);
        options.missing_key_error = settings.error_on_missing_key;
        let compiled = Template::compile(&settings.text, &options).map_err(|error| error.to_string());
        if let Err(error) = &compiled {
            tracing::error!(destination = %settings.file.destination.display(), %error, "the template cannot be compiled");
        }
        let error = compiled.as_ref().err().cloned();
        Self { settings, compiled, used: BTreeSet::new(), dirty: true, in_place: None, writes: None, error }
    }

    pub(super) fn execute(&self, snapshot: &Snapshot) -> Execution {
        let template = match &self.compiled {
            Ok(template) => template,
            Err(error) => return Execution::Failed(error.clone()),
        };
        match template.render(snapshot) {
            Ok(Rendered::Complete { output, used, writes, .. }) => Execution::Complete { output, writes, used },
            Ok(Rendered::Incomplete { used, .. }) => Execution::Incomplete(used),
            // The enum may grow in its own crate before the agent learns of it.
            Ok(_) => Execution::Failed("the template gave an unknown kind of result".to_owned()),
            Err(error) => Execution::Failed(error.to_string()),
        }
    }

    /// For messages.
    pub(super) fn destination(&self) -> String {
        self.settings.file.destination.display().to_string()
    }
}
