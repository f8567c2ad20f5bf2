//! How large repositories are and which locks they hold, as far as jobs have found out.

use sea_orm_migration::prelude::*;

use crate::column;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let table = Table::create()
            .table("repository_stats")
            .col(column::id("repository_id").primary_key())
            .col(column::text("stats"))
            .col(column::time_or_null("sizes_at"))
            .col(column::time_or_null("locks_at"))
            .foreign_key(&mut column::belongs_to("repository_id", "repositories"))
            .take();
        manager.create_table(table).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(Table::drop().table("repository_stats").take()).await
    }

    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}
