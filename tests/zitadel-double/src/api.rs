//! The endpoints: health, metrics, discovery, the event search of the admin API, and one write.

mod faults;
mod search;
mod targets;
mod users;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use axum::extract::{Request, State as Shared};
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, post, put};
use axum::{Extension, Json, Router};
use serde_json::{Value, json};

pub(crate) use crate::api::faults::Faults;
pub(crate) use crate::api::targets::Targets;

use crate::cache::Cache;
use crate::error::Error;
use crate::setup::hash;
use crate::store::{Owner, Store};

/// What the handlers share.
pub(crate) struct State {
    pub(crate) issuer: String,
    pub(crate) store: Store,
    pub(crate) cache: Option<Cache>,
    pub(crate) faults: Faults,
    pub(crate) targets: Targets,
}

pub(crate) fn router(state: Arc<State>) -> Router {
    let authenticated = Router::new()
        .route("/admin/v1/events/_search", post(events))
        .route("/admin/v1/members", post(users::add_member))
        .route("/management/v1/users/machine", post(users::add_machine))
        .route("/management/v1/users/{user}/pats", post(users::add_pat))
        .route("/management/v1/users/{user}/pats/{token}", delete(users::remove_pat))
        .route("/v2/actions/targets", post(targets::add))
        .layer(middleware::from_fn_with_state(state.clone(), authenticate))
        .layer(middleware::from_fn_with_state(state.clone(), faults::inject));
    Router::new()
        .route("/debug/healthz", get(|| async { "ok" }))
        .route("/debug/ready", get(ready))
        .route("/debug/metrics", get(metrics))
        .route("/debug/faults", put(faults::set))
        .route("/.well-known/openid-configuration", get(discovery))
        .merge(authenticated)
        .with_state(state)
}

/// An answer in the shape of ZITADEL's gRPC gateway: code and message.
pub(crate) struct Failure(StatusCode, u8, String);

impl Failure {
    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Self(StatusCode::BAD_REQUEST, 3, message.into())
    }

    pub(crate) fn not_found(message: impl Into<String>) -> Self {
        Self(StatusCode::NOT_FOUND, 5, message.into())
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self(StatusCode::SERVICE_UNAVAILABLE, 14, error.to_string())
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        (self.0, Json(json!({"code": self.1, "message": self.2}))).into_response()
    }
}

async fn ready(Shared(state): Shared<Arc<State>>) -> Result<&'static str, Failure> {
    state.store.ping().await?;
    Ok("ok")
}

async fn metrics(Shared(state): Shared<Arc<State>>) -> String {
    let (hits, errors) = state.cache.as_ref().map_or((0, 0), Cache::counts);
    format!(
        "# TYPE zitadel_double_cache_hits_total counter\nzitadel_double_cache_hits_total {hits}\n\
         # TYPE zitadel_double_cache_errors_total counter\nzitadel_double_cache_errors_total {errors}\n"
    )
}

async fn discovery(Shared(state): Shared<Arc<State>>) -> Json<Value> {
    let issuer = &state.issuer;
    Json(json!({
        "issuer": issuer,
        "authorization_endpoint": format!("{issuer}/oauth/v2/authorize"),
        "token_endpoint": format!("{issuer}/oauth/v2/token"),
    }))
}

/// Only a known token gets further; the owner of one that was seen lately is in the cache.
async fn authenticate(
    Shared(state): Shared<Arc<State>>,
    headers: HeaderMap,
    mut request: Request,
    next: Next,
) -> Result<Response, Failure> {
    let unauthenticated = || Failure(StatusCode::UNAUTHORIZED, 16, "invalid or missing token".into());
    let header = headers.get("authorization").and_then(|value| value.to_str().ok());
    let token = header.and_then(|value| value.strip_prefix("Bearer ")).ok_or_else(unauthenticated)?;
    let owner = owner(&state, &hash(token)).await?.ok_or_else(unauthenticated)?;
    request.extensions_mut().insert(owner);
    Ok(next.run(request).await)
}

async fn owner(state: &State, hash: &[u8; 32]) -> Result<Option<Owner>, Error> {
    let Some(cache) = &state.cache else { return state.store.owner_of(hash).await };
    let key = format!("zitadel:token:{}", hash.iter().map(|byte| format!("{byte:02x}")).collect::<String>());
    if let Some((user, role)) = cache.get(&key).await.as_deref().and_then(|known| known.split_once(' ')) {
        return Ok(Some(Owner { user: user.into(), role: role.into() }));
    }
    let owner = state.store.owner_of(hash).await?;
    if let Some(owner) = &owner {
        cache.put(&key, &format!("{} {}", owner.user, owner.role)).await;
    }
    Ok(owner)
}

/// Refuses whoever has none of the roles.
fn require(owner: &Owner, roles: &[&str]) -> Result<(), Failure> {
    if roles.contains(&owner.role.as_str()) {
        return Ok(());
    }
    Err(Failure(StatusCode::FORBIDDEN, 7, "No matching permissions found".into()))
}

async fn events(
    Shared(state): Shared<Arc<State>>,
    Extension(owner): Extension<Owner>,
    body: String,
) -> Result<Json<Value>, Failure> {
    require(&owner, &["IAM_OWNER", "IAM_OWNER_VIEWER"])?;
    let query = search::Query::parse(&body)?;
    Ok(Json(json!({"events": query.run(&state.store).await?})))
}
