//! ZITADEL's place in the platform, with the double in it: set up without a Kubernetes Secret, one pod enough to answer,
//! and one pod at a time started again with new credentials.

use std::thread::sleep;
use std::time::{Duration, Instant};

use blinkchamber_tests::bao::Operator;
use blinkchamber_tests::cluster::{deploy, is_ready, kubectl, list, service_address};
use blinkchamber_tests::load::Load;
use blinkchamber_tests::wait;
use reqwest::blocking::Client;
use serde_json::{Value, json};

const NAMESPACE: &str = "identity";
const SELECTOR: &str = "app.kubernetes.io/component=zitadel";
/// Of a visitor, after the first one was refused: longer than a busy node takes to say who is gone.
const TRIES: usize = 40;

#[test]
fn the_first_token_is_in_openbao_only_and_works() {
    let zitadel = Zitadel::new();
    let name = format!("probe-{}", fastrand::u32(..));
    let made = zitadel.ask("management/v1/users/machine", &json!({"userName": name})).expect("the user is made");
    let id = made["userId"].as_str().expect("an id").to_owned();
    let query = json!({"aggregateId": id, "eventTypes": ["user.machine.added"]});
    let found = zitadel.ask("admin/v1/events/_search", &query).expect("events");
    assert_eq!(found["events"][0]["payload"]["userName"], json!(name), "{found}");
    let jobs = list(NAMESPACE, "jobs", "app.kubernetes.io/component=zitadel-setup");
    assert!(jobs.iter().all(|job| job["status"]["succeeded"] == json!(1)), "the setup has ended: {jobs:?}");
}

#[test]
fn a_killed_pod_leaves_one_that_answers() {
    let zitadel = Zitadel::new();
    let client = zitadel.visit();
    let start = Instant::now();
    kubectl(&["delete", "pod", "-n", NAMESPACE, "zitadel-0", "--grace-period=0", "--force"]);
    wait::until("both are back", Duration::from_secs(120), || ready(2));
    println!("zitadel-0 was killed and both are Ready again after {:.1} s", start.elapsed().as_secs_f64());
    let visits = client.end();
    assert!(!visits.acknowledged.is_empty(), "somebody asked");
    assert_eq!(visits.failures(), 0, "each with some tries: {}", visits.troubles());
}

#[test]
fn a_rotation_restarts_one_pod_at_a_time() {
    let zitadel = Zitadel::new();
    let operator = Operator::login();
    for (credential, path, key) in
        [("zitadel-database", "zitadel/postgres", "username"), ("redis-zitadel", "redis/zitadel", "zitadel")]
    {
        wait::until("both are there", Duration::from_secs(120), || ready(2));
        let (before, old) = (restarts(), value(&operator, path, key));
        let client = zitadel.visit();
        let start = Instant::now();
        let (ok, said) = deploy(&["rotate", credential]);
        assert!(ok, "rotate {credential}: {said}");
        assert_ne!(value(&operator, path, key), old, "{credential} is another one");
        let mut fewest = usize::MAX;
        wait::until("both have been started again", Duration::from_secs(180), || {
            fewest = fewest.min(ready_pods());
            let now = restarts();
            let all = before.iter().zip(&now).all(|(before, now)| now > before);
            if all { ready(2) } else { Err(format!("{before:?}, then {now:?}")) }
        });
        println!("{credential}: both use it after {:.1} s", start.elapsed().as_secs_f64());
        assert!(fewest >= 1, "one was Ready at every look");
        let visits = client.end();
        assert_eq!(visits.failures(), 0, "{credential}: each with some tries: {}", visits.troubles());
        let twice: Vec<u64> = restarts().iter().zip(&before).map(|(now, before)| now - before).collect();
        assert_eq!(twice, [1, 1], "{credential}: once each");
    }
    zitadel.ask("admin/v1/events/_search", &json!({"limit": 1})).expect("the new credentials work");
}

fn value(operator: &Operator, path: &str, key: &str) -> Value {
    operator.request("GET", &format!("secret/data/{path}"), None).1["data"]["data"][key].clone()
}

fn restarts() -> Vec<u64> {
    let mut pods = list(NAMESPACE, "pods", SELECTOR);
    pods.sort_by_key(|pod| pod["metadata"]["name"].to_string());
    let of = |pod: &Value| pod["status"]["containerStatuses"][0]["restartCount"].as_u64().expect("a count");
    pods.iter().map(of).collect()
}

fn ready_pods() -> usize {
    list(NAMESPACE, "pods", SELECTOR).iter().filter(|pod| is_ready(pod)).count()
}

fn ready(wanted: usize) -> Result<(), String> {
    match ready_pods() {
        pods if pods == wanted => Ok(()),
        pods => Err(format!("{pods} of {wanted} pods are Ready")),
    }
}

/// The service, with the administrator's token.
#[derive(Clone)]
pub(crate) struct Zitadel {
    client: Client,
    base: String,
    token: String,
}

impl Zitadel {
    #[track_caller]
    pub(crate) fn new() -> Self {
        let pat = Operator::login().request("GET", "secret/data/zitadel/pat", None).1;
        Self {
            // A kept connection would stay with the pod that is taken away.
            client: Client::builder()
                .timeout(Duration::from_secs(5))
                .pool_max_idle_per_host(0)
                .build()
                .expect("a client"),
            base: format!("http://{}:8080", service_address(NAMESPACE, "zitadel")),
            token: pat["data"]["data"]["admin"].as_str().expect("the setup's token").to_owned(),
        }
    }

    pub(crate) fn ask(&self, path: &str, body: &Value) -> Result<Value, String> {
        let request = self.client.post(format!("{}/{path}", self.base)).bearer_auth(&self.token).json(body);
        let answer = request.send().map_err(|error| error.to_string())?;
        let status = answer.status();
        let text = answer.text().map_err(|error| error.to_string())?;
        if !status.is_success() {
            return Err(format!("{status}: {text}"));
        }
        serde_json::from_str(&text).map_err(|error| error.to_string())
    }

    /// Ten searches a second. Whoever is refused asks again for a while, as a client or an ingress does: a pod that ends is
    /// still known as Ready until the kubelet has said so.
    #[track_caller]
    fn visit(&self) -> Load {
        let zitadel = self.clone();
        Load::start(Duration::from_millis(100), Duration::from_secs(60), move |number, seen| {
            let visit = || zitadel.ask("admin/v1/events/_search", &json!({"limit": 1}));
            let mut answer = visit();
            for _ in 0..TRIES {
                if answer.is_err() {
                    sleep(Duration::from_millis(500));
                    answer = visit();
                }
            }
            answer?;
            seen.acknowledged.push(number);
            Ok(())
        })
    }
}
