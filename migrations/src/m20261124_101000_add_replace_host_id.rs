//! Tokens that put a machine in the place of a host.

use sea_orm_migration::prelude::*;

use crate::column;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // Without a foreign key: a token of a host that was deleted must not turn into one that makes a host.
        let column = column::id_or_null("replace_host_id");
        manager
            .alter_table(Table::alter().table("enrollment_tokens").add_column(column).take())
            .await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .alter_table(
                Table::alter()
                    .table("enrollment_tokens")
                    .drop_column("replace_host_id")
                    .take(),
            )
            .await
    }

    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}
