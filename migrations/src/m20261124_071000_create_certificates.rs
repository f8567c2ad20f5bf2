//! The built-in CA and the certificates of hosts.

use sea_orm_migration::prelude::*;

use crate::column;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.create_table(ca_certificates()).await?;
        manager.create_table(host_certificates()).await?;
        manager
            .create_index(column::index(
                "ca_certificates_role_created_at",
                "ca_certificates",
                &["role", "created_at"],
            ))
            .await?;
        manager
            .create_index(column::index(
                "host_certificates_host_id",
                "host_certificates",
                &["host_id"],
            ))
            .await?;
        manager
            .create_index(column::index(
                "host_certificates_public_key_sha256",
                "host_certificates",
                &["public_key_sha256"],
            ))
            .await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .drop_table(Table::drop().table("host_certificates").take())
            .await?;
        manager.drop_table(Table::drop().table("ca_certificates").take()).await
    }

    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}

fn ca_certificates() -> TableCreateStatement {
    Table::create()
        .table("ca_certificates")
        .col(column::id("id").primary_key())
        .col(column::text("role"))
        .col(column::bytes("certificate"))
        .col(column::bytes("sealed_key"))
        .col(column::time("not_before"))
        .col(column::time("not_after"))
        .col(column::time("created_at"))
        .take()
}

fn host_certificates() -> TableCreateStatement {
    Table::create()
        .table("host_certificates")
        .col(column::id("id").primary_key())
        .col(column::id("host_id"))
        .col(column::text("serial").unique_key())
        .col(column::bytes("public_key_sha256"))
        .col(column::bytes("certificate"))
        .col(column::time("not_before"))
        .col(column::time("not_after"))
        .col(column::time("issued_at"))
        .col(column::time_or_null("revoked_at"))
        .foreign_key(&mut column::belongs_to("host_id", "hosts"))
        .take()
}
