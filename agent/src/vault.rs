//! A thin client for the Vault API: one pooled HTTP/1.1 connection set, every limit explicit, no secret in an error.

pub(crate) use self::{
    body::read as read_body,
    client::{Http, chain, pool},
};
pub use self::{
    client::{Call, Client, ClientError, Options, Reply},
    error::{VaultError, VaultErrorKind},
    proxy::Proxy,
    tls::{TlsError, Trust},
    token::Token,
};

mod body;
mod client;
mod error;
mod proxy;
mod redirect;
mod tls;
mod token;

#[cfg(test)]
mod tests;
