//! A REST client with a session.

use std::net::SocketAddr;

use domain::Secret;
use reqwest::{Method, RequestBuilder, StatusCode, header};
use serde_json::Value;

/// A client with its own address and, perhaps, a session in its cookie jar.
pub struct Client {
    http: reqwest::Client,
    base: String,
    address: String,
    cookie: Option<String>,
}

/// An answer, read whole.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: header::HeaderMap,
    pub text: String,
}

impl Client {
    pub fn new(web: SocketAddr, address: String, token: Option<Secret<String>>) -> Self {
        let cookie = token.map(|token| format!("rm_session={}", token.expose()));
        Self {
            http: reqwest::Client::new(),
            base: format!("http://{web}"),
            address,
            cookie,
        }
    }

    /// Begins a request with the session's cookie.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self
            .http
            .request(method, format!("{}{path}", self.base))
            .header("x-forwarded-for", &self.address);
        match &self.cookie {
            Some(cookie) => request.header(header::COOKIE, cookie),
            None => request,
        }
    }

    pub async fn get(&self, path: &str) -> Answer {
        send(self.request(Method::GET, path)).await
    }

    pub async fn post(&self, path: &str, body: Value) -> Answer {
        send(self.request(Method::POST, path).body(body.to_string())).await
    }

    pub async fn put(&self, path: &str, body: Value) -> Answer {
        send(self.request(Method::PUT, path).body(body.to_string())).await
    }

    pub async fn patch(&self, path: &str, body: Value) -> Answer {
        send(self.request(Method::PATCH, path).body(body.to_string())).await
    }
}

/// Sends a request and reads the answer whole.
pub async fn send(request: RequestBuilder) -> Answer {
    let response = request.send().await.unwrap();
    let (status, headers) = (response.status(), response.headers().clone());
    Answer {
        status,
        headers,
        text: response.text().await.unwrap(),
    }
}

/// Sends a request and reads the body of a refusal only: a stream that begins well never ends.
pub async fn begin(request: RequestBuilder) -> Answer {
    let response = request.send().await.unwrap();
    let (status, headers) = (response.status(), response.headers().clone());
    let text = if status.is_success() {
        String::new()
    } else {
        response.text().await.unwrap()
    };
    Answer { status, headers, text }
}

impl Answer {
    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// The body of a success.
    #[track_caller]
    pub fn ok(&self) -> Value {
        assert_eq!(self.status, StatusCode::OK, "{self:?}");
        self.json()
    }

    /// The stable code of an error; empty for a success.
    pub fn code(&self) -> String {
        if self.status.is_success() {
            return String::new();
        }
        self.json()["code"]
            .as_str()
            .unwrap_or_else(|| panic!("no code: {self:?}"))
            .to_owned()
    }

    /// That the answer is a refusal because of one field.
    #[track_caller]
    pub fn refuses(&self, status: u16, code: &str, field: &str) {
        assert_eq!((self.status.as_u16(), self.code().as_str()), (status, code), "{self:?}");
        assert_eq!(self.json()["errors"][0]["field"], field, "{self:?}");
    }

    /// The session in a `set-cookie` header.
    pub fn session(&self) -> Option<String> {
        let cookie = self.headers.get(header::SET_COOKIE)?.to_str().ok()?;
        Some(cookie.split(';').next()?.split_once('=')?.1.to_owned())
    }
}
