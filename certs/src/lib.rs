//! A CA and leaves in memory or from files, hot reloaded, and trust bundles.
