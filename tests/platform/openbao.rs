//! (b), (c), (d), (i) OpenBao: no acknowledged write is lost whatever ends, what drifts is put right, volumes and backups come
//! back, certificates are renewed under load.

mod certificates;
mod drift;
mod failover;
mod members;
mod recovery;
