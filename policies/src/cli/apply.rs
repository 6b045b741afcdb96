//! `blinkchamber-policies apply`

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use secrecy::SecretString;

use super::{Exit, Stopped, Streams, read_text, text};
use crate::apply::{self, ApplyError, ApplyOptions, Credential, Desired, Vault, VaultError};
use crate::output::{self, OutputError};

/// For one answer of the server.
const TIMEOUT: Duration = Duration::from_secs(30);

#[derive(Args)]
pub(super) struct Arguments {
    /// Directory that compile wrote, or - for its output
    #[arg(value_name = "DIR|-")]
    set: String,
    /// Server
    #[arg(long, value_name = "URL", env = "VAULT_ADDR")]
    address: String,
    /// PEM file with the certificate authorities to trust
    #[arg(long, value_name = "FILE", env = "VAULT_CACERT")]
    ca_cert: Option<PathBuf>,
    /// File that holds a token; without it the token is taken from VAULT_TOKEN
    #[arg(long, value_name = "FILE", conflicts_with = "kubernetes_role")]
    token_file: Option<PathBuf>,
    /// Log in with the pod's service account, for this role
    #[arg(long, value_name = "ROLE")]
    kubernetes_role: Option<String>,
    /// Mount of the Kubernetes auth method for the login
    #[arg(long, value_name = "PATH", default_value = "auth/kubernetes")]
    kubernetes_auth_path: String,
    /// Service account token for the login
    #[arg(long, value_name = "FILE", default_value = "/var/run/secrets/kubernetes.io/serviceaccount/token")]
    kubernetes_token_file: PathBuf,
    /// Who owns the set: recorded in each policy, and the same at every apply
    #[arg(long, default_value = "blinkchamber")]
    owner: String,
    /// Remove what this owner applied before and the set does not hold any more
    #[arg(long)]
    prune: bool,
    /// Take over policies and roles of the same name that somebody else made
    #[arg(long)]
    adopt: bool,
    /// Show the difference only
    #[arg(long)]
    dry_run: bool,
}

pub(super) fn run(arguments: &Arguments, streams: &mut Streams<'_>) -> Result<Exit, Stopped> {
    let compiled = if arguments.set == "-" {
        let bytes = read_text("standard input", streams.input)?;
        output::from_stream(&text("standard input", bytes)?)
    } else {
        output::read_directory(Path::new(&arguments.set))
    };
    let compiled = compiled.map_err(|error| match error {
        OutputError::Content(..) => Stopped::usage(error.to_string()),
        OutputError::File { .. } => Stopped::failure(error.to_string()),
    })?;
    let authorities = arguments.ca_cert.as_deref().map(read).transpose()?;
    let server = Vault::connect(&arguments.address, authorities.as_deref(), credential(arguments)?, TIMEOUT);
    let server = server.map_err(|error| match error {
        VaultError::Login(_) => Stopped::failure(error.to_string()),
        VaultError::NoAuthority => Stopped::usage(format!("{error}: --ca-cert FILE or VAULT_CACERT")),
        _ => Stopped::usage(error.to_string()),
    })?;
    let desired = Desired::new(arguments.owner.clone(), compiled);
    let options = ApplyOptions { adopt: arguments.adopt, prune: arguments.prune };
    let diff = apply::diff(&server, &desired, options).map_err(stopped)?;
    write!(streams.output, "{diff}")?;
    streams.output.flush()?;
    if !arguments.dry_run {
        apply::execute(&server, &diff).map_err(stopped)?;
    }
    Ok(Exit::Success)
}

fn stopped(error: ApplyError) -> Stopped {
    match error {
        ApplyError::Foreign(_) => Stopped {
            exit: Exit::Findings,
            message: format!("{error}\nnothing was changed; --adopt takes them over, --owner says who we are"),
        },
        ApplyError::Undesirable(_) => Stopped::usage(error.to_string()),
        ApplyError::Server { .. } => Stopped::failure(error.to_string()),
    }
}

fn credential(arguments: &Arguments) -> Result<Credential, Stopped> {
    if let Some(role) = &arguments.kubernetes_role {
        return Ok(Credential::Kubernetes {
            auth_path: arguments.kubernetes_auth_path.clone(),
            role: role.clone(),
            jwt: secret(&arguments.kubernetes_token_file)?,
        });
    }
    if let Some(file) = &arguments.token_file {
        return Ok(Credential::Token(secret(file)?));
    }
    match std::env::var("VAULT_TOKEN") {
        Ok(token) if !token.is_empty() => Ok(Credential::Token(SecretString::from(token.trim()))),
        _ => Err(Stopped::usage("no token: give --token-file, --kubernetes-role or VAULT_TOKEN")),
    }
}

/// The token in a file, which usually ends in a line end.
fn secret(file: &Path) -> Result<SecretString, Stopped> {
    let shown = file.display().to_string();
    let bytes = zeroize::Zeroizing::new(read(file)?);
    let text = std::str::from_utf8(&bytes).map_err(|_| Stopped::usage(format!("{shown}: no token, not even text")))?;
    Ok(SecretString::from(text.trim()))
}

fn read(file: &Path) -> Result<Vec<u8>, Stopped> {
    std::fs::read(file).map_err(|error| Stopped::failure(format!("{}: {error}", file.display())))
}
