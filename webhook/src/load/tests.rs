use super::*;

const ONE: [u8; 4] = [10, 0, 0, 1];
const OTHER: [u8; 4] = [10, 0, 0, 2];

fn load(most: Most) -> Arc<Load> {
    Load::new(most, Arc::new(Metrics::new()))
}

#[test]
fn connections_are_counted_in_all_and_by_address() {
    let load = load(Most { connections: 3, connections_of_one: 2, ..Most::default() });
    let first = load.connect(ONE.into()).ok().unwrap();
    let _second = load.connect(ONE.into()).ok().unwrap();
    assert_eq!(load.connect(ONE.into()).err(), Some("too many connections of this address"));
    let mapped: IpAddr = "::ffff:10.0.0.1".parse().unwrap();
    assert_eq!(load.connect(mapped).err(), Some("too many connections of this address"));
    let third = load.connect(OTHER.into()).ok().unwrap();
    assert_eq!(load.connect(OTHER.into()).err(), Some("too many connections"));
    drop((first, third));
    assert!(load.connect(ONE.into()).is_ok());
    assert!(load.connect(OTHER.into()).is_ok());
}

#[test]
fn addresses_without_connections_are_forgotten() {
    let load = load(Most::default());
    let kept = load.connect(ONE.into()).ok().unwrap();
    for last in 2..100 {
        drop(load.connect([10, 0, 0, last].into()).ok().unwrap());
    }
    assert_eq!(load.sources.lock().unwrap().len(), 1);
    drop(kept);
    assert_eq!(load.sources.lock().unwrap().len(), 0);
}

#[test]
fn bytes_are_counted_in_all_and_by_address_until_the_answer_is_gone() {
    let load = load(Most { bytes: 100, bytes_of_one: 60, ..Most::default() });
    let (one, other) = (load.connect(ONE.into()).ok().unwrap(), load.connect(OTHER.into()).ok().unwrap());
    let mut charge = one.charge();
    assert!(charge.grow(40) && charge.grow(20) && !charge.grow(1));
    let mut second = other.charge();
    assert!(!second.grow(50), "there are 40 left for everybody");
    assert!(second.grow(40));
    assert_eq!(load.metrics.bytes_in_flight.get(), 100);
    let answer = charge.keep(b"answer".to_vec());
    let rest = answer.slice(3..);
    drop(answer);
    let mut third = one.charge();
    assert!(!third.grow(1), "the client has not taken all of it");
    assert_eq!(rest, "wer");
    drop(rest);
    assert!(third.grow(60));
    drop((second, third));
    assert_eq!(load.metrics.bytes_in_flight.get(), 0);
    assert!(one.charge().grow(60) && other.charge().grow(60), "nothing was lost");
}
