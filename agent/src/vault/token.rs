//! A client token: never printed, wiped when it is dropped.

use http::HeaderValue;
use zeroize::Zeroizing;

/// A client token. Has no `Debug`; the header made of it is marked sensitive.
pub struct Token(Zeroizing<String>);

impl Token {
    /// Takes a token as it was sent or read; `None` when it is empty or cannot be a header.
    pub fn new(text: &str) -> Option<Self> {
        let text = text.trim();
        (!text.is_empty() && HeaderValue::from_str(text).is_ok()).then(|| Self(Zeroizing::new(text.to_owned())))
    }

    /// The text, for the sink file.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// The value of `X-Vault-Token`.
    pub(super) fn header(&self) -> Option<HeaderValue> {
        let mut value = HeaderValue::from_str(&self.0).ok()?;
        value.set_sensitive(true);
        Some(value)
    }
}
