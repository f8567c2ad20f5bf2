//! People and their login sessions.

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
                    .table("users")
                    .col(column::id("id").primary_key())
                    .col(column::text("name"))
                    .col(column::key(manager, "name_key").unique_key())
                    .col(column::text("role"))
                    .col(column::text("password_hash"))
                    .col(column::flag("enabled"))
                    .col(column::time("created_at"))
                    .take(),
            )
            .await?;
        manager
            .create_table(
                Table::create()
                    .table("login_sessions")
                    .col(column::id("id").primary_key())
                    .col(column::id("user_id"))
                    .col(column::bytes("token_sha256").unique_key())
                    .col(column::time("created_at"))
                    .col(column::time("expires_at"))
                    .foreign_key(&mut column::belongs_to("user_id", "users"))
                    .take(),
            )
            .await?;
        manager
            .create_index(column::index("login_sessions_user_id", "login_sessions", &["user_id"]))
            .await?;
        manager
            .create_index(column::index(
                "login_sessions_expires_at",
                "login_sessions",
                &["expires_at"],
            ))
            .await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(Table::drop().table("login_sessions").take()).await?;
        manager.drop_table(Table::drop().table("users").take()).await
    }

    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}
