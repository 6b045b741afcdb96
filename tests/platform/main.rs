//! The promises of the whole platform, each proved on a real node where `deploy-umbrella.sh install` has put it
//! (`make platform`). The tests share one installation and take parts of it away, so they run one after another, and each
//! leaves everything ready.

#![cfg(test)]

mod events;
mod ingress;
mod leaks;
mod openbao;
mod postgres;
mod redis;
mod rotation;
mod zitadel;
