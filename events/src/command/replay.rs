//! `replay`: dead letters back into their lists. A letter is where it was or where it belongs, never at neither.

use crate::classify::Queue;
use crate::cli::Replay;
use crate::command::{Failure, groups, open, print};
use crate::config::{Compression, Config};
use crate::letter::Letter;
use crate::link::Link;
use crate::message;

/// Moves the head, if it is still the one that was looked at. A letter that stays goes to the end.
const MOVE: &str = r"
if redis.call('LINDEX', KEYS[1], 0) ~= ARGV[1] then return 0 end
redis.call('RPUSH', KEYS[2], ARGV[2])
redis.call('LPOP', KEYS[1])
return 1
";

pub(crate) async fn replay(arguments: &Replay) -> Result<(), Failure> {
    let config = Config::read(&arguments.config.file)?;
    let (mut moved, mut kept) = (0_u64, 0_u64);
    for group in groups(&config) {
        let mut link = open(&config, &group).await?;
        let dead = format!("{}:dead_letter", config.redis.prefix);
        let there: u64 = link.ask(redis::cmd("LLEN").arg(&dead)).await?;
        for _ in 0..there {
            if arguments.count.is_some_and(|most| moved >= most) {
                break;
            }
            match one(&config, &group, &mut link, &dead).await? {
                Some(true) => moved += 1,
                Some(false) => kept += 1,
                None => break,
            }
        }
    }
    print(format!("{moved} replayed, {kept} kept: they hold no event that could be pushed").as_bytes())
}

/// Whether the first letter was replayed or put behind the others; nothing when there is none.
async fn one(config: &Config, group: &str, link: &mut Link, dead: &str) -> Result<Option<bool>, Failure> {
    let head: Option<Vec<u8>> = link.ask(redis::cmd("LINDEX").arg(dead).arg(0)).await?;
    let Some(head) = head else { return Ok(None) };
    let letter: Option<Letter> = serde_json::from_slice(&head).ok();
    let event = letter.and_then(|letter| Some((Queue::named(letter.queue.as_deref()?)?, letter.event?)));
    let plan = event
        .as_ref()
        .and_then(|(queue, _)| config.queues().into_iter().find(|plan| plan.queue == *queue && plan.group == group));
    let (list, value) = match (&plan, &event) {
        (Some(plan), Some((_, event))) => {
            let json = event.get().as_bytes();
            let packed = config.publishing.compression == Compression::Zstd;
            (plan.list.as_str(), if packed { message::compress(json) } else { json.to_owned() })
        }
        _ => (dead, head.clone()),
    };
    let moved: bool = link.ask(redis::cmd("EVAL").arg(MOVE).arg(2).arg(dead).arg(list).arg(&head).arg(value)).await?;
    // Somebody else took it: the next one is looked at.
    Ok(Some(moved && plan.is_some()))
}
