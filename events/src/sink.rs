//! The lists of one Redis group, and beside them, in the same group, the state of reading.
//!
//! One script a batch pushes and stores the state, so lists and state are always of the same moment: also after a replica
//! without the last writes was promoted. The state holds
//! * the *fence*, which every claim replaces: whoever does not know it can write nothing, so of two bridges that both
//!   believe to lead only the one that claimed last writes;
//! * the number of the last batch, by which a state that went back is noticed;
//! * the settled moment, and the events after it that are in the lists (`recent`).

mod recent;

#[cfg(test)]
mod tests;

use redis::{Cmd, FromRedisValue, Value};

use crate::config::{self, WhenFull};
use crate::event::{Moment, mark_of};
use crate::link::{Error, Link, Trouble};
use crate::pending::Item;

/// Gives fence, batch, settled moment and recent events, and makes all earlier fences void. It writes both keys, so that
/// a missing right or a key of another type shows before anything is pushed.
const CLAIM: &str = r"
local last = redis.call('HMGET', KEYS[1], 'fence', 'batch', 'settled')
local number = tonumber(string.match(last[1] or '', '^%d+')) or 0
local fence = string.format('%d-%s', number + 1, ARGV[1])
local recent = redis.call('LRANGE', KEYS[2], 0, -1)
redis.call('HSET', KEYS[1], 'fence', fence, 'batch', last[2] or '0')
return {fence, last[2] or '0', last[3] or '', recent}
";

/// Values follow after eight arguments; without any, only the state is stored.
const PUSH: &str = r"
local held = redis.call('HMGET', KEYS[1], 'fence', 'batch')
if held[1] ~= ARGV[1] then return {'FENCED', held[1] or 'nobody'} end
if tonumber(held[2]) + 1 ~= tonumber(ARGV[2]) then return {'BEHIND', held[2]} end
local length, trimmed = 0, 0
if #ARGV > 8 then
  length = redis.pcall('LLEN', KEYS[3])
  if type(length) == 'table' then return {'REFUSED', length.err} end
  local limit = tonumber(ARGV[7])
  if ARGV[8] == 'wait' and length + #ARGV - 8 > limit then return {'FULL', length} end
  local pushed = redis.pcall('RPUSH', KEYS[3], unpack(ARGV, 9))
  if type(pushed) == 'table' then return {'REFUSED', pushed.err} end
  if pushed > limit then
    redis.call('LTRIM', KEYS[3], -limit, -1)
    trimmed = pushed - limit
  end
  length = pushed - trimmed
  redis.call('RPUSH', KEYS[2], ARGV[6])
end
redis.call('HSET', KEYS[1], 'batch', ARGV[2], 'settled', ARGV[3], 'cursor', ARGV[4], 'saved_at', ARGV[5])
local settled = tonumber(ARGV[3])
while true do
  local head = redis.call('LINDEX', KEYS[2], 0)
  if not head or tonumber(string.match(head, '^(%d+):')) > settled then break end
  redis.call('LPOP', KEYS[2])
end
return {'PUSHED', length, trimmed}
";

/// One group's lists.
pub(crate) struct Sink {
    settings: config::Redis,
    group: config::Group,
    identity: String,
    link: Option<Link>,
    fence: String,
    batch: u64,
}

/// What a claim found.
pub(crate) struct Claimed {
    pub(crate) fence: String,
    /// None when nothing was ever stored.
    pub(crate) settled: Option<Moment>,
    pub(crate) recent: Vec<(Moment, u64)>,
}

/// A list and its limit.
#[derive(Clone, Copy)]
pub(crate) struct Target<'a> {
    pub(crate) list: &'a str,
    pub(crate) limit: usize,
    pub(crate) when_full: WhenFull,
}

/// What became of a batch.
#[derive(Debug, Eq, PartialEq)]
pub(crate) enum Outcome {
    Pushed {
        length: u64,
        trimmed: u64,
    },
    /// Nothing was pushed: the list is too long.
    Full {
        length: u64,
    },
    /// Nothing was pushed: the key is no list.
    Refused(Trouble),
    /// Another bridge claimed.
    Fenced(String),
    /// The state is not the one that was stored last: the group has lost its last writes.
    Behind,
}

impl Sink {
    pub(crate) fn new(settings: &config::Redis, group: &config::Group, identity: &str) -> Self {
        let (settings, group) = (settings.clone(), group.clone());
        Self { settings, group, identity: identity.to_owned(), link: None, fence: String::new(), batch: 0 }
    }

    /// Becomes the only one whose batches are taken.
    ///
    /// # Errors
    /// [`Error`].
    pub(crate) async fn claim(&mut self) -> Result<Claimed, Error> {
        let nonce = format!("{:016x}", mark_of(&[&self.identity, &fastrand::u64(..).to_string()]));
        let [state, recent] = [self.key("state"), self.key("recent")];
        let (fence, batch, settled, blobs): (String, u64, String, Vec<Vec<u8>>) =
            self.ask(redis::cmd("EVAL").arg(CLAIM).arg(2).arg(&state).arg(&recent).arg(nonce)).await?;
        self.fence.clone_from(&fence);
        self.batch = batch;
        let settled = settled.parse().ok().map(Moment);
        Ok(Claimed { fence, settled, recent: blobs.iter().flat_map(|blob| recent::read(blob)).collect() })
    }

    /// Pushes a batch and stores the state; with no items only the latter.
    ///
    /// # Errors
    /// [`Error`]: the batch may have been pushed or not, which the next claim tells.
    pub(crate) async fn push<'a>(
        &mut self,
        target: Target<'_>,
        items: impl Iterator<Item = &'a Item> + Clone,
        settled: Moment,
    ) -> Result<Outcome, Error> {
        let cursor = items.clone().last().map_or_else(String::new, |item| format!("{} {}", item.created_at, item.name));
        let mut command = redis::cmd("EVAL");
        command.arg(PUSH).arg(3).arg(self.key("state")).arg(self.key("recent")).arg(target.list);
        command.arg(&self.fence).arg(self.batch + 1).arg(settled.0).arg(cursor).arg(Moment::now().to_string());
        command.arg(recent::write(items.clone())).arg(target.limit);
        command.arg(match target.when_full {
            WhenFull::Wait => "wait",
            WhenFull::Trim => "trim",
        });
        for item in items {
            command.arg(&item.bytes);
        }
        let outcome = self.ask::<Outcome>(&command).await?;
        // Only a key of another type is this list's own matter; what else there is concerns the whole server.
        if let Outcome::Refused(trouble) = &outcome
            && !matches!(trouble, Trouble::WrongType(_))
        {
            let address = self.link.take().map(|link| link.address().to_owned()).unwrap_or_default();
            return Err(Error::Command { address, trouble: trouble.clone() });
        }
        if matches!(outcome, Outcome::Pushed { .. }) {
            self.batch += 1;
        }
        Ok(outcome)
    }

    /// How long lists are.
    ///
    /// # Errors
    /// [`Error`].
    pub(crate) async fn length(&mut self, list: &str) -> Result<u64, Error> {
        self.ask(redis::cmd("LLEN").arg(list)).await
    }

    pub(crate) fn key(&self, name: &str) -> String {
        format!("{}:{name}", self.settings.prefix)
    }

    /// Over the connection that there is, or a new one. One that failed is not used again.
    async fn ask<T: FromRedisValue>(&mut self, command: &Cmd) -> Result<T, Error> {
        let mut link = match self.link.take() {
            Some(link) => link,
            None => {
                let link = Link::open(&self.settings, &self.group).await?;
                tracing::info!(address = link.address(), "connected to Redis");
                link
            }
        };
        let answer = link.ask(command).await?;
        self.link = Some(link);
        Ok(answer)
    }
}

impl FromRedisValue for Outcome {
    fn from_redis_value(value: Value) -> Result<Self, redis::ParsingError> {
        let parts = Vec::<Value>::from_redis_value(value)?;
        let mut parts = parts.into_iter();
        let word: String = next(&mut parts)?;
        Ok(match word.as_str() {
            "PUSHED" => Self::Pushed { length: next(&mut parts)?, trimmed: next(&mut parts)? },
            "FULL" => Self::Full { length: next(&mut parts)? },
            "REFUSED" => Self::Refused(Trouble::named(&next::<String>(&mut parts)?)),
            "FENCED" => Self::Fenced(next(&mut parts)?),
            "BEHIND" => Self::Behind,
            other => return Err(format!("the script answers {other:?}").into()),
        })
    }
}

fn next<T: FromRedisValue>(parts: &mut impl Iterator<Item = Value>) -> Result<T, redis::ParsingError> {
    T::from_redis_value(parts.next().unwrap_or(Value::Nil))
}
