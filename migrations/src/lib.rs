#![doc = include_str!("../README.md")]

mod column;
mod m20261124_060000_create_users;
mod m20261124_061000_create_audit_log;
mod m20261124_062000_create_settings;
mod m20261124_070000_create_hosts;
mod m20261124_071000_create_certificates;
mod m20261124_072000_create_repositories;
mod m20261124_073000_create_enrollment_tokens;
mod m20261124_074000_create_jobs;
mod m20261124_080000_add_found_repositories;
mod m20261124_100000_add_retention;
mod m20261124_101000_add_replace_host_id;
mod m20261124_110000_create_idempotency_keys;
mod m20261124_111000_add_written_log_lines;
mod m20261124_120000_create_identity_keys;
mod m20261124_130000_add_job_modes;
mod m20261124_131000_create_repository_stats;
mod m20261124_150000_add_host_overview;

use sea_orm_migration::prelude::*;

/// All migrations, in the order in which they run.
#[derive(Debug, Clone, Copy)]
pub struct Migrator;

#[async_trait::async_trait]
impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(m20261124_060000_create_users::Migration),
            Box::new(m20261124_061000_create_audit_log::Migration),
            Box::new(m20261124_062000_create_settings::Migration),
            Box::new(m20261124_070000_create_hosts::Migration),
            Box::new(m20261124_071000_create_certificates::Migration),
            Box::new(m20261124_072000_create_repositories::Migration),
            Box::new(m20261124_073000_create_enrollment_tokens::Migration),
            Box::new(m20261124_074000_create_jobs::Migration),
            Box::new(m20261124_080000_add_found_repositories::Migration),
            Box::new(m20261124_100000_add_retention::Migration),
            Box::new(m20261124_101000_add_replace_host_id::Migration),
            Box::new(m20261124_110000_create_idempotency_keys::Migration),
            Box::new(m20261124_120000_create_identity_keys::Migration),
            Box::new(m20261124_111000_add_written_log_lines::Migration),
            Box::new(m20261124_130000_add_job_modes::Migration),
            Box::new(m20261124_131000_create_repository_stats::Migration),
            Box::new(m20261124_150000_add_host_overview::Migration),
        ]
    }
}
