//! gRPC-web as bytes, without a client of the contract.

use serde_json::Value;

use crate::rest::Rest;

/// Calls a method whose request is empty or holds one id, such as `restic_manager.v1.HostService/GetHost`.
///
/// Answers the bytes as they came: the message in its frame, then the trailers.
pub fn call(client: &Rest, method: &str, id: Option<&Value>) -> Vec<u8> {
    let mut message = Vec::new();
    if let Some(id) = id.and_then(Value::as_str) {
        // Field 1, text: every request for one thing has its id there.
        message.extend([0x0a, u8::try_from(id.len()).expect("an id is short")]);
        message.extend(id.as_bytes());
    }
    call_with(client, method, &message)
}

/// Calls a method with an encoded request, and answers as [`call`] does.
pub fn call_with(client: &Rest, method: &str, message: &[u8]) -> Vec<u8> {
    let mut frame = vec![0];
    frame.extend(u32::try_from(message.len()).expect("it is short").to_be_bytes());
    frame.extend(message);
    let (_, bytes) = client.post_bytes(&format!("/{method}"), "application/grpc-web+proto", &frame);
    bytes
}
