//! Machine users, their roles and their tokens.

use std::sync::Arc;

use axum::extract::{Path, State as Shared};
use axum::{Extension, Json};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::api::{Failure, State, require};
use crate::setup::{hash, random_token};
use crate::store::{self, NewEvent, Owner};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct AddMachine {
    user_name: String,
}

pub(super) async fn add_machine(
    Shared(state): Shared<Arc<State>>,
    Extension(owner): Extension<Owner>,
    body: String,
) -> Result<Json<Value>, Failure> {
    require(&owner, &["IAM_OWNER"])?;
    let request: AddMachine = parse(&body)?;
    let id = store::new_id();
    let sequence = push(&state, &owner, &id, "user.machine.added", json!({"userName": request.user_name})).await?;
    Ok(Json(json!({"userId": id, "details": {"sequence": sequence.to_string()}})))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct AddMember {
    user_id: String,
    roles: Vec<String>,
}

/// The last role counts: nobody here needs two.
pub(super) async fn add_member(
    Shared(state): Shared<Arc<State>>,
    Extension(owner): Extension<Owner>,
    body: String,
) -> Result<Json<Value>, Failure> {
    require(&owner, &["IAM_OWNER"])?;
    let request: AddMember = parse(&body)?;
    let role = request.roles.last().ok_or_else(|| Failure::invalid("roles: at least one is needed"))?;
    state.store.set_role(&request.user_id, role).await?;
    Ok(Json(json!({})))
}

pub(super) async fn add_pat(
    Shared(state): Shared<Arc<State>>,
    Extension(owner): Extension<Owner>,
    Path(user): Path<String>,
) -> Result<Json<Value>, Failure> {
    require(&owner, &["IAM_OWNER"])?;
    let token = random_token()?;
    let id = state.store.add_token(&user, &hash(&token)).await?;
    push(&state, &owner, &user, "user.pat.added", json!({"tokenId": id})).await?;
    Ok(Json(json!({"tokenId": id, "token": token})))
}

pub(super) async fn remove_pat(
    Shared(state): Shared<Arc<State>>,
    Extension(owner): Extension<Owner>,
    Path((user, token)): Path<(String, String)>,
) -> Result<Json<Value>, Failure> {
    require(&owner, &["IAM_OWNER"])?;
    if !state.store.remove_token(&user, &token).await? {
        return Err(Failure::not_found("Token not found"));
    }
    push(&state, &owner, &user, "user.pat.removed", json!({"tokenId": token})).await?;
    Ok(Json(json!({})))
}

fn parse<'a, T: Deserialize<'a>>(body: &'a str) -> Result<T, Failure> {
    serde_json::from_str(body).map_err(|error| Failure::invalid(error.to_string()))
}

/// Stores an event of a user, and calls the targets, as ZITADEL's worker does after the commit.
async fn push(state: &Arc<State>, owner: &Owner, user: &str, kind: &str, payload: Value) -> Result<i64, Failure> {
    let event = NewEvent { aggregate: ("user", user), kind, payload, creator: &owner.user, owner: store::INSTANCE };
    let sequence = state.store.push(&event).await?;
    state.targets.call(&event, sequence);
    Ok(sequence)
}
