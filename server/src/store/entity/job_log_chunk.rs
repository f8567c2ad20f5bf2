use domain::id::JobId;
use domain::session::LogChunk;
use sea_orm::entity::prelude::*;

use crate::store::Error;
use crate::store::row::Row;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "job_log_chunks")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub job_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub first_line: i64,
    pub line_count: i64,
    pub text_bytes: i64,
    pub lines_zstd: Vec<u8>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl TryFrom<Model> for LogChunk {
    type Error = Error;

    fn try_from(model: Model) -> Result<Self, Error> {
        let Model {
            job_id,
            first_line,
            line_count,
            text_bytes,
            lines_zstd,
        } = model;
        let row = Row::new("job_log_chunks", &format_args!("{job_id}/{first_line}"));
        Ok(Self {
            job: JobId::from_uuid(job_id),
            first_line: row.count("first_line", first_line)?,
            line_count: row.count("line_count", line_count)?,
            text_bytes: row.count("text_bytes", text_bytes)?,
            follows_line: None,
            lines_zstd,
        })
    }
}
