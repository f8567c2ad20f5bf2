//! Repositories, what opens them, which hosts use them and what lies in them.

use sea_orm_migration::prelude::*;

use crate::column;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.create_table(repositories(manager)).await?;
        manager.create_table(repository_credentials()).await?;
        manager.create_table(host_repositories()).await?;
        manager.create_table(snapshots(manager)).await?;
        manager
            .create_index(
                column::index(
                    "repositories_url_canonical_username",
                    "repositories",
                    &["url_canonical", "username"],
                )
                .unique()
                .take(),
            )
            .await?;
        manager
            .create_index(column::index(
                "repository_credentials_repository_id",
                "repository_credentials",
                &["repository_id"],
            ))
            .await?;
        manager
            .create_index(column::index(
                "repository_credentials_host_id",
                "repository_credentials",
                &["host_id"],
            ))
            .await?;
        manager
            .create_index(column::index(
                "host_repositories_repository_id",
                "host_repositories",
                &["repository_id"],
            ))
            .await?;
        manager
            .create_index(
                column::index("host_repositories_default", "host_repositories", &["host_id"])
                    .unique()
                    .and_where(Expr::col("is_default").eq(true))
                    .take(),
            )
            .await?;
        manager
            .create_index(column::index(
                "snapshots_time",
                "snapshots",
                &["host_id", "repository_id", "list_id", "time"],
            ))
            .await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(Table::drop().table("snapshots").take()).await?;
        manager
            .drop_table(Table::drop().table("host_repositories").take())
            .await?;
        manager
            .drop_table(Table::drop().table("repository_credentials").take())
            .await?;
        manager.drop_table(Table::drop().table("repositories").take()).await
    }

    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}

fn repositories(manager: &SchemaManager<'_>) -> TableCreateStatement {
    Table::create()
        .table("repositories")
        .col(column::id("id").primary_key())
        .col(column::text("name"))
        .col(column::key(manager, "name_key").unique_key())
        .col(column::text("url"))
        .col(column::text("url_canonical"))
        .col(column::text("username"))
        .col(column::text_or_null("restic_id"))
        .col(column::time("created_at"))
        .col(column::number("version"))
        .take()
}

fn repository_credentials() -> TableCreateStatement {
    Table::create()
        .table("repository_credentials")
        .col(column::text("id").primary_key())
        .col(column::id("repository_id"))
        .col(column::text("slot"))
        .col(column::id_or_null("host_id"))
        .col(column::bytes("sealed"))
        .col(column::time("updated_at"))
        .foreign_key(&mut column::belongs_to("repository_id", "repositories"))
        .foreign_key(&mut column::belongs_to("host_id", "hosts"))
        .take()
}

fn host_repositories() -> TableCreateStatement {
    Table::create()
        .table("host_repositories")
        .col(column::id("host_id"))
        .col(column::id("repository_id"))
        .col(column::flag("is_default"))
        .col(column::text("status"))
        .col(column::text("detail"))
        .col(column::id_or_null("snapshot_list"))
        .col(column::time_or_null("snapshots_refreshed_at"))
        .col(column::number("snapshot_count"))
        .primary_key(Index::create().col("host_id").col("repository_id"))
        .foreign_key(&mut column::belongs_to("host_id", "hosts"))
        // No cascade: a repository that is used is not forgotten by accident.
        .foreign_key(ForeignKey::create().from_col("repository_id").to("repositories", "id"))
        .take()
}

fn snapshots(manager: &SchemaManager<'_>) -> TableCreateStatement {
    Table::create()
        .table("snapshots")
        .col(column::id("host_id"))
        .col(column::id("repository_id"))
        .col(column::id("list_id"))
        .col(column::key(manager, "id"))
        .col(column::time("time"))
        .col(column::text("restic_host"))
        .col(column::text("paths"))
        .col(column::text("tags"))
        .col(column::number_or_null("size_bytes"))
        .col(column::number_or_null("file_count"))
        .col(column::text_or_null("program_version"))
        .primary_key(
            Index::create()
                .col("host_id")
                .col("repository_id")
                .col("list_id")
                .col("id"),
        )
        .foreign_key(
            ForeignKey::create()
                .from_col("host_id")
                .from_col("repository_id")
                .to_tbl("host_repositories")
                .to_col("host_id")
                .to_col("repository_id")
                .on_delete(ForeignKeyAction::Cascade),
        )
        .take()
}
