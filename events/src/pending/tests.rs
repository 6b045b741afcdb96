use super::*;

const SECOND: Duration = Duration::from_secs(1);

fn item(created_at: i64, since: Instant) -> Item {
    Item { bytes: vec![b'{'], created_at: Moment(created_at), mark: 0, name: String::new(), since }
}

#[test]
fn a_batch_is_due_when_it_is_full_or_old() {
    let start = Instant::now();
    let mut lane = Lane::new(2, SECOND);
    assert_eq!(lane.due(), None);
    lane.push(item(1, start));
    assert_eq!(lane.due(), Some(start + SECOND));
    lane.push(item(2, start + SECOND / 2));
    assert_eq!(lane.due(), Some(start));
    lane.block(start + 3 * SECOND);
    assert_eq!(lane.due(), Some(start + 3 * SECOND));
    assert_eq!(lane.sent().count(), 2);
    lane.push(item(3, start));
    assert_eq!(lane.due(), Some(start + SECOND), "a batch that was sent frees the list");
}

#[test]
fn the_oldest_is_found_in_any_order() {
    let start = Instant::now();
    let mut lane = Lane::new(1, SECOND);
    [5, 3, 9].into_iter().for_each(|moment| lane.push(item(moment, start)));
    assert_eq!((lane.oldest(), lane.oldest_after_batch()), (Some(Moment(3)), Some(Moment(3))));
    assert_eq!(lane.batch().map(|item| item.created_at.0).collect::<Vec<_>>(), [5]);
    drop(lane.sent());
    assert_eq!((lane.oldest(), lane.oldest_after_batch(), lane.len()), (Some(Moment(3)), Some(Moment(9)), 2));
}
