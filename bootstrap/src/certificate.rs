//! `certificate`: runs beside each server, keeps its certificate fresh, and publishes the authority.
//!
//! It compares instead of remembering: what the server shows is looked at again and again, and while it is not what the
//! file holds the server is told (HUP) to read it. So nothing is lost when either of the two starts anew.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, SystemTime};

use reqwest::blocking::Client;
use reqwest::tls::TlsInfo;
use rustix::process::{Pid, Signal, kill_process};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use serde_json::{Value, json};

use crate::Failure;
use crate::kubernetes::{self, Api};
use crate::server::{Authorities, at, client_builder, describe};
use crate::tls::{self, Authority, PUBLISHED};

/// Between two looks; shorter where certificates live shortly.
const PAUSE: Duration = Duration::from_secs(5);
const PATIENCE: Duration = Duration::from_secs(3);

/// Settings of `certificate`.
#[derive(clap::Args)]
#[group(skip)]
pub struct Options {
    /// The certificates.
    #[command(flatten)]
    pub tls: tls::Options,
    /// URL of the server beside us.
    #[arg(long, env = "BLINKCHAMBER_SERVER_ADDRESS", default_value = "https://127.0.0.1:8200")]
    pub server_address: String,
    /// Configuration that the server was started with: its process is known by it.
    #[arg(long, env = "BLINKCHAMBER_OUTPUT", default_value = "/run/bao/server.hcl")]
    pub server_configuration: PathBuf,
    /// `namespace/name` of the ConfigMap to publish the authority in.
    #[arg(long, env = "BLINKCHAMBER_PUBLISH")]
    pub publish: Option<String>,
    /// The API server.
    #[command(flatten)]
    pub api: kubernetes::Options,
}

/// Looks after the certificate for ever.
///
/// # Errors
/// [`Failure`] for unusable settings; what may pass is tried again.
pub fn run(options: &Options, out: &mut impl Write) -> Result<(), Failure> {
    let mut keeper = Keeper::new(options)?;
    loop {
        keeper.look(SystemTime::now(), out);
        thread::sleep(keeper.pause);
    }
}

/// One server's certificate.
pub struct Keeper<'a> {
    options: &'a Options,
    authority: Authority,
    http: Client,
    publish: Option<(Api, String)>,
    published: bool,
    pause: Duration,
    renew_at: Option<SystemTime>,
    trouble: String,
}

impl<'a> Keeper<'a> {
    /// Prepares.
    ///
    /// # Errors
    /// [`Failure`] for unusable settings.
    pub fn new(options: &'a Options) -> Result<Self, Failure> {
        let no_key = || Failure::Configuration("--tls-seal-key-file is required".to_owned());
        let authority = options.tls.authority()?.ok_or_else(no_key)?;
        let lifetime = options.tls.lifetime()?;
        let authorities = Authorities::new(authority.pem().as_bytes(), "the derived authority");
        let http = client_builder(Some(&authorities), PATIENCE)?
            // A kept connection would show the certificate of its beginning.
            .pool_max_idle_per_host(0)
            .tls_info(true)
            .build()
            .map_err(|error| Failure::Configuration(format!("HTTP client: {error}")))?;
        let publish = options
            .publish
            .as_ref()
            .map(|name| Ok::<_, Failure>((Api::new(&options.api)?, kubernetes::config_map("--publish", name)?)))
            .transpose()?;
        let pause = PAUSE.min(lifetime / 10);
        Ok(Self { options, authority, http, publish, published: false, pause, renew_at: None, trouble: String::new() })
    }

    /// Renews when it is time, tells the server when it shows another certificate than the file's, publishes once.
    pub fn look(&mut self, now: SystemTime, out: &mut impl Write) {
        let steps = [self.renew(now, out), self.tell(out), self.publish(out)];
        let trouble = steps.into_iter().filter_map(Result::err).map(|failure| failure.to_string());
        let trouble = trouble.collect::<Vec<_>>().join("; ");
        if trouble != self.trouble && !trouble.is_empty() {
            say(out, &trouble);
        }
        self.trouble = trouble;
    }

    fn renew(&mut self, now: SystemTime, out: &mut impl Write) -> Result<(), Failure> {
        // The first one is the guard's; how old it is after a restart of ours nobody has written down.
        if self.options.tls.tls_file.exists() && self.renew_at.is_some_and(|time| now < time) {
            return Ok(());
        }
        let not_after = self.options.tls.renew(&self.authority, now)?;
        let life = not_after.duration_since(now).unwrap_or_default();
        self.renew_at = Some(now + life * 2 / 3);
        say(out, &format!("a new certificate, for {} s", life.as_secs()));
        Ok(())
    }

    fn tell(&self, out: &mut impl Write) -> Result<(), Failure> {
        let file = &self.options.tls.tls_file;
        let wanted = CertificateDer::from_pem_file(file)
            .map_err(|error| Failure::Unreachable(format!("read {}: {error}", file.display())))?;
        let url = format!("{}/v1/sys/seal-status", self.options.server_address);
        let shown = match self.http.get(url).send() {
            Ok(response) => {
                response.extensions().get::<TlsInfo>().and_then(|info| info.peer_certificate().map(<[u8]>::to_vec))
            }
            // Not there yet, or it shows one that has ended: telling it does no harm.
            Err(error) if error.is_connect() && !describe(&error).contains("ertificate") => return Ok(()),
            Err(_) => None,
        };
        if shown.as_deref() == Some(wanted.as_ref()) {
            return Ok(());
        }
        let found = server_process(&self.options.server_configuration)?;
        let Some(pid) = found else { return Ok(()) };
        kill_process(pid, Signal::HUP).map_err(|error| Failure::Unreachable(format!("tell the server: {error}")))?;
        say(out, "the server was told to read its certificate");
        Ok(())
    }

    fn publish(&mut self, out: &mut impl Write) -> Result<(), Failure> {
        let Some((api, path)) = self.publish.as_ref().filter(|_| !self.published) else { return Ok(()) };
        let pem = self.authority.pem();
        let found = api.get(path)?;
        if at(&found, "/data").get(PUBLISHED).and_then(Value::as_str) != Some(pem.as_str()) {
            api.patch(path, &json!({"data": {PUBLISHED: pem}}))?;
            say(out, "the authority is published");
        }
        self.published = true;
        Ok(())
    }
}

/// The process that was started with this configuration. The pod's containers see each other's processes.
fn server_process(configuration: &Path) -> Result<Option<Pid>, Failure> {
    let unreadable = |error: std::io::Error| Failure::Unreachable(format!("read /proc: {error}"));
    let wanted = format!("-config={}", configuration.display());
    for entry in fs::read_dir("/proc").map_err(unreadable)? {
        let entry = entry.map_err(unreadable)?;
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
        // A process that ends meanwhile has none.
        let arguments = fs::read(entry.path().join("cmdline")).unwrap_or_default();
        if arguments.split(|byte| *byte == 0).any(|argument| argument == wanted.as_bytes()) {
            return Ok(Pid::from_raw(pid));
        }
    }
    Ok(None)
}

fn say(out: &mut impl Write, line: &str) {
    // A log that nobody takes is no reason to let a certificate end.
    writeln!(out, "certificate: {line}").ok();
}
