//! The sidecar: logs in, renders secrets to tmpfs, keeps leases alive, reloads the process.
