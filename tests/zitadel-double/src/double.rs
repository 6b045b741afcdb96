//! The double within a test's process.

use std::path::{Path, PathBuf};
use std::thread::JoinHandle;

use tokio::sync::oneshot;

use crate::config::Config;
use crate::error::Error;
use crate::masterkey::MasterKey;
use crate::{chain, serve, setup};

/// A double that is set up, serves, and ends with this value.
pub struct Double {
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Double {
    /// Makes schema, tables and first instance as `init` and `setup` do, and serves as `start` does.
    ///
    /// # Errors
    /// What the programs would print.
    pub fn start(config: &Path, masterkey: &Path) -> Result<Self, String> {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
        let runtime = runtime.map_err(|error| error.to_string())?;
        let files = [PathBuf::from(config)];
        let prepared = runtime.block_on(async {
            let config = Config::load(&files, &[])?;
            let masterkey = MasterKey::read(masterkey)?;
            setup::init(&config).await?;
            setup::setup(&config, &masterkey).await?;
            Ok::<_, Error>((config, masterkey))
        });
        let (config, masterkey) = prepared.map_err(|error| chain(&error))?;
        let (stop, stopped) = oneshot::channel();
        let thread = std::thread::spawn(move || {
            let ended = async { drop(stopped.await) };
            if let Err(error) = runtime.block_on(serve::serve(config, &masterkey, None, ended)) {
                crate::say(&format!("zitadel-double: {}", chain(&error)));
            }
        });
        Ok(Self { stop: Some(stop), thread: Some(thread) })
    }
}

impl Drop for Double {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // A panic in it has been printed.
            let _ = thread.join();
        }
    }
}
