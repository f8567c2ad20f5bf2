//! The one door: every generated service is mounted as a [`Guarded`], on every face.

use std::future::Future;

use prost::Message;
use tonic::{Request, Response, Status};

/// Decides whether a call may go on.
#[tonic::async_trait]
pub trait Door: Send + Sync + 'static {
    /// Looks at who calls `method` (`/package.Service/Method`) and either puts what it learned into the request's
    /// extensions or refuses. It is asked before the service sees the request, whatever face the call came through.
    async fn admit<T: Send>(&self, method: &'static str, request: &mut Request<T>) -> Result<(), Status>;

    /// Carries out an admitted call of a method whose request has a field `request_id`, here taken out of the message:
    /// once, however often it arrives with the same value. A repetition gets the first one's answer.
    async fn once<M, A, C, F>(
        &self,
        method: &'static str,
        request_id: String,
        request: Request<M>,
        call: C,
    ) -> Result<Response<A>, Status>
    where
        M: Message + 'static,
        A: Message + Default + 'static,
        C: FnOnce(Request<M>) -> F + Send + 'static,
        F: Future<Output = Result<Response<A>, Status>> + Send + 'static;
}

/// A service behind a door. The build implements each service trait on it.
#[derive(Debug, Clone)]
pub struct Guarded<S, D> {
    /// The service that answers once the caller was admitted.
    pub service: S,
    /// The door that is asked first.
    pub door: D,
}
