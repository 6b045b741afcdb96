//! A client of OpenBao that writes at a fixed rate and afterwards looks for every acknowledged write.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::json;

use super::Operator;
use crate::load::{Load, Seen};

/// For everything that is sure to come: a busy machine, and an election after it.
pub const LIMIT: Duration = Duration::from_secs(180);

/// A client that writes a secret of its own 50 times a second.
pub struct Writer {
    folder: String,
    load: Load,
}

impl Writer {
    /// Begins to write, and waits for the first successes.
    #[track_caller]
    pub fn start() -> Self {
        let folder = format!("test-load-{}", fastrand::u32(..));
        let (operator, below) = (Operator::login(), folder.clone());
        let act = move |number: i64, seen: &mut Seen| {
            let path = format!("secret/data/{below}/{number}");
            match operator.try_request("POST", &path, Some(&json!({"data": {"number": number}})))? {
                (200..=299, _) => {
                    seen.acknowledged.push(number);
                    Ok(())
                }
                (status, _) => Err(status.to_string()),
            }
        };
        Self { folder, load: Load::start(Duration::from_millis(20), LIMIT, act) }
    }

    /// Waits for writes that are acknowledged from now on.
    #[track_caller]
    pub fn goes_on(&self, what: &str) {
        self.load.goes_on(what);
    }

    /// Ends it, says what it saw, and proves that everything acknowledged is there.
    #[track_caller]
    pub fn finish(self, what: &str) -> Seen {
        let seen = self.load.end();
        let operator = Operator::login();
        let (status, answer) = operator.request("LIST", &format!("secret/metadata/{}", self.folder), None);
        assert_eq!(status, 200, "{answer}");
        let keys = answer["data"]["keys"].as_array().expect("keys");
        let there: BTreeSet<i64> = keys.iter().filter_map(|key| key.as_str()?.parse().ok()).collect();
        let lost: Vec<_> = seen.acknowledged.iter().filter(|number| !there.contains(number)).collect();
        assert!(lost.is_empty(), "{what}: acknowledged and lost: {lost:?}");
        println!("{what}: {} writes acknowledged, none lost, {}", seen.acknowledged.len(), seen.troubles());
        seen
    }
}
