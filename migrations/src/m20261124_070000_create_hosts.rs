//! Hosts with what is known of them, and what they back up.

use sea_orm_migration::prelude::*;

use crate::column;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.create_table(hosts(manager)).await?;
        manager.create_table(source_groups(manager)).await?;
        manager
            .create_index(column::index("hosts_status", "hosts", &["status"]))
            .await?;
        manager
            .create_index(
                column::index("source_groups_host_id_name", "source_groups", &["host_id", "name"])
                    .unique()
                    .take(),
            )
            .await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(Table::drop().table("source_groups").take()).await?;
        manager.drop_table(Table::drop().table("hosts").take()).await
    }

    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}

fn hosts(manager: &SchemaManager<'_>) -> TableCreateStatement {
    Table::create()
        .table("hosts")
        .col(column::id("id").primary_key())
        .col(column::text("hostname"))
        .col(column::key(manager, "hostname_key").unique_key())
        .col(column::text("restic_host"))
        .col(column::time("enrolled_at"))
        .col(column::text("tags"))
        .col(column::flag("always_on"))
        .col(column::number("limit_upload_kib_s"))
        .col(column::number("limit_download_kib_s"))
        .col(column::number("version"))
        .col(column::text("status"))
        .col(column::time("status_since"))
        .col(column::time_or_null("last_seen_at"))
        .col(column::text_or_null("boot_id"))
        .col(column::number_or_null("protocol_version"))
        .col(column::number_or_null("clock_skew_micros"))
        .col(column::text("inventory"))
        .col(column::number("session_epoch"))
        .col(column::number("desired_version"))
        .col(column::number("applied_version"))
        .col(column::text("applied"))
        .col(column::time_or_null("last_backup_at"))
        .col(column::text_or_null("last_backup_code"))
        .col(column::number("snapshot_count"))
        .col(column::id_or_null("running_job_id"))
        .col(column::text("health"))
        .col(column::text("health_reason"))
        .take()
}

fn source_groups(manager: &SchemaManager<'_>) -> TableCreateStatement {
    Table::create()
        .table("source_groups")
        .col(column::id("id").primary_key())
        .col(column::id("host_id"))
        .col(column::key(manager, "name"))
        .col(column::text("paths"))
        .col(column::time("created_at"))
        .foreign_key(&mut column::belongs_to("host_id", "hosts"))
        .take()
}
