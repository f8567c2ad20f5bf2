//! The record of who did what, and the head of its chain.

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
                    .table("audit_log")
                    .col(column::number("id").primary_key())
                    .col(column::time("at"))
                    .col(column::text("actor_kind"))
                    .col(column::text_or_null("actor_id"))
                    .col(column::text("actor_name"))
                    .col(column::text_or_null("ip"))
                    .col(column::text("action"))
                    .col(column::text_or_null("target_kind"))
                    .col(column::text_or_null("target_id"))
                    .col(column::text("target_name"))
                    .col(column::text("payload"))
                    .col(column::bytes("hash"))
                    .take(),
            )
            .await?;
        manager
            .create_table(
                Table::create()
                    .table("audit_head")
                    .col(column::number("id").primary_key())
                    .col(column::number("last_id"))
                    .col(column::bytes("hash"))
                    .take(),
            )
            .await?;
        // The head exists before the first entry, so that there is always a row to lock.
        manager
            .execute(
                Query::insert()
                    .into_table("audit_head")
                    .columns(["id", "last_id", "hash"])
                    .values_panic([1_i64.into(), 0_i64.into(), vec![0_u8; 32].into()])
                    .take(),
            )
            .await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(Table::drop().table("audit_head").take()).await?;
        manager.drop_table(Table::drop().table("audit_log").take()).await
    }

    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}
