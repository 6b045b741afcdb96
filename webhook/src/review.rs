//! `AdmissionReview`, as much of it as an injector needs.
//!
//! Our own types: the ones of the client library send the patch as an array of numbers and lose the request's uid when
//! they refuse. Everything optional may be absent or `null`; fields we do not know are skipped, not stored.

use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::Value;

use crate::patch::{Op, write};

#[cfg(test)]
mod tests;

/// The question.
#[derive(Debug)]
pub(crate) struct Review<'a> {
    /// Version to answer in: the API server takes only what it asked with.
    version: Version,
    uid: Cow<'a, str>,
    pub(crate) namespace: Cow<'a, str>,
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

impl<'a> Review<'a> {
    /// Reads a body, once.
    pub(crate) fn read(body: &'a [u8]) -> Result<Self, Malformed> {
        let envelope: Envelope<'a> = serde_json::from_slice(body)?;
        let version = match text(&envelope.api_version) {
            Some("admission.k8s.io/v1") | None => Version::V1,
            Some("admission.k8s.io/v1beta1") => Version::V1Beta1,
            Some(other) => return Err(Malformed::Version(other.to_owned())),
        };
        if let Some(kind) = text(&envelope.kind).filter(|kind| *kind != "AdmissionReview") {
            return Err(Malformed::Kind(kind.to_owned()));
        }
        let request = envelope.request.ok_or(Malformed::NoRequest)?;
        let Text(uid) = request.uid.filter(|uid| !uid.0.is_empty()).ok_or(Malformed::NoRequest)?;
        // Containers can only be added to a pod that is being made; whatever else a too wide rule sends passes.
        let created = text(&request.operation).is_none_or(|operation| operation == "CREATE");
        let is_pod = request.kind.as_ref().and_then(|kind| text(&kind.kind)).is_none_or(|kind| kind == "Pod");
        let main = text(&request.sub_resource).is_none_or(str::is_empty);
        let pod = request.object.filter(|object| object.is_object() && created && is_pod && main);
        let namespace = request.namespace.map(|namespace| namespace.0).unwrap_or_default();
        Ok(Self { version, uid, namespace, pod })
    }

    /// Let through, unchanged when there are no operations.
    pub(crate) fn allow(&self, ops: &[Op<'_>], warnings: &[String]) -> Result<Vec<u8>, serde_json::Error> {
        let patch = if ops.is_empty() { Vec::new() } else { write(ops)? };
        let mut answer = self.begin(patch.len() * 4 / 3 + 4)?;
        answer.push_str(r#","allowed":true"#);
        if !patch.is_empty() {
            answer.push_str(r#","patchType":"JSONPatch","patch":""#);
            // Nothing of it needs an escape.
            STANDARD.encode_string(&patch, &mut answer);
            answer.push('"');
        }
        if !warnings.is_empty() {
            answer.push_str(r#","warnings":"#);
            answer.push_str(&serde_json::to_string(warnings)?);
        }
        Ok(end(answer))
    }

    /// Refused, with what to do about it.
    pub(crate) fn refuse(&self, message: &str) -> Result<Vec<u8>, serde_json::Error> {
        let mut answer = self.begin(message.len())?;
        answer.push_str(r#","allowed":false,"status":{"status":"Failure","code":422,"reason":"Invalid","message":"#);
        answer.push_str(&serde_json::to_string(message)?);
        answer.push('}');
        Ok(end(answer))
    }

    /// The answer up to the uid, which it begins with, and room for `more` bytes. Written by hand, because nearly all
    /// of an answer is the patch, and a serializer would look at each of its bytes for something to escape.
    fn begin(&self, more: usize) -> Result<String, serde_json::Error> {
        /// For everything else.
        const ROOM: usize = 256;
        let version = match self.version {
            Version::V1 => "admission.k8s.io/v1",
            Version::V1Beta1 => "admission.k8s.io/v1beta1",
        };
        let mut answer = String::with_capacity(ROOM + more);
        answer.push_str(r#"{"apiVersion":""#);
        answer.push_str(version);
        answer.push_str(r#"","kind":"AdmissionReview","response":{"uid":"#);
        answer.push_str(&serde_json::to_string(&self.uid)?);
        Ok(answer)
    }
}

fn text<'t>(text: &'t Option<Text<'_>>) -> Option<&'t str> {
    text.as_ref().map(|text| &*text.0)
}

fn end(mut answer: String) -> Vec<u8> {
    answer.push_str("}}");
    answer.into_bytes()
}

#[derive(Clone, Copy, Debug)]
enum Version {
    V1,
    V1Beta1,
}

/// A text of the body, copied only where it has escapes. In an option, `Cow` alone would always be copied.
#[derive(Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Envelope<'a> {
    #[serde(borrow)]
    api_version: Option<Text<'a>>,
    kind: Option<Text<'a>>,
    request: Option<Request<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Request<'a> {
    #[serde(borrow)]
    uid: Option<Text<'a>>,
    kind: Option<Kind<'a>>,
    sub_resource: Option<Text<'a>>,
    namespace: Option<Text<'a>>,
    operation: Option<Text<'a>>,
    object: Option<Value>,
}

#[derive(Deserialize)]
struct Kind<'a> {
    #[serde(borrow)]
    kind: Option<Text<'a>>,
}
