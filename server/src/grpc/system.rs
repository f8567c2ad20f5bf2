//! `SystemService`.

use proto::convert::{to_duration, to_timestamp};
use proto::v1;
use proto::v1::system_service_server::SystemService;
use tonic::{Request, Response, Status};

use super::Api;
use crate::app::IngestFigures;
use crate::meters::Reading;
use crate::tasks::TaskStatus;
use crate::version;

#[tonic::async_trait]
impl SystemService for Api {
    async fn get_version(&self, _: Request<v1::GetVersionRequest>) -> Result<Response<v1::Version>, Status> {
        Ok(Response::new(v1::Version {
            version: version::VERSION.to_owned(),
            commit: version::COMMIT.to_owned(),
            protocol_min: version::PROTOCOL_MIN,
            protocol_max: version::PROTOCOL_MAX,
        }))
    }

    async fn list_tasks(&self, _: Request<v1::ListTasksRequest>) -> Result<Response<v1::ListTasksResponse>, Status> {
        let tasks = self.app.tasks().into_iter().map(task).collect();
        Ok(Response::new(v1::ListTasksResponse { tasks }))
    }

    async fn list_limits(&self, _: Request<v1::ListLimitsRequest>) -> Result<Response<v1::ListLimitsResponse>, Status> {
        let limits = self.app.meters().readings().into_iter().map(limit).collect();
        Ok(Response::new(v1::ListLimitsResponse { limits }))
    }

    async fn get_ingest(&self, _: Request<v1::GetIngestRequest>) -> Result<Response<v1::Ingest>, Status> {
        Ok(Response::new(ingest(self.app.ingest_figures())))
    }
}

fn task(status: TaskStatus) -> v1::Task {
    let TaskStatus {
        name,
        period,
        last_run_at,
        duration,
        last_result,
        last_error,
    } = status;
    v1::Task {
        name: name.to_owned(),
        period: Some(to_duration(period)),
        last_run_at: last_run_at.map(to_timestamp),
        duration_ms: duration.map(|duration| u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)),
        last_result,
        last_error,
    }
}

fn ingest(figures: IngestFigures) -> v1::Ingest {
    let IngestFigures {
        batches,
        events,
        log_chunks,
        commits,
        given_up,
        waiting,
    } = figures;
    v1::Ingest {
        batches,
        events,
        log_chunks,
        commits,
        given_up,
        waiting,
    }
}

fn limit(reading: Reading) -> v1::Limit {
    let Reading {
        name,
        meaning,
        limit,
        in_use,
        reached,
    } = reading;
    v1::Limit {
        name: name.to_owned(),
        meaning: meaning.to_owned(),
        limit,
        in_use,
        reached,
    }
}
