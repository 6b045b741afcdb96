//! The authority of OpenBao's certificate where its members publish it: in a ConfigMap, read beside the request path.
//!
//! Agents are given it in the pod's specification. Until it is there no pod could be made that works, so the replica is
//! not ready before.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use blinkchamber_certs::CaCert;
use blinkchamber_contract::plan::Defaults;
use k8s_openapi::api::core::v1::ConfigMap;
use kube::{Api, Client};
use tokio::time::sleep;
use tracing::{info, warn};

use crate::logs::chain;

#[cfg(test)]
mod tests;

/// Key of the ConfigMap.
const KEY: &str = "ca.crt";

/// Between two looks while it is not there, and afterwards.
const EAGER: Duration = Duration::from_millis(500);
const CALM: Duration = Duration::from_secs(15);

/// `namespace/name` of the ConfigMap.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Published {
    pub(crate) namespace: String,
    pub(crate) name: String,
}

impl Published {
    /// `namespace/name`, or nothing.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (namespace, name) = text.split_once('/')?;
        let fine = !namespace.is_empty() && !name.is_empty() && !name.contains('/');
        fine.then(|| Self { namespace: namespace.to_owned(), name: name.to_owned() })
    }
}

/// What holds when a pod says nothing, with the authority of the moment.
#[derive(Clone)]
pub(crate) struct Current {
    defaults: Arc<ArcSwap<Defaults>>,
    /// Somebody publishes the authority, and it is part of the defaults only then.
    awaited: bool,
}

impl Current {
    pub(crate) fn new(defaults: Defaults, awaited: bool) -> Self {
        Self { defaults: Arc::new(ArcSwap::from_pointee(defaults)), awaited }
    }

    pub(crate) fn load(&self) -> Arc<Defaults> {
        self.defaults.load_full()
    }

    /// Why no pod should be made yet, if so.
    pub(crate) fn obstacle(&self) -> Option<&'static str> {
        let missing = self.awaited && self.defaults.load().ca_cert_pem.is_none();
        missing.then_some("the authority of OpenBao's certificate is not published yet")
    }

    /// Looks for the authority for ever.
    pub(crate) async fn follow(&self, client: Client, place: Published) {
        let maps: Api<ConfigMap> = Api::namespaced(client, &place.namespace);
        let mut told = String::new();
        loop {
            let found = match maps.get_opt(&place.name).await {
                Ok(map) => self.take(map.as_ref()),
                Err(error) => Err(chain(&error)),
            };
            match found {
                Ok(false) => told.clear(),
                Ok(true) => info!(config_map = %place.name, "authority of OpenBao's certificate taken"),
                Err(why) if why != told => {
                    warn!(config_map = %place.name, error = %why, "authority of OpenBao's certificate unknown");
                    told = why;
                }
                Err(_) => {}
            }
            sleep(if self.obstacle().is_some() { EAGER } else { CALM }).await;
        }
    }

    /// Takes what the ConfigMap holds; true when it is another than before. What was known stays when it holds nothing.
    fn take(&self, map: Option<&ConfigMap>) -> Result<bool, String> {
        let pem = map.and_then(|map| map.data.as_ref()?.get(KEY));
        let pem = pem.ok_or_else(|| format!("it holds no {KEY}"))?;
        let known = self.defaults.load();
        if known.ca_cert_pem.as_ref() == Some(pem) {
            return Ok(false);
        }
        CaCert::from_pem(pem.as_bytes(), KEY).map_err(|error| chain(&error))?;
        let mut next = Defaults::clone(&known);
        next.ca_cert_pem = Some(pem.clone());
        self.defaults.store(Arc::new(next));
        Ok(true)
    }
}

impl From<Defaults> for Current {
    /// Defaults that nothing has to be added to.
    fn from(defaults: Defaults) -> Self {
        Self::new(defaults, false)
    }
}
