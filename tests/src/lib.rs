//! Tests and benches that need a server or a cluster.
