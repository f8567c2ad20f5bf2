//! What callers have asked for under a key of their choosing, and what they were answered.

use sea_orm_migration::prelude::*;

use crate::column;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .create_table(
                Table::create()
                    .table("idempotency_keys")
                    .col(column::id("user_id"))
                    .col(column::id("key"))
                    .col(column::id("request_id"))
                    .col(column::bytes("asked_sealed"))
                    .col(column::bytes_or_null("answer"))
                    .col(column::time("created_at"))
                    .primary_key(Index::create().col("user_id").col("key"))
                    .foreign_key(&mut column::belongs_to("user_id", "users"))
                    .take(),
            )
            .await?;
        manager
            .create_index(column::index(
                "idempotency_keys_created_at",
                "idempotency_keys",
                &["created_at"],
            ))
            .await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(Table::drop().table("idempotency_keys").take()).await
    }

    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}
