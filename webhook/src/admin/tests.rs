use std::time::Duration;

use axum::body::{Body, to_bytes};
use blinkchamber_certs::{Authority, CaCert, Profile, Served, Source, Trust};
use http::Request;
use tower::ServiceExt;

use blinkchamber_contract::plan::Defaults;

use super::*;

fn admin(trust: Trust) -> Arc<Admin> {
    let names = Profile::service_names("hook", "ns");
    let profile = Profile { identity: "pod-0".into(), names, leaf_lifetime: Duration::from_secs(3600) };
    let source = Source::Own(Box::new(Authority::new(profile, SystemTime::now()).unwrap()));
    let metrics = Arc::new(Metrics::new());
    let keeper = Arc::new(Keeper::new(source, trust, Arc::new(Served::default()), Arc::clone(&metrics)));
    let defaults = Defaults::new("agent:1", "http://vault:8200").into();
    Arc::new(Admin { keeper, defaults, metrics, closing: Arc::default() })
}

async fn get(admin: &Arc<Admin>, path: &str) -> (u16, String) {
    let request = Request::builder().uri(path).body(Body::empty()).unwrap();
    let response = router(Arc::clone(admin)).oneshot(request).await.unwrap();
    let status = response.status().as_u16();
    let body = to_bytes(response.into_body(), usize::MAX).await.unwrap();
    (status, String::from_utf8(body.to_vec()).unwrap())
}

#[tokio::test]
async fn ready_means_a_valid_certificate_that_clients_trust() {
    let admin = admin(Trust::observed(Duration::ZERO));
    assert_eq!(get(&admin, "/readyz").await, (503, "no certificate yet\n".into()));
    assert_eq!(get(&admin, "/livez").await.0, 200);
    admin.keeper.tick(SystemTime::now()).unwrap();
    let (status, reason) = get(&admin, "/readyz").await;
    assert!(status == 503 && reason.contains("caBundle"), "{reason}");
    let (_, pem) = get(&admin, "/ca.pem").await;
    let published = CaCert::from_pem(pem.as_bytes(), "test").unwrap();
    admin.keeper.observe(&published, SystemTime::now());
    assert_eq!(get(&admin, "/readyz").await, (200, "ok\n".into()));
    // An upgrade of the chart took the bundle away.
    admin.keeper.observe(&[], SystemTime::now());
    assert_eq!(get(&admin, "/readyz").await.0, 503);
    admin.keeper.observe(&published, SystemTime::now());
    admin.closing.store(true, Ordering::Relaxed);
    assert_eq!(get(&admin, "/readyz").await, (503, "the process is about to end\n".into()));
}

#[tokio::test]
async fn metrics_tell_when_the_certificate_ends() {
    let admin = admin(Trust::assumed());
    admin.keeper.tick(SystemTime::now()).unwrap();
    let (status, text) = get(&admin, "/metrics").await;
    assert_eq!(status, 200);
    let line = text.lines().find(|line| line.starts_with("blinkchamber_webhook_leaf_not_after_seconds ")).unwrap();
    let end: f64 = line.rsplit(' ').next().unwrap().parse().unwrap();
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs_f64();
    assert!((3590.0..=3600.0).contains(&(end - now)), "{line}");
    assert!(text.ends_with("# EOF\n"));
}
