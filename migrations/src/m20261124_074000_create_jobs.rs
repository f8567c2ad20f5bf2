//! Jobs, their logs, the commands that start and end them, and how far each agent's events are applied.

use sea_orm_migration::prelude::*;

use crate::column;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.create_table(jobs()).await?;
        manager.create_table(job_log_chunks()).await?;
        manager.create_table(commands()).await?;
        manager.create_table(agent_cursors()).await?;
        manager
            .create_index(column::index("jobs_created_at", "jobs", &["created_at", "id"]))
            .await?;
        manager
            .create_index(column::index(
                "jobs_host_id_created_at",
                "jobs",
                &["host_id", "created_at", "id"],
            ))
            .await?;
        manager
            .create_index(column::index(
                "jobs_host_id_kind_finished_at",
                "jobs",
                &["host_id", "kind", "finished_at"],
            ))
            .await?;
        manager
            .create_index(column::index("jobs_phase", "jobs", &["phase"]))
            .await?;
        manager
            .create_index(column::index(
                "commands_host_id_state",
                "commands",
                &["host_id", "state"],
            ))
            .await?;
        manager
            .create_index(column::index("commands_job_id", "commands", &["job_id"]))
            .await?;
        manager
            .create_index(column::index(
                "commands_state_expires_at",
                "commands",
                &["state", "expires_at"],
            ))
            .await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(Table::drop().table("agent_cursors").take()).await?;
        manager.drop_table(Table::drop().table("commands").take()).await?;
        manager.drop_table(Table::drop().table("job_log_chunks").take()).await?;
        manager.drop_table(Table::drop().table("jobs").take()).await
    }

    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}

fn jobs() -> TableCreateStatement {
    Table::create()
        .table("jobs")
        .col(column::id("id").primary_key())
        .col(column::id("host_id"))
        .col(column::id("repository_id"))
        .col(column::text("kind"))
        .col(column::id_or_null("source_group_id"))
        .col(column::text_or_null("paths"))
        .col(column::text("actor"))
        .col(column::text("actor_name"))
        .col(column::number("attempt"))
        .col(column::time("created_at"))
        .col(column::text_or_null("cancel_requested"))
        .col(column::text("phase"))
        .col(column::text("facts"))
        .col(column::time_or_null("started_at"))
        .col(column::time_or_null("finished_at"))
        .col(column::text_or_null("result_code"))
        .col(column::number("version"))
        .col(column::number("log_lines"))
        .col(column::number("log_bytes"))
        .col(column::flag("log_truncated"))
        .foreign_key(&mut column::belongs_to("host_id", "hosts"))
        .take()
}

fn job_log_chunks() -> TableCreateStatement {
    Table::create()
        .table("job_log_chunks")
        .col(column::id("job_id"))
        .col(column::number("first_line"))
        .col(column::number("line_count"))
        .col(column::number("text_bytes"))
        .col(column::bytes("lines_zstd"))
        .primary_key(Index::create().col("job_id").col("first_line"))
        .foreign_key(&mut column::belongs_to("job_id", "jobs"))
        .take()
}

fn commands() -> TableCreateStatement {
    Table::create()
        .table("commands")
        .col(column::id("id").primary_key())
        .col(column::id("host_id"))
        .col(column::id("job_id"))
        .col(column::text("kind"))
        .col(column::text("state"))
        .col(column::text("facts"))
        .col(column::time("created_at"))
        .col(column::time("expires_at"))
        .foreign_key(&mut column::belongs_to("host_id", "hosts"))
        .foreign_key(&mut column::belongs_to("job_id", "jobs"))
        .take()
}

fn agent_cursors() -> TableCreateStatement {
    Table::create()
        .table("agent_cursors")
        .col(column::id("host_id"))
        .col(column::id("incarnation"))
        .col(column::number("through_seq"))
        .col(column::time("updated_at"))
        .primary_key(Index::create().col("host_id").col("incarnation"))
        .foreign_key(&mut column::belongs_to("host_id", "hosts"))
        .take()
}
