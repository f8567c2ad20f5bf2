//! What fails around the programs: databases, disks, clocks, secrets. After each fault nothing that was acknowledged is lost,
//! nothing has run twice, and people were told what to do.
//!
//! One program, because these tests spend most of their time waiting, and can do so side by side.

mod clock_steps;
mod database_away;
mod full_disks;
mod unreadable_secrets;
