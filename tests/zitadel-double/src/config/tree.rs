//! A merged configuration, asked by dotted keys.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::error::Error;

/// Looks a variable of the environment up.
type Environment<'a> = Box<dyn Fn(&str) -> Option<String> + 'a>;

/// Keys in lower case, dots between levels, leaves only.
#[derive(Default)]
pub(super) struct Tree<'a> {
    leaves: BTreeMap<String, Value>,
    environment: Option<Environment<'a>>,
}

impl<'a> Tree<'a> {
    pub(super) fn merge_file(&mut self, file: &Path) -> Result<(), Error> {
        let text = fs::read_to_string(file)
            .map_err(|source| Error::Io { what: format!("read {}", file.display()), source })?;
        self.merge_text(&text).map_err(|reason| Error::Yaml { file: file.to_owned(), reason })
    }

    pub(super) fn merge_text(&mut self, text: &str) -> Result<(), String> {
        // The parser's own message quotes the line, which may hold a password.
        let value: Value = serde_saphyr::from_str(text).map_err(|error| {
            error.location().map_or_else(|| "malformed".to_owned(), |at| format!("malformed at line {}", at.line()))
        })?;
        self.merge("", value)
    }

    pub(super) fn with_environment(mut self, environment: impl Fn(&str) -> Option<String> + 'a) -> Self {
        self.environment = Some(Box::new(environment));
        self
    }

    fn merge(&mut self, prefix: &str, value: Value) -> Result<(), String> {
        match value {
            Value::Object(members) => members.into_iter().try_for_each(|(key, value)| {
                let key = key.to_lowercase();
                self.merge(&if prefix.is_empty() { key } else { format!("{prefix}.{key}") }, value)
            }),
            Value::Null => Ok(()),
            _ if prefix.is_empty() => Err("the document is not a mapping".into()),
            leaf => {
                self.leaves.insert(prefix.to_owned(), leaf);
                Ok(())
            }
        }
    }

    fn find(&self, key: &str) -> Option<Value> {
        let variable = format!("ZITADEL_{}", key.to_uppercase().replace('.', "_"));
        let given = self.environment.as_ref().and_then(|environment| environment(&variable));
        given.map(Value::String).or_else(|| self.leaves.get(&key.to_lowercase()).cloned())
    }

    pub(super) fn text(&self, key: &str) -> Result<Option<String>, Error> {
        match self.find(key) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(Value::Number(number)) => Ok(Some(number.to_string())),
            Some(_) => Err(wrong(key, "a text is wanted")),
        }
    }

    pub(super) fn required(&self, key: &str) -> Result<String, Error> {
        self.text(key)?.filter(|text| !text.is_empty()).ok_or_else(|| wrong(key, "missing"))
    }

    pub(super) fn number(&self, key: &str) -> Result<Option<u16>, Error> {
        let parse = |text: String| text.parse().map_err(|_| wrong(key, "a number from 0 to 65535 is wanted"));
        self.text(key)?.map(parse).transpose()
    }

    pub(super) fn flag(&self, key: &str) -> Result<Option<bool>, Error> {
        match self.find(key) {
            None => Ok(None),
            Some(Value::Bool(flag)) => Ok(Some(flag)),
            Some(Value::String(text)) if text == "true" => Ok(Some(true)),
            Some(Value::String(text)) if text == "false" => Ok(Some(false)),
            Some(_) => Err(wrong(key, "true or false is wanted")),
        }
    }
}

fn wrong(key: &str, reason: &str) -> Error {
    Error::Key { key: key.to_owned(), reason: reason.to_owned() }
}
