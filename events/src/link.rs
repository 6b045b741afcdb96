//! Connections to Redis: the master of a group, by the Sentinels' word or by its address, with the password of this
//! moment.

mod error;

#[cfg(test)]
mod tests;

use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Cmd, FromRedisValue, IntoConnectionInfo, RedisConnectionInfo};
use rustls_pki_types::ServerName;
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use crate::config;
use crate::files;
pub(crate) use crate::link::error::{Error, Trouble};

/// A connection that ends with its value.
pub(crate) struct Link {
    connection: MultiplexedConnection,
    driver: JoinHandle<()>,
    address: String,
    patience: Duration,
}

impl Drop for Link {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

impl Link {
    /// Connects to the master of a group.
    ///
    /// # Errors
    /// [`Error`]; every Sentinel is asked before one is given.
    pub(crate) async fn open(settings: &config::Redis, group: &config::Group) -> Result<Self, Error> {
        match (&group.address, &group.master) {
            (Some(address), _) => Self::connect(settings, address, &settings.login).await,
            (None, Some(master)) => {
                let address = master_address(settings, master).await?;
                Self::connect(settings, &address, &settings.login).await
            }
            (None, None) => Err(Error::Sentinel { master: String::new(), reason: "no master is named".into() }),
        }
    }

    /// One command.
    ///
    /// # Errors
    /// [`Error`], also when no answer comes.
    pub(crate) async fn ask<T: FromRedisValue>(&mut self, command: &Cmd) -> Result<T, Error> {
        let failed = |trouble| Error::Command { address: self.address.clone(), trouble };
        match timeout(self.patience, command.query_async(&mut self.connection)).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(error)) => Err(failed(Trouble::of(&error))),
            Err(_) => Err(failed(Trouble::Silent)),
        }
    }

    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    async fn connect(settings: &config::Redis, address: &str, login: &config::Login) -> Result<Self, Error> {
        let patience = settings.timeout.0;
        match timeout(patience, Self::handshake(settings, address, login)).await {
            Ok(result) => result,
            Err(_) => Err(Error::Command { address: address.to_owned(), trouble: Trouble::Silent }),
        }
    }

    async fn handshake(settings: &config::Redis, address: &str, login: &config::Login) -> Result<Self, Error> {
        let unreachable = |reason: String| Error::Unreachable { address: address.to_owned(), reason };
        let info = info(login)?;
        let tcp = TcpStream::connect(address).await.map_err(|error| unreachable(error.to_string()))?;
        tcp.set_nodelay(true).map_err(|error| unreachable(error.to_string()))?;
        let config = AsyncConnectionConfig::new().set_connection_timeout(None).set_response_timeout(None);
        let begun = match &settings.ca_file {
            None => begin(&info, tcp, config).await,
            Some(file) => {
                let host = address.rsplit_once(':').map_or(address, |(host, _)| host).trim_matches(['[', ']']);
                let name = ServerName::try_from(host.to_owned()).map_err(|error| unreachable(error.to_string()))?;
                let tls = TlsConnector::from(files::tls(file)?).connect(name, tcp).await;
                begin(&info, tls.map_err(|error| unreachable(error.to_string()))?, config).await
            }
        };
        let (connection, driver) =
            begun.map_err(|error| Error::Command { address: address.to_owned(), trouble: Trouble::of(&error) })?;
        Ok(Self { connection, driver, address: address.to_owned(), patience: settings.timeout.0 })
    }
}

/// Logs in; the connection works for as long as its task runs.
async fn begin<S>(
    info: &RedisConnectionInfo,
    stream: S,
    config: AsyncConnectionConfig,
) -> redis::RedisResult<(MultiplexedConnection, JoinHandle<()>)>
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Send + Unpin + 'static,
{
    let (connection, driver) = MultiplexedConnection::new_with_config(info, stream, config).await?;
    Ok((connection, tokio::spawn(driver)))
}

fn info(login: &config::Login) -> Result<RedisConnectionInfo, Error> {
    // Only what belongs to the login is used of it; the address is ours.
    let info = "redis://unused".into_connection_info().map_err(|error| Error::Login { reason: error.to_string() })?;
    let mut info = info.redis_settings().clone().set_skip_set_lib_name();
    if let Some(username) = &login.username {
        info = info.set_username(username);
    }
    if let Some(file) = &login.password_file {
        info = info.set_password(files::secret(file)?.as_str());
    }
    Ok(info)
}

/// Asks one Sentinel after the other.
async fn master_address(settings: &config::Redis, master: &str) -> Result<String, Error> {
    let mut reasons = Vec::new();
    for sentinel in &settings.sentinels {
        let mut question = redis::cmd("SENTINEL");
        question.arg("GET-MASTER-ADDR-BY-NAME").arg(master);
        let answer = async {
            let mut link = Link::connect(settings, sentinel, &settings.sentinel_login).await?;
            link.ask::<Option<(String, u16)>>(&question).await
        };
        match answer.await {
            Ok(Some((host, port))) => return Ok(format!("{host}:{port}")),
            Ok(None) => reasons.push(format!("{sentinel}: knows no master of this name")),
            Err(error) => reasons.push(error.to_string()),
        }
    }
    Err(Error::Sentinel { master: master.to_owned(), reason: reasons.join("; ") })
}
