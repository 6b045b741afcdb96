//! What proves to ZITADEL who asks: a personal access token from a file, or one that a machine user's key is exchanged for.

#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use reqwest::Client;
use ring::rand::SystemRandom;
use ring::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use rustls_pki_types::PrivateKeyDer;
use rustls_pki_types::pem::PemObject;
use serde::Deserialize;
use serde_json::json;
use zeroize::Zeroizing;

use crate::config;
use crate::files;
use crate::source::Error;
use crate::source::admin::unreachable;

/// Scopes: an access token that ZITADEL's own APIs take.
const SCOPE: &str = "openid urn:zitadel:iam:org:project:id:zitadel:aud";

/// How long before its end a token is replaced.
const EARLY: Duration = Duration::from_secs(60);

/// Life of an assertion.
const ASSERTION: i64 = 300;

/// Gives tokens. No `Debug`: it holds one.
pub(super) struct Tokens {
    http: Client,
    base: String,
    host: Option<String>,
    kind: Kind,
    known: Option<(Zeroizing<String>, Instant)>,
}

enum Kind {
    Token(PathBuf),
    Key(PathBuf),
}

/// A machine user's key as ZITADEL hands it out.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Key {
    key_id: String,
    key: Zeroizing<String>,
    user_id: String,
}

#[derive(Deserialize)]
struct Granted {
    access_token: Zeroizing<String>,
    expires_in: u64,
}

impl Tokens {
    pub(super) fn new(settings: &config::Source, http: Client, base: &str) -> Self {
        let kind = match (&settings.token_file, &settings.key_file) {
            (None, Some(file)) => Kind::Key(file.clone()),
            (file, _) => Kind::Token(file.clone().unwrap_or_default()),
        };
        Self { http, base: base.to_owned(), host: settings.host.clone(), kind, known: None }
    }

    /// A token of this moment.
    ///
    /// # Errors
    /// [`Error`].
    pub(super) async fn token(&mut self) -> Result<Zeroizing<String>, Error> {
        let file = match &self.kind {
            Kind::Token(file) => return Ok(files::secret(file)?),
            Kind::Key(file) => file.clone(),
        };
        if let Some((token, _)) = self.known.as_ref().filter(|(_, end)| Instant::now() < *end) {
            return Ok(token.clone());
        }
        let granted = self.exchange(&file).await?;
        let end = Instant::now() + Duration::from_secs(granted.expires_in).saturating_sub(EARLY);
        self.known = Some((granted.access_token.clone(), end));
        Ok(granted.access_token)
    }

    /// The token was refused.
    pub(super) fn forget(&mut self) {
        self.known = None;
    }

    async fn exchange(&self, file: &Path) -> Result<Granted, Error> {
        let url = format!("{}/oauth/v2/token", self.base);
        let audience = self.host.as_ref().map_or_else(|| self.base.clone(), |host| format!("https://{host}"));
        let assertion = assertion(file, &audience)?;
        let form = [
            ("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer"),
            ("scope", SCOPE),
            ("assertion", assertion.as_str()),
        ];
        let mut request = self.http.post(&url).header("content-type", "application/x-www-form-urlencoded");
        if let Some(host) = &self.host {
            request = request.header(reqwest::header::HOST, host);
        }
        let sent = request.body(encode(&form)).send().await.map_err(|error| unreachable(&url, &error))?;
        let status = sent.status().as_u16();
        let body = sent.bytes().await.map_err(|error| unreachable(&url, &error))?;
        match status {
            200 => serde_json::from_slice(&body)
                .map_err(|_| Error::Garbage { url, reason: "the token's answer is not of the expected shape".into() }),
            400 | 401 => Err(Error::Unauthenticated { url, status }),
            _ => Err(Error::Refused { url, status, message: "no token is granted".into() }),
        }
    }
}

/// A JWT that says who holds the key (RFC 7523).
fn assertion(file: &Path, audience: &str) -> Result<Zeroizing<String>, Error> {
    let wrong = |reason: &str| files::Error::Content { file: file.to_owned(), reason: reason.to_owned() };
    let key: Key = serde_json::from_str(&files::secret(file)?).map_err(|_| wrong("not a machine user's key"))?;
    let der = PrivateKeyDer::from_pem_slice(key.key.as_bytes()).map_err(|_| wrong("its key is not PEM"))?;
    let pair = match &der {
        PrivateKeyDer::Pkcs1(der) => RsaKeyPair::from_der(der.secret_pkcs1_der()),
        PrivateKeyDer::Pkcs8(der) => RsaKeyPair::from_pkcs8(der.secret_pkcs8_der()),
        _ => return Err(wrong("its key is not RSA").into()),
    };
    let pair = pair.map_err(|_| wrong("its key is not a usable RSA key"))?;
    let now = Timestamp::now().as_second();
    let head = json!({"alg": "RS256", "typ": "JWT", "kid": key.key_id});
    let claims = json!({"iss": key.user_id, "sub": key.user_id, "aud": audience, "iat": now, "exp": now + ASSERTION});
    let part = |value: &serde_json::Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let signed = format!("{}.{}", part(&head), part(&claims));
    let mut signature = vec![0; pair.public().modulus_len()];
    pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), signed.as_bytes(), &mut signature)
        .map_err(|_| wrong("its key does not sign"))?;
    Ok(Zeroizing::new(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))))
}

/// A form's body.
fn encode(fields: &[(&str, &str)]) -> String {
    let escape = |text: &str| {
        text.bytes().fold(String::new(), |mut out, byte| {
            if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
                out.push(char::from(byte));
            } else {
                out.push_str(&format!("%{byte:02X}"));
            }
            out
        })
    };
    fields.iter().map(|(name, value)| format!("{name}={}", escape(value))).collect::<Vec<_>>().join("&")
}
