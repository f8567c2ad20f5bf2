//! Every text that a person reads, in one catalogue for each language. English is built in.

pub mod en;

pub use en as t;
