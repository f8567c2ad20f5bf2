//! A client of the live stream of a job.

use std::time::Duration;

use domain::id::JobId;
use reqwest::{Method, Response};
use serde_json::Value;

use super::rest::Client;

/// One server-sent event.
#[derive(Debug)]
pub struct Told {
    pub id: String,
    pub name: String,
    pub data: Value,
}

/// A live stream of a job.
pub struct Live {
    response: Response,
    text: String,
}

impl Live {
    pub async fn open(client: &Client, job: JobId, last: Option<&str>) -> Self {
        let mut request = client
            .request(Method::GET, &format!("/api/jobs/{job}/stream"))
            .header("accept", "text/event-stream");
        if let Some(last) = last {
            request = request.header("last-event-id", last);
        }
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), 200);
        Self {
            response,
            text: String::new(),
        }
    }

    /// The next event; signs of life are passed over.
    pub async fn next(&mut self) -> Told {
        self.try_next().await.expect("the stream has ended")
    }

    pub async fn until(&mut self, name: &str) -> Told {
        loop {
            let told = self.next().await;
            if told.name == name {
                return told;
            }
            assert_ne!(told.name, "end", "{told:?}");
        }
    }

    /// All that follows until the stream ends, in short.
    pub async fn rest(mut self) -> Vec<String> {
        let mut told = Vec::new();
        while let Some(Told { id, name, data }) = self.try_next().await {
            told.push(match name.as_str() {
                "log" => format!("log {id}: {}", payloads(&data["lines"]).join(" ")),
                "gap" => format!(
                    "gap {id}: {}+{}",
                    data["from_seq"].as_str().unwrap(),
                    data["lines"].as_str().unwrap()
                ),
                name => format!("{name} {id}"),
            });
        }
        told
    }

    async fn try_next(&mut self) -> Option<Told> {
        loop {
            while let Some((frame, rest)) = self.text.split_once("\n\n") {
                let (frame, rest) = (frame.to_owned(), rest.to_owned());
                self.text = rest;
                if !frame.starts_with(':') {
                    return Some(told(&frame));
                }
            }
            let chunk = tokio::time::timeout(Duration::from_secs(30), self.response.chunk())
                .await
                .expect("nothing came");
            self.text += std::str::from_utf8(&chunk.unwrap()?).unwrap();
        }
    }
}

fn told(frame: &str) -> Told {
    let field = |name: &str| {
        frame
            .lines()
            .find_map(|line| line.strip_prefix(name))
            .unwrap_or_default()
            .to_owned()
    };
    let data = serde_json::from_str(&field("data: ")).unwrap_or_else(|error| panic!("{error}: {frame}"));
    Told {
        id: field("id: "),
        name: field("event: "),
        data,
    }
}

/// The texts of lines of a log.
pub fn payloads(lines: &Value) -> Vec<&str> {
    lines
        .as_array()
        .unwrap()
        .iter()
        .map(|line| line["payload"].as_str().unwrap())
        .collect()
}
