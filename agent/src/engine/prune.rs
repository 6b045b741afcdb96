//! Removes files that were written for templates which are gone.

use std::{collections::BTreeSet, path::PathBuf};

use super::Engine;

/// The template function whose files are known only after the template was executed.
const WRITES_FILES: &str = "writeToFile";

impl Engine {
    /// Removes what the agent wrote and nothing asks for any more, once after each start and each configuration.
    pub(super) fn prune(&mut self) {
        let is_known = |unit: &super::Unit| unit.writes.is_some() || !unit.settings.text.contains(WRITES_FILES);
        if !self.prune_due || !self.units.iter().all(is_known) {
            return;
        }
        self.prune_due = false;
        let sinks = self.settings.sinks.iter().map(|sink| &sink.destination);
        let files = self.units.iter().map(|unit| &unit.settings.file.destination);
        let writes = self.units.iter().filter_map(|unit| unit.writes.as_ref()).flatten();
        let wanted: BTreeSet<PathBuf> = sinks.chain(files).chain(writes).cloned().collect();
        let stale = self.ledger.unwanted(&wanted);
        if stale.is_empty() {
            return;
        }
        let removed = match self.store.remove(&stale, &|path, bytes| self.ledger.is_ours(path, bytes)) {
            Ok(removed) => removed,
            Err(error) => {
                tracing::error!(%error, "files that no template names any more cannot be removed");
                error.changed().to_vec()
            }
        };
        for path in &removed {
            tracing::info!(path = %path.display(), "removed: no template names it any more");
        }
        for path in stale {
            self.ledger.forget(&path);
        }
        self.save_ledger();
    }

    pub(super) fn save_ledger(&mut self) {
        if let Err(error) = self.ledger.save() {
            tracing::warn!(%error, "what was written cannot be noted: after a restart actions may run once more");
        }
    }
}
