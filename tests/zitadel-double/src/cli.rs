//! ZITADEL's commands and flags, spelt as it spells them.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::error::Error;
use crate::masterkey::MasterKey;

#[derive(Parser)]
#[command(name = "zitadel-double", about = "A double of ZITADEL for tests", version)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Prepare the database.
    Init {
        #[command(subcommand)]
        command: Init,
    },
    /// Make the tables and the first instance; what is there stays.
    Setup {
        #[command(flatten)]
        files: ConfigFiles,
        #[command(flatten)]
        steps: StepFiles,
        #[command(flatten)]
        masterkey: MasterKeyFile,
    },
    /// Serve.
    Start {
        #[command(flatten)]
        files: ConfigFiles,
        #[command(flatten)]
        masterkey: MasterKeyFile,
        #[command(flatten)]
        tls: TlsFlags,
    },
    /// Ask the server of this machine whether it is ready.
    Ready {
        #[command(flatten)]
        files: ConfigFiles,
    },
}

#[derive(Subcommand)]
pub(crate) enum Init {
    /// Make the schema; the database and its user are there already.
    Zitadel {
        #[command(flatten)]
        files: ConfigFiles,
    },
}

#[derive(Args)]
pub(crate) struct ConfigFiles {
    /// YAML; given more than once, the later wins.
    #[arg(long = "config", value_name = "FILE")]
    pub(crate) config: Vec<PathBuf>,
}

#[derive(Args)]
pub(crate) struct StepFiles {
    /// YAML with `FirstInstance`; given more than once, the later wins.
    #[arg(long = "steps", value_name = "FILE")]
    pub(crate) steps: Vec<PathBuf>,
}

#[derive(Args)]
pub(crate) struct MasterKeyFile {
    /// File whose 32 bytes are the master key.
    #[arg(long = "masterkeyFile", value_name = "FILE")]
    file: PathBuf,
}

impl MasterKeyFile {
    pub(crate) fn read(&self) -> Result<MasterKey, Error> {
        MasterKey::read(&self.file)
    }
}

#[derive(Args)]
pub(crate) struct TlsFlags {
    /// Who terminates TLS; without it, the configuration's `TLS.Enabled` decides.
    #[arg(long = "tlsMode", value_enum)]
    mode: Option<TlsMode>,
}

impl TlsFlags {
    pub(crate) fn mode(&self) -> Option<TlsMode> {
        self.mode
    }
}

#[derive(Clone, Copy, ValueEnum, PartialEq, Eq)]
pub(crate) enum TlsMode {
    /// This server.
    Enabled,
    /// A proxy in front.
    External,
    /// Nobody.
    Disabled,
}
