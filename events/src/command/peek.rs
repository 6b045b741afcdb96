//! `peek`: what is at the head of a list.

use crate::cli::{List, Peek};
use crate::command::{Failure, groups, open, print};
use crate::config::Config;
use crate::message;

pub(crate) async fn peek(arguments: &Peek) -> Result<(), Failure> {
    let config = Config::read(&arguments.config.file)?;
    let lists: Vec<(String, String)> = match arguments.queue {
        List::DeadLetter => {
            groups(&config).into_iter().map(|group| (group, format!("{}:dead_letter", config.redis.prefix))).collect()
        }
        List::Queue(queue) => {
            config.queues().into_iter().filter(|plan| plan.queue == queue).map(|plan| (plan.group, plan.list)).collect()
        }
    };
    for (group, list) in lists {
        let mut link = open(&config, &group).await?;
        let last = i64::from(arguments.count) - 1;
        let entries: Vec<Vec<u8>> = link.ask(redis::cmd("LRANGE").arg(&list).arg(0).arg(last)).await?;
        // `LRANGE 0 -1` is everything.
        for entry in entries.iter().take(arguments.count as usize) {
            match message::read(entry) {
                Ok(json) => print(&json)?,
                Err(error) => print(format!("not a message: {error}").as_bytes())?,
            }
        }
    }
    Ok(())
}
