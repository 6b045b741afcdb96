//! Goes on with certificates that an earlier run of the agent put into its files: a restart issues none anew.

use std::{collections::BTreeSet, fs, sync::Arc};

use blinkchamber_templates::{Answer, Dependency};
use tokio::time::Instant;

use super::{Engine, agenda::Id, certificate, unit::Execution};

impl Engine {
    /// Looks at what the first pass misses, `now` in seconds since 1970; true when something of it was found.
    ///
    /// A certificate is taken over when the files of all templates that use it come out as they are. Names are compared,
    /// but not which role issued it: so this is done when the agent starts, not when its configuration changed.
    pub(super) fn take_over(&mut self, now: u64) -> bool {
        if !std::mem::take(&mut self.takes_over) {
            return false;
        }
        let candidates: Vec<Id> =
            self.slots.iter().filter(|(_, slot)| slot.is_certificate()).map(|(id, _)| *id).collect();
        let mut found = false;
        for id in candidates {
            found |= self.take_over_one(id, now).is_some();
        }
        found
    }

    fn take_over_one(&mut self, id: Id, now: u64) -> Option<()> {
        let slot = self.slots.get(&id)?;
        let Dependency::PkiCert { data, path } = &slot.dependency else { return None };
        let users = slot.users.clone();
        let found = certificate::find(&self.texts(id, &users)?, data, now)?;
        let rest = slot.rest_of(found.life, found.age)?;
        let (left, path) = (found.life.saturating_sub(found.age), path.clone());
        let is_whole = !found.ca.is_empty();
        let answer = Answer::Certificate { cert: found.cert, key: found.key, ca: found.ca };
        let dependency = slot.dependency.clone();
        self.snapshot.answers.insert(dependency.clone(), Arc::new(answer));
        if !users.iter().all(|unit| self.comes_out_as_it_is(*unit, is_whole)) {
            self.snapshot.answers.remove(&dependency);
            return None;
        }
        let slot = self.slots.get_mut(&id)?;
        let due = slot.taken_over(Instant::now(), left, rest);
        self.agenda.put(id, due);
        for unit in users {
            if let Some(unit) = self.units.get_mut(unit) {
                unit.dirty = true;
            }
        }
        tracing::info!(path, left_seconds = left.as_secs(), "the certificate in place is still good");
        Some(())
    }

    /// The files of these templates; none when one of them uses a second certificate, since whose is whose is not known.
    fn texts(&self, id: Id, users: &BTreeSet<usize>) -> Option<Vec<String>> {
        let is_another = |other: &Id| *other != id && self.slots.get(other).is_some_and(|slot| slot.is_certificate());
        let mut texts = Vec::new();
        for unit in users {
            let unit = self.units.get(*unit).filter(|unit| !unit.used.iter().any(is_another))?;
            texts.push(fs::read_to_string(&unit.settings.file.destination).ok()?);
        }
        Some(texts)
    }

    /// Whether rendering writes what is there. A template that waits for something else too is believed when nothing of
    /// the certificate is missing.
    fn comes_out_as_it_is(&self, unit: usize, is_whole: bool) -> bool {
        let Some(unit) = self.units.get(unit) else { return false };
        match unit.execute(&self.snapshot) {
            Execution::Complete { output, writes, .. } => {
                let is_there =
                    |path: &std::path::Path, wanted: &[u8]| fs::read(path).is_ok_and(|bytes| bytes == wanted);
                let mut writes = writes.iter().filter(|write| !write.append);
                is_there(&unit.settings.file.destination, &output)
                    && writes.all(|write| is_there(write.path.as_ref(), &write.content))
            }
            Execution::Incomplete(_) => is_whole,
            Execution::Failed(_) => false,
        }
    }
}
