//! ZITADEL's configuration, as far as the double needs it: YAML files merged key by key (the later wins, case does not
//! matter), then environment variables such as `ZITADEL_DATABASE_POSTGRES_HOST` on top.

mod tree;

#[cfg(test)]
mod tests;

use std::path::PathBuf;

use crate::config::tree::Tree;
use crate::error::Error;

/// All that is read from files and environment; never read again after the start.
pub(crate) struct Config {
    pub(crate) port: u16,
    pub(crate) external_domain: String,
    pub(crate) external_secure: bool,
    pub(crate) external_port: u16,
    pub(crate) tls: Option<TlsFiles>,
    pub(crate) database: Database,
    pub(crate) cache: Option<Cache>,
    pub(crate) first_instance: FirstInstance,
}

pub(crate) struct TlsFiles {
    pub(crate) certificate: PathBuf,
    pub(crate) key: PathBuf,
}

pub(crate) struct Database {
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) name: String,
    pub(crate) user: String,
    pub(crate) password: String,
    pub(crate) connections: usize,
    /// `disable`, or the authority that `require` and `verify-full` check.
    pub(crate) root_certificate: Option<PathBuf>,
}

pub(crate) struct Cache {
    pub(crate) address: String,
    pub(crate) username: String,
    pub(crate) password: String,
    pub(crate) tls: bool,
}

/// Where setup writes the tokens of the first machine users; nothing is written for an empty path.
pub(crate) struct FirstInstance {
    pub(crate) organization: String,
    pub(crate) pat_path: Option<PathBuf>,
    pub(crate) login_client_pat_path: Option<PathBuf>,
}

impl Config {
    /// Reads the files and the process's environment.
    pub(crate) fn load(config: &[PathBuf], steps: &[PathBuf]) -> Result<Self, Error> {
        let mut tree = Tree::default();
        for file in config.iter().chain(steps) {
            tree.merge_file(file)?;
        }
        Self::parse(&tree.with_environment(|name| std::env::var(name).ok()))
    }

    fn parse(tree: &Tree<'_>) -> Result<Self, Error> {
        let path = |key: &str| tree.text(key).map(|text| text.filter(|text| !text.is_empty()).map(PathBuf::from));
        Ok(Self {
            port: tree.number("Port")?.unwrap_or(8080),
            external_domain: tree.text("ExternalDomain")?.unwrap_or_else(|| "localhost".into()),
            external_secure: tree.flag("ExternalSecure")?.unwrap_or(true),
            external_port: tree.number("ExternalPort")?.unwrap_or(443),
            tls: tls_files(tree)?,
            database: database(tree)?,
            cache: cache(tree)?,
            first_instance: FirstInstance {
                organization: tree.text("FirstInstance.Org.Name")?.unwrap_or_else(|| "ZITADEL".into()),
                pat_path: path("FirstInstance.PatPath")?,
                login_client_pat_path: path("FirstInstance.LoginClientPatPath")?,
            },
        })
    }

    /// What clients see as the address of this instance.
    pub(crate) fn issuer(&self) -> String {
        let (scheme, usual) = if self.external_secure { ("https", 443) } else { ("http", 80) };
        let port = if self.external_port == usual { String::new() } else { format!(":{}", self.external_port) };
        format!("{scheme}://{}{port}", self.external_domain)
    }
}

fn tls_files(tree: &Tree<'_>) -> Result<Option<TlsFiles>, Error> {
    if !tree.flag("TLS.Enabled")?.unwrap_or(false) {
        return Ok(None);
    }
    Ok(Some(TlsFiles { certificate: tree.required("TLS.CertPath")?.into(), key: tree.required("TLS.KeyPath")?.into() }))
}

fn database(tree: &Tree<'_>) -> Result<Database, Error> {
    let mode = tree.text("Database.postgres.User.SSL.Mode")?.unwrap_or_else(|| "disable".into());
    let root_certificate = match mode.as_str() {
        "disable" => None,
        "require" | "verify-ca" | "verify-full" => Some(tree.required("Database.postgres.User.SSL.RootCert")?.into()),
        _ => {
            let reason = format!("{mode:?} is none of disable, require, verify-ca, verify-full");
            return Err(Error::Key { key: "Database.postgres.User.SSL.Mode".into(), reason });
        }
    };
    Ok(Database {
        host: tree.required("Database.postgres.Host")?,
        port: tree.number("Database.postgres.Port")?.unwrap_or(5432),
        name: tree.required("Database.postgres.Database")?,
        user: tree.required("Database.postgres.User.Username")?,
        password: tree.required("Database.postgres.User.Password")?,
        connections: tree.number("Database.postgres.MaxOpenConns")?.unwrap_or(5).into(),
        root_certificate,
    })
}

fn cache(tree: &Tree<'_>) -> Result<Option<Cache>, Error> {
    if !tree.flag("Caches.Connectors.Redis.Enabled")?.unwrap_or(false) {
        return Ok(None);
    }
    Ok(Some(Cache {
        address: tree.required("Caches.Connectors.Redis.Addr")?,
        username: tree.text("Caches.Connectors.Redis.Username")?.unwrap_or_default(),
        password: tree.text("Caches.Connectors.Redis.Password")?.unwrap_or_default(),
        tls: tree.flag("Caches.Connectors.Redis.EnableTLS")?.unwrap_or(false),
    }))
}
