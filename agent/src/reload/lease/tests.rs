use std::{
    fs,
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::time::{Instant, sleep};

use self::double::ApiServer;
use super::{
    Guard, LeaseSettings, Times, Watch,
    record::{Record, micro_time},
};

mod double;
mod told;

const TIMES: Times = Times {
    good_for: Duration::from_secs(60),
    renew: Duration::from_millis(50),
    look: Duration::from_millis(20),
    request: Duration::from_secs(10),
};

/// The files that a pod's volume holds.
fn credentials(pod: &str) -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    for (name, text) in [("token", "the-token\n"), ("namespace", "shop"), ("pod", pod), ("ca.crt", double::OTHER_CA)] {
        fs::write(directory.path().join(name), text).unwrap();
    }
    directory
}

fn settings(server: &str, credentials: &Path) -> LeaseSettings {
    LeaseSettings {
        name: "shop-reload".to_owned(),
        server: server.to_owned(),
        credentials: credentials.to_path_buf(),
        ready_url: None,
        ready_timeout: Duration::from_secs(20),
    }
}

fn guard(server: &str, credentials: &TempDir) -> Guard {
    Guard::with_times(settings(server, credentials.path()), TIMES)
}

/// What somebody was told to wait for.
#[derive(Default)]
struct Heard(Mutex<Vec<String>>);

impl Heard {
    fn hear(&self, news: Option<String>) {
        self.0.lock().unwrap().extend(news);
    }

    async fn until(&self, text: &str) {
        while !self.0.lock().unwrap().iter().any(|news| news.contains(text)) {
            sleep(Duration::from_millis(5)).await;
        }
    }
}

fn held_by(holder: &str, seconds: u64) -> Value {
    json!({
        "metadata": { "name": "shop-reload", "labels": { "kept": "yes" } },
        "spec": { "holderIdentity": holder, "leaseDurationSeconds": seconds, "leaseTransitions": 4 },
    })
}

#[tokio::test]
async fn a_lease_is_made_held_during_the_work_and_let_go() {
    let api = ApiServer::start(None).await;
    let credentials = credentials("shop-0");
    let during = guard(&api.url, &credentials).during(&|_| {}, async { api.lease().unwrap() }).await;
    assert_eq!(during["spec"]["holderIdentity"], "shop-0");
    assert_eq!(during["spec"]["leaseDurationSeconds"], 60);
    let time = during["spec"]["acquireTime"].as_str().unwrap();
    assert!(time.len() == "2026-11-24T00:00:00.000000Z".len() && time.ends_with('Z'), "{time}");
    assert_eq!(api.holder(), "");
    let asked = api.asked();
    assert!(asked.iter().all(|request| request.bearer == "Bearer the-token"));
    let path = "/apis/coordination.k8s.io/v1/namespaces/shop/leases";
    assert_eq!(asked[0].line, format!("GET {path}/shop-reload"));
    assert_eq!(asked[1].line, format!("POST {path}"));
    assert_eq!(asked.last().unwrap().line, format!("PUT {path}/shop-reload"));
}

#[tokio::test]
async fn of_several_one_works_at_a_time() {
    let api = ApiServer::start(None).await;
    let (inside, most, done) = (AtomicUsize::new(0), AtomicUsize::new(0), AtomicUsize::new(0));
    let replica = async |pod: &str| {
        let credentials = credentials(pod);
        let guard = guard(&api.url, &credentials);
        for _ in 0..3 {
            let work = async {
                most.fetch_max(inside.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                sleep(Duration::from_millis(30)).await;
                inside.fetch_sub(1, Ordering::SeqCst);
                done.fetch_add(1, Ordering::SeqCst);
            };
            guard.during(&|_| {}, work).await;
        }
    };
    tokio::join!(replica("shop-0"), replica("shop-1"), replica("shop-2"));
    assert_eq!((most.into_inner(), done.into_inner()), (1, 9));
}

#[tokio::test]
async fn one_that_has_it_is_waited_for_and_named() {
    let api = ApiServer::start(Some(held_by("shop-1", 3600))).await;
    let (credentials, heard) = (credentials("shop-0"), Heard::default());
    let guard = guard(&api.url, &credentials);
    let say = |news| heard.hear(news);
    let (holder, ()) = tokio::join!(guard.during(&say, async { api.holder() }), async {
        heard.until("lease shop-reload: held by shop-1").await;
        assert_eq!(api.holder(), "shop-1");
        api.set(held_by("", 1));
    });
    assert_eq!(holder, "shop-0");
    assert_eq!(api.lease().unwrap()["metadata"]["labels"]["kept"], "yes");
}

#[tokio::test]
async fn one_that_does_not_renew_loses_it_not_before_its_time() {
    let api = ApiServer::start(Some(held_by("dead", 1))).await;
    let credentials = credentials("shop-0");
    let begin = Instant::now();
    let during = guard(&api.url, &credentials).during(&|_| {}, async { api.lease().unwrap() }).await;
    assert!(begin.elapsed() >= Duration::from_secs(1));
    assert_eq!((&during["spec"]["holderIdentity"], &during["spec"]["leaseTransitions"]), (&json!("shop-0"), &json!(5)));
}

#[tokio::test]
async fn a_time_without_the_api_server_does_not_count_against_the_holder() {
    let api = ApiServer::start(Some(held_by("slow", 2))).await;
    let (credentials, heard) = (credentials("shop-0"), Heard::default());
    let guard = guard(&api.url, &credentials);
    let say = |news| heard.hear(news);
    let (entered, up) = tokio::join!(guard.during(&say, async { Instant::now() }), async {
        heard.until("held by slow").await;
        api.down(true);
        heard.until("503").await;
        let up = Instant::now();
        api.down(false);
        up
    });
    assert!(entered.duration_since(up) >= Duration::from_secs(2));
}

#[tokio::test]
async fn the_pod_that_was_killed_with_it_goes_on_at_once() {
    let api = ApiServer::start(Some(held_by("shop-0", 3600))).await;
    let credentials = credentials("shop-0");
    let during = guard(&api.url, &credentials).during(&|_| {}, async { api.lease().unwrap() }).await;
    assert_eq!(during["spec"]["leaseTransitions"], 4, "it did not change hands");
    assert_eq!(api.holder(), "");
}

#[tokio::test]
async fn it_is_renewed_as_long_as_the_work_takes_also_over_an_outage() {
    let api = ApiServer::start(None).await;
    let credentials = credentials("shop-0");
    let work = async {
        let renewed = async |times: usize| {
            let before = api.writes();
            while api.writes() < before + times {
                sleep(Duration::from_millis(5)).await;
            }
        };
        renewed(3).await;
        api.down(true);
        sleep(Duration::from_millis(120)).await;
        api.down(false);
        renewed(2).await;
        api.holder()
    };
    assert_eq!(guard(&api.url, &credentials).during(&|_| {}, work).await, "shop-0");
    assert_eq!(api.holder(), "");
}

#[tokio::test]
async fn who_lost_it_finishes_and_leaves_it_to_the_other() {
    let api = ApiServer::start(None).await;
    let credentials = credentials("shop-0");
    let work = async {
        api.set(held_by("shop-1", 60));
        let seen = api.asked().len();
        while api.asked().len() < seen + 1 {
            sleep(Duration::from_millis(5)).await;
        }
        sleep(Duration::from_millis(100)).await;
        "finished"
    };
    assert_eq!(guard(&api.url, &credentials).during(&|_| {}, work).await, "finished");
    assert_eq!(api.holder(), "shop-1");
}

#[tokio::test]
async fn only_a_server_of_the_given_authority_is_shown_the_token() {
    let (api, authority) = ApiServer::start_tls().await;
    let (credentials, heard) = (credentials("shop-0"), Heard::default());
    let guard = guard(&api.url, &credentials);
    let say = |news| heard.hear(news);
    let (holder, ()) = tokio::join!(guard.during(&say, async { api.holder() }), async {
        heard.until("invalid peer certificate").await;
        assert!(api.asked().is_empty(), "nothing is sent");
        fs::write(credentials.path().join("ca.crt"), authority).unwrap();
    });
    assert_eq!(holder, "shop-0");
}

#[tokio::test]
async fn a_refusal_is_told_and_tried_again() {
    let api = ApiServer::start(None).await;
    let (credentials, heard) = (credentials("shop-0"), Heard::default());
    fs::remove_file(credentials.path().join("token")).unwrap();
    let guard = guard(&api.url, &credentials);
    let say = |news| heard.hear(news);
    api.forbid(true);
    let work = guard.during(&say, async {});
    let ((), ()) = tokio::join!(work, async {
        heard.until("cannot read").await;
        fs::write(credentials.path().join("token"), "the-token").unwrap();
        heard.until("403 Forbidden: leases is forbidden").await;
        api.forbid(false);
    });
    assert!(heard.0.lock().unwrap().iter().all(|news| !news.contains("the-token")));
}

#[tokio::test(start_paused = true)]
async fn a_record_that_changes_begins_a_new_life() {
    let record = |version: &str| Record::of(json!({ "metadata": { "resourceVersion": version } })).unwrap();
    let mut watch = Watch::default();
    assert_eq!(watch.age(&record("1")), Duration::ZERO);
    sleep(Duration::from_secs(9)).await;
    assert_eq!(watch.age(&record("1")), Duration::from_secs(9));
    assert_eq!(watch.age(&record("2")), Duration::ZERO);
    assert!(Record::of(json!({ "kind": "Status" })).is_none());
}

#[test]
fn times_are_written_as_kubernetes_reads_them() {
    let at = |seconds: u64, micros: u64| micro_time(UNIX_EPOCH + Duration::from_micros(seconds * 1_000_000 + micros));
    assert_eq!(at(0, 0), "1970-01-01T00:00:00.000000Z");
    assert_eq!(at(951_782_400, 1), "2000-02-29T00:00:00.000001Z");
    assert_eq!(at(1_764_000_000, 123_456), "2025-11-24T16:00:00.123456Z");
    assert_eq!(at(4_107_542_399, 999_999), "2100-02-28T23:59:59.999999Z");
    assert_eq!(at(4_107_542_400, 0), "2100-03-01T00:00:00.000000Z");
    assert!(micro_time(SystemTime::now()).starts_with("20"));
}

/// Shared by the doubles' tasks and the tests.
type Shared<T> = Arc<Mutex<T>>;
