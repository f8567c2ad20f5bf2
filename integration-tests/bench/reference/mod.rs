//! Programs that do the bare minimum, for comparison. `echo.rs` is a program of its own.

pub(crate) mod commit;
