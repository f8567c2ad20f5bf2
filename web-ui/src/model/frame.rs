//! gRPC-web on the wire: frames of one byte of flags, four of length, and the message or the trailers.
//!
//! Source: `PROTOCOL-WEB.md` of gRPC.

use std::collections::BTreeMap;

/// Flag of the frame that carries the trailers.
const TRAILERS: u8 = 0x80;
const HEAD: usize = 5;
/// Longer frames are a sign that the answer is none of the server's.
const LONGEST: usize = 32 * 1024 * 1024;

/// One frame of an answer.
#[derive(Debug, PartialEq, Eq)]
pub enum Frame {
    /// An encoded message.
    Message(Vec<u8>),
    /// The last frame: how the call ended, by lower-case name.
    Trailers(BTreeMap<String, String>),
}

/// The answer is not gRPC-web.
#[derive(Debug, PartialEq, Eq)]
pub struct Malformed;

/// Puts frames together from pieces as they arrive.
#[derive(Debug, Default)]
pub struct Decoder {
    buffer: Vec<u8>,
}

impl Decoder {
    /// Takes the next piece.
    pub fn push(&mut self, piece: &[u8]) {
        self.buffer.extend_from_slice(piece);
    }

    /// Gives the next whole frame; `None` when more has to arrive first.
    pub fn next_frame(&mut self) -> Result<Option<Frame>, Malformed> {
        let Some(head) = self.buffer.first_chunk::<HEAD>() else {
            return Ok(None);
        };
        let [flags, length @ ..] = *head;
        let length = usize::try_from(u32::from_be_bytes(length)).map_err(|_| Malformed)?;
        if length > LONGEST || !matches!(flags, 0 | TRAILERS) {
            return Err(Malformed);
        }
        if self.buffer.len() < HEAD + length {
            return Ok(None);
        }
        let body: Vec<u8> = self.buffer.drain(..HEAD + length).skip(HEAD).collect();
        if flags == TRAILERS {
            return Ok(Some(Frame::Trailers(trailers(&body)?)));
        }
        Ok(Some(Frame::Message(body)))
    }
}

/// Frames a message to be sent.
pub fn encode(message: &[u8]) -> Vec<u8> {
    let length = u32::try_from(message.len()).unwrap_or(u32::MAX);
    let mut frame = Vec::with_capacity(HEAD + message.len());
    frame.push(0);
    frame.extend(length.to_be_bytes());
    frame.extend_from_slice(message);
    frame
}

fn trailers(body: &[u8]) -> Result<BTreeMap<String, String>, Malformed> {
    let text = std::str::from_utf8(body).map_err(|_| Malformed)?;
    let pairs = text.split("\r\n").filter_map(|line| line.split_once(':'));
    Ok(pairs
        .map(|(name, value)| (name.trim().to_ascii_lowercase(), value.trim().to_owned()))
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_come_out_whole_however_they_arrive() {
        let mut bytes = encode(b"one");
        bytes.extend(encode(b""));
        bytes.extend([TRAILERS, 0, 0, 0, 32]);
        bytes.extend(b"grpc-status: 0\r\nGrpc-Message:x:y\n");
        for size in 1..bytes.len() {
            let mut decoder = Decoder::default();
            let mut frames = Vec::new();

            for piece in bytes.chunks(size) {
                decoder.push(piece);
                while let Some(frame) = decoder.next_frame().unwrap() {
                    frames.push(frame);
                }
            }

            let trailers = [("grpc-status", "0"), ("grpc-message", "x:y")];
            let trailers = trailers.map(|(name, value)| (name.to_owned(), value.to_owned()));
            assert_eq!(
                frames,
                [
                    Frame::Message(b"one".to_vec()),
                    Frame::Message(Vec::new()),
                    Frame::Trailers(trailers.into()),
                ],
                "in pieces of {size}"
            );
        }
    }

    #[test]
    fn what_is_not_a_frame_is_refused() {
        for bytes in ["<html>", "\u{1}\0\0\0\0", "\0\u{7f}\u{7f}\u{7f}\u{7f}"] {
            let mut decoder = Decoder::default();
            decoder.push(bytes.as_bytes());

            assert_eq!(decoder.next_frame(), Err(Malformed), "{bytes:?}");
        }
    }
}
