//! The events of a batch as Redis remembers them: the latest moment in digits, a colon, and for each event moment and mark
//! in eight bytes each.

use crate::event::Moment;
use crate::pending::Item;

pub(super) fn write<'a>(items: impl Iterator<Item = &'a Item> + Clone) -> Vec<u8> {
    let latest = items.clone().map(|item| item.created_at.0).max().unwrap_or_default().max(0);
    let mut blob = format!("{latest}:").into_bytes();
    for item in items {
        blob.extend(item.created_at.0.to_be_bytes());
        blob.extend(item.mark.to_be_bytes());
    }
    blob
}

pub(super) fn read(blob: &[u8]) -> impl Iterator<Item = (Moment, u64)> {
    let (entries, _) = blob.splitn(2, |byte| *byte == b':').nth(1).unwrap_or_default().as_chunks::<16>();
    entries.iter().map(|entry| {
        let whole = u128::from_be_bytes(*entry);
        #[expect(clippy::cast_possible_truncation, reason = "the two halves of it")]
        let (moment, mark) = ((whole >> 64) as u64, whole as u64);
        (Moment(moment.cast_signed()), mark)
    })
}
