//! The keys with which hosts come back after their certificate has ended.

use sea_orm_migration::prelude::*;

use crate::column;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.create_table(host_identity_keys()).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .drop_table(Table::drop().table("host_identity_keys").take())
            .await
    }

    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}

fn host_identity_keys() -> TableCreateStatement {
    Table::create()
        .table("host_identity_keys")
        .col(column::id("host_id").primary_key())
        .col(column::bytes("public_key").unique_key())
        .col(column::time("created_at"))
        .foreign_key(&mut column::belongs_to("host_id", "hosts"))
        .take()
}
