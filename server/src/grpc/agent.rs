//! `AgentService`: the streams of agents. Each one is a task of its own, see [`conversation`].

mod conversation;

use std::sync::Arc;

use domain::ErrorCode;
use proto::agent::v1;
use proto::agent::v1::agent_service_server::AgentService;
use tonic::{Request, Response, Status, Streaming};

use self::conversation::{Conversation, Line};
use super::connection::Connection;
use super::{Api, caller, refuse};
use crate::app::Error;
use crate::pki::peer::PeerIdentity;
use crate::sessions::queue::{Receiver, queue};

#[tonic::async_trait]
impl AgentService for Api {
    type OpenSessionStream = Receiver<Result<v1::ServerMessage, Status>>;

    async fn open_session(
        &self,
        request: Request<Streaming<v1::AgentMessage>>,
    ) -> Result<Response<Self::OpenSessionStream>, Status> {
        let caller = caller(&request)?;
        let peer = request.extensions().get::<Arc<PeerIdentity>>().cloned();
        let peer = peer.ok_or_else(|| refuse(&caller)(Error::refuse(ErrorCode::Unauthorized)))?;
        let (outbound, stream) = queue(self.app.agent_limits().outbound);
        let line = Line {
            connection: request.extensions().get::<Connection>().cloned().unwrap_or_default(),
            inbound: request.into_inner(),
            outbound,
        };
        let conversation = Conversation::new(self.app.clone(), caller, peer, line);
        tokio::spawn(conversation.hold());
        Ok(Response::new(stream))
    }
}
