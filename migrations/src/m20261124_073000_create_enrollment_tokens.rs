//! Rights to enroll a host.

use sea_orm_migration::prelude::*;

use crate::column;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.create_table(enrollment_tokens()).await?;
        manager
            .create_index(column::index(
                "enrollment_tokens_created_at",
                "enrollment_tokens",
                &["created_at", "id"],
            ))
            .await?;
        manager
            .create_index(column::index(
                "enrollment_tokens_host_id",
                "enrollment_tokens",
                &["host_id"],
            ))
            .await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .drop_table(Table::drop().table("enrollment_tokens").take())
            .await
    }

    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}

fn enrollment_tokens() -> TableCreateStatement {
    Table::create()
        .table("enrollment_tokens")
        .col(column::id("id").primary_key())
        .col(column::text("hostname"))
        .col(column::text("tags"))
        .col(column::text_or_null("initial_paths"))
        .col(column::id_or_null("repository_id"))
        .col(column::text_or_null("repository_url"))
        .col(column::bytes_or_null("sealed_credentials"))
        .col(column::text_or_null("source_cidr"))
        .col(column::bytes("secret_sha256"))
        .col(column::text("created_by"))
        .col(column::time("created_at"))
        .col(column::time("expires_at"))
        .col(column::time_or_null("used_at"))
        .col(column::bytes_or_null("used_key_sha256"))
        .col(column::text_or_null("used_nonce"))
        .col(column::id_or_null("host_id"))
        .col(column::time_or_null("revoked_at"))
        // The token tells what happened; that the host is gone by now does not change it.
        .foreign_key(
            ForeignKey::create()
                .from_col("host_id")
                .to("hosts", "id")
                .on_delete(ForeignKeyAction::SetNull),
        )
        .take()
}
