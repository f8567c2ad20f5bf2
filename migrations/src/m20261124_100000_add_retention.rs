//! What retention needs: when the log of a job was removed, the order in which jobs ended, and where the audit log was cut.

use sea_orm_migration::prelude::*;

use crate::column;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .alter_table(
                Table::alter()
                    .table("jobs")
                    .add_column(column::time_or_null("log_removed_at"))
                    .take(),
            )
            .await?;
        manager
            .create_index(column::index("jobs_finished_at", "jobs", &["finished_at", "id"]))
            .await?;
        manager
            .create_table(
                Table::create()
                    .table("audit_anchor")
                    .col(column::number("id").primary_key())
                    .col(column::number("through_id"))
                    .col(column::bytes("hash"))
                    .col(column::time("cut_at"))
                    .take(),
            )
            .await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(Table::drop().table("audit_anchor").take()).await?;
        manager
            .drop_index(Index::drop().name("jobs_finished_at").table("jobs").to_owned())
            .await?;
        manager
            .alter_table(Table::alter().table("jobs").drop_column("log_removed_at").take())
            .await
    }

    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}
