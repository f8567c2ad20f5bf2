//! The one door: every generated service is mounted as a [`Guarded`], on every face.

/// Decides whether a call may go on.
#[tonic::async_trait]
pub trait Door: Send + Sync + 'static {
    /// Looks at who calls `method` (`/package.Service/Method`) and either puts what it learned into the request's
    /// extensions or refuses. It is asked before the service sees the request, whatever face the call came through.
    async fn admit<T: Send>(&self, method: &'static str, request: &mut tonic::Request<T>) -> Result<(), tonic::Status>;
}

/// A service behind a door. The build implements each service trait on it.
#[derive(Debug, Clone)]
pub struct Guarded<S, D> {
    /// The service that answers once the caller was admitted.
    pub service: S,
    /// The door that is asked first.
    pub door: D,
}
