//! A lock in the first Redis group.

use crate::config::{self, Config};
use crate::link::Link;

const HOLD: &str = r"
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
";

const RELEASE: &str = r"
if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end
return 1
";

pub(super) struct Lock {
    settings: config::Redis,
    term: u128,
    identity: String,
    link: Option<Link>,
}

impl Lock {
    pub(super) fn new(config: &Config, identity: &str) -> Self {
        let term = config.election.term.0.as_millis();
        Self { settings: config.redis.clone(), term, identity: identity.to_owned(), link: None }
    }

    pub(super) async fn hold(&mut self) -> Result<bool, String> {
        self.run(HOLD).await
    }

    pub(super) async fn release(&mut self) -> Result<(), String> {
        self.run(RELEASE).await.map(drop)
    }

    async fn run(&mut self, script: &str) -> Result<bool, String> {
        let group = self.settings.groups.values().next().ok_or("there is no group")?;
        let mut link = match self.link.take() {
            Some(link) => link,
            None => Link::open(&self.settings, group).await.map_err(|error| error.to_string())?,
        };
        let mut command = redis::cmd("EVAL");
        command.arg(script).arg(1).arg(format!("{}:lock", self.settings.prefix)).arg(&self.identity);
        command.arg(self.term.to_string());
        let answer = link.ask(&command).await.map_err(|error| error.to_string())?;
        self.link = Some(link);
        Ok(answer)
    }
}
