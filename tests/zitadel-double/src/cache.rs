//! The cache: one standalone Redis, with the credentials of the start. A cache that fails makes requests slower, never
//! wrong, as in ZITADEL.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use redis::{AsyncCommands, Client, IntoConnectionInfo};

use crate::config;
use crate::error::Error;

/// Seconds that an answer stays.
const LIFE: u64 = 60;

/// Longest wait for the cache.
const PATIENCE: Duration = Duration::from_millis(500);

pub(crate) struct Cache {
    connection: ConnectionManager,
    hits: AtomicU64,
    errors: AtomicU64,
}

impl Cache {
    /// Never fails because the server is away: it is asked again with every use.
    pub(crate) fn connect(settings: &config::Cache, authority: Option<&[u8]>) -> Result<Self, Error> {
        let scheme = if settings.tls { "rediss" } else { "redis" };
        let info = format!("{scheme}://{}", settings.address).into_connection_info().map_err(Error::Cache)?;
        let login = info.redis_settings().clone().set_username(&settings.username).set_password(&settings.password);
        let info = info.set_redis_settings(login);
        let client = match authority.filter(|_| settings.tls) {
            Some(pem) => {
                Client::build_with_tls(info, redis::TlsCertificates { client_tls: None, root_cert: Some(pem.to_vec()) })
            }
            None => Client::open(info),
        }
        .map_err(Error::Cache)?;
        let settings = ConnectionManagerConfig::new()
            .set_number_of_retries(0)
            .set_connection_timeout(Some(PATIENCE))
            .set_response_timeout(Some(PATIENCE));
        let connection = ConnectionManager::new_lazy_with_config(client, settings).map_err(Error::Cache)?;
        Ok(Self { connection, hits: AtomicU64::new(0), errors: AtomicU64::new(0) })
    }

    pub(crate) async fn get(&self, key: &str) -> Option<String> {
        let found: Option<String> = self.count(self.connection.clone().get(key).await).flatten();
        if found.is_some() {
            self.hits.fetch_add(1, Ordering::Relaxed);
        }
        found
    }

    pub(crate) async fn put(&self, key: &str, value: &str) {
        let result: Result<(), _> = self.connection.clone().set_ex(key, value, LIFE).await;
        self.count(result);
    }

    fn count<T>(&self, result: redis::RedisResult<T>) -> Option<T> {
        if result.is_err() {
            self.errors.fetch_add(1, Ordering::Relaxed);
        }
        result.ok()
    }

    /// Hits and errors since the start.
    pub(crate) fn counts(&self) -> (u64, u64) {
        (self.hits.load(Ordering::Relaxed), self.errors.load(Ordering::Relaxed))
    }
}
