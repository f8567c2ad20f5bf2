//! The schema, as a sequence of migrations.
