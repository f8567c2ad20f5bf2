//! What the overview shows of each host: how urgent, why, since when, and how its last backups ended.

use sea_orm_migration::prelude::*;

use crate::column;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

const HOSTS: &str = "hosts";

/// The urgency of each verdict there was when this migration was written.
const URGENCIES: [(&str, i64); 7] = [
    ("failing", 0),
    ("offline", 1),
    ("warning", 2),
    ("pending", 3),
    ("waiting", 4),
    ("asleep", 5),
    ("ok", 6),
];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // SQLite adds one column a statement.
        for column in columns() {
            manager
                .alter_table(Table::alter().table(HOSTS).add_column(column).take())
                .await?;
        }
        // The rest is computed by the server that migrates, before it serves anybody.
        for (health, urgency) in URGENCIES {
            let update = Query::update()
                .table(HOSTS)
                .value("urgency", urgency)
                .and_where(Expr::col("health").eq(health))
                .take();
            manager.execute(update).await?;
        }
        manager
            .create_index(column::index("hosts_urgency", HOSTS, &["urgency", "health_cause"]))
            .await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .drop_index(Index::drop().name("hosts_urgency").table(HOSTS).to_owned())
            .await?;
        for column in [
            "urgency",
            "health_cause",
            "health_since",
            "recent_runs",
            "last_success_at",
        ] {
            manager
                .alter_table(Table::alter().table(HOSTS).drop_column(column).take())
                .await?;
        }
        Ok(())
    }

    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}

fn columns() -> [ColumnDef; 5] {
    [
        column::number("urgency").default(0).take(),
        column::text("health_cause").default("").take(),
        column::time_or_null("health_since"),
        column::text("recent_runs").default("").take(),
        column::time_or_null("last_success_at"),
    ]
}
