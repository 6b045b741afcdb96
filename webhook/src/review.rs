//! `AdmissionReview`, as much of it as an injector needs.
//!
//! Our own types: the ones of the client library send the patch as an array of numbers and lose the request's uid when
//! they refuse. Everything optional may be absent or `null`; fields we do not know are skipped, not stored.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::patch::Op;

#[cfg(test)]
mod tests;

/// The question.
#[derive(Debug)]
pub(crate) struct Review {
    /// Version to answer in: the API server takes only what it asked with.
    version: Version,
    pub(crate) uid: String,
    pub(crate) namespace: String,
    /// The pod, when there is one to decide about.
    pub(crate) pod: Option<Value>,
}

/// Why a body is no review. The API server never sends such a thing, so this is for people with `curl`.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Malformed {
    #[error("the body is not an AdmissionReview in JSON: {0}")]
    Json(#[from] serde_json::Error),
    #[error("apiVersion is {0:?}: expected admission.k8s.io/v1 or admission.k8s.io/v1beta1")]
    Version(String),
    #[error("kind is {0:?}: expected AdmissionReview")]
    Kind(String),
    #[error("the review has no request with a uid: it is an answer, or empty")]
    NoRequest,
}

impl Review {
    /// Reads a body, once.
    pub(crate) fn read(body: &[u8]) -> Result<Self, Malformed> {
        let envelope: Envelope = serde_json::from_slice(body)?;
        let version = match envelope.api_version.as_deref() {
            Some("admission.k8s.io/v1") | None => Version::V1,
            Some("admission.k8s.io/v1beta1") => Version::V1Beta1,
            Some(other) => return Err(Malformed::Version(other.to_owned())),
        };
        if let Some(kind) = envelope.kind.filter(|kind| kind != "AdmissionReview") {
            return Err(Malformed::Kind(kind));
        }
        let request = envelope.request.ok_or(Malformed::NoRequest)?;
        let uid = request.uid.filter(|uid| !uid.is_empty()).ok_or(Malformed::NoRequest)?;
        // Containers can only be added to a pod that is being made; whatever else a too wide rule sends passes.
        let created = request.operation.as_deref().is_none_or(|operation| operation == "CREATE");
        let is_pod = request.kind.and_then(|kind| kind.kind).is_none_or(|kind| kind == "Pod");
        let main = request.sub_resource.is_none_or(|name| name.is_empty());
        let pod = request.object.filter(|object| object.is_object() && created && is_pod && main);
        Ok(Self { version, uid, namespace: request.namespace.unwrap_or_default(), pod })
    }

    /// Let through, unchanged when there are no operations.
    pub(crate) fn allow(self, ops: &[Op<'_>], warnings: Vec<String>) -> Result<Vec<u8>, serde_json::Error> {
        let patch = if ops.is_empty() { None } else { Some(STANDARD.encode(serde_json::to_vec(ops)?)) };
        let patch_type = patch.is_some().then_some("JSONPatch");
        self.answer(Response { allowed: true, patch, patch_type, warnings, ..Response::default() })
    }

    /// Refused, with what to do about it.
    pub(crate) fn refuse(self, message: String) -> Result<Vec<u8>, serde_json::Error> {
        let status = Status { status: "Failure", code: 422, reason: "Invalid", message };
        self.answer(Response { status: Some(status), ..Response::default() })
    }

    fn answer(self, response: Response) -> Result<Vec<u8>, serde_json::Error> {
        serde_json::to_vec(&Answer {
            api_version: match self.version {
                Version::V1 => "admission.k8s.io/v1",
                Version::V1Beta1 => "admission.k8s.io/v1beta1",
            },
            kind: "AdmissionReview",
            response: Response { uid: self.uid, ..response },
        })
    }
}

#[derive(Clone, Copy, Debug)]
enum Version {
    V1,
    V1Beta1,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Envelope {
    api_version: Option<String>,
    kind: Option<String>,
    request: Option<Request>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Request {
    uid: Option<String>,
    kind: Option<Kind>,
    sub_resource: Option<String>,
    namespace: Option<String>,
    operation: Option<String>,
    object: Option<Value>,
}

#[derive(Deserialize)]
struct Kind {
    kind: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    api_version: &'static str,
    kind: &'static str,
    response: Response,
}

#[derive(Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct Response {
    uid: String,
    allowed: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<Status>,
    #[serde(skip_serializing_if = "Option::is_none")]
    patch_type: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    patch: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<String>,
}

#[derive(Serialize)]
struct Status {
    status: &'static str,
    code: u16,
    reason: &'static str,
    message: String,
}
