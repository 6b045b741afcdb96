//! The token_file method: a token that somebody else obtained and owns.

use std::{path::PathBuf, time::Duration};

use blinkchamber_templates::Json;

use super::{Grant, LoginError, file};
use crate::vault::{Call, Client, Token};

/// Settings of the method.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct TokenFile {
    /// The file.
    pub(crate) path: PathBuf,
}

impl TokenFile {
    pub(super) async fn login(&self, client: &Client) -> Result<Grant, LoginError> {
        let text = file::read(&self.path, "the token")?;
        let token = Token::new(&text).ok_or_else(|| LoginError::File {
            what: "the token",
            path: self.path.clone(),
            reason: "it holds characters that a token cannot have".to_owned(),
        })?;
        let call = Call { path: "auth/token/lookup-self", token: Some(&token), ..Call::default() };
        let reply = client.get(call).await?;
        let data = |key| reply.find(&["data", key]);
        let seconds = data("ttl").and_then(Json::as_u64).ok_or(LoginError::Answer)?;
        let renewable = data("renewable").and_then(Json::as_bool).unwrap_or_default();
        Ok(Grant { token, ttl: (seconds > 0).then(|| Duration::from_secs(seconds)), renewable, ours: false })
    }
}
