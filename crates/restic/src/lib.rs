//! Typed wrapper around the restic command line.
