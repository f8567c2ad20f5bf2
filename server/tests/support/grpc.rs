//! A gRPC client that can call any method by its path.

use std::net::SocketAddr;

use bytes::{Buf as _, BufMut as _};
use domain::Secret;
use tonic::client::Grpc;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::metadata::{Ascii, MetadataValue};
use tonic::transport::{Channel, Endpoint};
use tonic::{Request, Status};
use tonic_types::StatusExt as _;

/// A client with its own address and, perhaps, a session.
pub struct Client {
    pub channel: Channel,
    address: String,
    token: Option<String>,
}

impl Client {
    pub async fn new(web: SocketAddr, address: String, token: Option<Secret<String>>) -> Self {
        let channel = Endpoint::from_shared(format!("http://{web}"))
            .unwrap()
            .connect()
            .await
            .unwrap();
        Self {
            channel,
            address,
            token: token.map(|token| token.expose().clone()),
        }
    }

    /// A client on a channel of its own, such as one of the agent port; with a session where the case needs one.
    pub fn over(channel: Channel, token: Option<Secret<String>>) -> Self {
        Self {
            channel,
            address: "198.51.100.1".to_owned(),
            token: token.map(|token| token.expose().clone()),
        }
    }

    /// A request with the session as bearer.
    pub fn request<M>(&self, message: M) -> Request<M> {
        let mut request = Request::new(message);
        let address: MetadataValue<Ascii> = self.address.parse().unwrap();
        request.metadata_mut().insert("x-forwarded-for", address);
        if let Some(token) = &self.token {
            request
                .metadata_mut()
                .insert("authorization", format!("Bearer {token}").parse().unwrap());
        }
        request
    }

    /// Calls a method with an encoded message and answers how it ended: for a stream that begins well, with `Ok`.
    pub async fn call(&self, path: &str, message: Vec<u8>) -> Result<(), Status> {
        let mut grpc = Grpc::new(self.channel.clone());
        grpc.ready().await.unwrap();
        let path = path.parse().unwrap();
        grpc.server_streaming(self.request(message), path, Raw).await.map(drop)
    }
}

/// The stable code of a refusal, from its `ErrorInfo`.
pub fn code(status: &Status) -> String {
    status
        .get_error_details()
        .error_info()
        .map(|info| info.reason.to_ascii_lowercase())
        .unwrap_or_default()
}

/// Bytes as they are.
#[derive(Debug, Clone, Copy)]
struct Raw;

impl Codec for Raw {
    type Encode = Vec<u8>;
    type Decode = Vec<u8>;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self
    }

    fn decoder(&mut self) -> Self {
        Self
    }
}

impl Encoder for Raw {
    type Item = Vec<u8>;
    type Error = Status;

    fn encode(&mut self, item: Vec<u8>, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        buffer.put_slice(&item);
        Ok(())
    }
}

impl Decoder for Raw {
    type Item = Vec<u8>;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<Vec<u8>>, Status> {
        let bytes = buffer.copy_to_bytes(buffer.remaining());
        Ok(Some(bytes.to_vec()))
    }
}
