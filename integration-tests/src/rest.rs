//! A client of the REST face that keeps every answer.

use std::fmt::Write as _;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;
use ureq::Agent;
use ureq::http::header::{AUTHORIZATION, CONTENT_TYPE, SET_COOKIE};
use ureq::http::{HeaderMap, Method, Request, Response};
use ureq::{Body, RequestExt as _};

use crate::events::Events;

const DEADLINE: Duration = Duration::from_mins(1);

/// All that the server has answered to the clients that share it, heads and bodies.
pub type Transcript = Arc<Mutex<String>>;

/// A client with, perhaps, a login session.
#[derive(Clone)]
pub struct Rest {
    agent: Agent,
    base: String,
    session: Option<String>,
    address: Option<String>,
    transcript: Transcript,
}

/// An answer, read whole.
#[derive(Debug)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The head.
    pub headers: HeaderMap,
    /// The body.
    pub text: String,
}

impl Rest {
    /// A client without a session. `base` ends without a slash.
    pub fn new(base: String) -> Self {
        // Never by a proxy: the addresses are this machine's own.
        let config = Agent::config_builder().proxy(None).http_status_as_error(false);
        Self {
            agent: config.timeout_global(Some(DEADLINE)).build().into(),
            base,
            session: None,
            address: None,
            transcript: Transcript::default(),
        }
    }

    /// The same client, whose answers are kept apart.
    #[must_use]
    pub fn apart(&self) -> Self {
        Self {
            transcript: Transcript::default(),
            ..self.clone()
        }
    }

    /// The same client, which says as a proxy does that it calls for another address.
    #[must_use]
    pub fn on_behalf_of(&self, address: impl Into<String>) -> Self {
        Self {
            address: Some(address.into()),
            ..self.clone()
        }
    }

    /// Where the server is.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// The session's value, once signed in.
    #[track_caller]
    pub fn session(&self) -> &str {
        self.session.as_deref().expect("this client has signed in")
    }

    /// All answers so far, also those to clones.
    pub fn transcript(&self) -> String {
        self.transcript.lock().expect("no test fails while it writes").clone()
    }

    /// Adds what the server answered to somebody else.
    pub fn record(&self, text: &str) {
        let mut transcript = self.transcript.lock().expect("no test fails while it writes");
        transcript.push_str(text);
        transcript.push('\n');
    }

    /// Whether the server answers and says that it is ready.
    pub fn is_ready(&self) -> bool {
        let answer = self.agent.get(format!("{}/readyz", self.base)).call();
        answer.is_ok_and(|answer| answer.status() == 200)
    }

    /// Reads a resource.
    pub fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path, None)
    }

    /// Posts a body.
    pub fn post(&self, path: &str, body: &Value) -> Answer {
        self.send(Method::POST, path, Some(body))
    }

    /// Puts a body.
    pub fn put(&self, path: &str, body: &Value) -> Answer {
        self.send(Method::PUT, path, Some(body))
    }

    /// Patches with a body.
    pub fn patch(&self, path: &str, body: &Value) -> Answer {
        self.send(Method::PATCH, path, Some(body))
    }

    /// Deletes a resource.
    pub fn delete(&self, path: &str) -> Answer {
        self.send(Method::DELETE, path, None)
    }

    /// Signs in with what a method answered, such as that of `POST /api/auth/login`.
    #[track_caller]
    pub fn sign_in(&mut self, path: &str, body: &Value) -> Value {
        let answer = self.post(path, body);
        let user = answer.ok();
        let cookie = answer.headers.get(SET_COOKIE).expect("signing in sets a cookie");
        let pair = cookie.to_str().expect("cookies are ASCII").split(';').next();
        let (_, value) = pair.and_then(|pair| pair.split_once('=')).expect("a cookie is a pair");
        self.session = Some(value.to_owned());
        user
    }

    /// Opens an event stream, behind the event with this id if there is one.
    ///
    /// Panics when the stream is refused.
    #[track_caller]
    pub fn events(&self, path: &str, last_event_id: Option<&str>) -> Events {
        let mut request = self.request(Method::GET, path).header("accept", "text/event-stream");
        if let Some(id) = last_event_id {
            request = request.header("last-event-id", id);
        }
        let request = request.body(()).expect("the request is well-formed");
        let response = request.with_agent(&self.agent).configure().timeout_global(None);
        let response = response.timeout_per_read(Some(DEADLINE)).run();
        let response = response.unwrap_or_else(|error| panic!("no answer from {path}: {error}"));
        assert!(response.status() == 200, "{path} answered with {}", response.status());
        Events::new(response.into_body().into_reader(), self.clone())
    }

    /// Sends bytes as they are and gives the answer's, such as for gRPC-web.
    pub fn post_bytes(&self, path: &str, media_type: &str, body: &[u8]) -> (HeaderMap, Vec<u8>) {
        let request = self.request(Method::POST, path).header(CONTENT_TYPE, media_type);
        let response = self.agent.run(request.body(body).expect("the request is well-formed"));
        let mut response = response.unwrap_or_else(|error| panic!("no answer from {path}: {error}"));
        let bytes = response.body_mut().read_to_vec();
        let bytes = bytes.unwrap_or_else(|error| panic!("the answer of {path} broke off: {error}"));
        self.record(&format!(
            "{:?}\n{}",
            response.headers(),
            String::from_utf8_lossy(&bytes)
        ));
        (response.headers().clone(), bytes)
    }

    fn send(&self, method: Method, path: &str, body: Option<&Value>) -> Answer {
        let request = self.request(method, path);
        let response = if let Some(body) = body {
            let request = request.header(CONTENT_TYPE, "application/json").body(body.to_string());
            self.agent.run(request.expect("the request is well-formed"))
        } else {
            self.agent.run(request.body(()).expect("the request is well-formed"))
        };
        let response = response.unwrap_or_else(|error| panic!("no answer from {path}: {error}"));
        self.read(path, response)
    }

    fn request(&self, method: Method, path: &str) -> ureq::http::request::Builder {
        let mut request = Request::builder().method(method).uri(format!("{}{path}", self.base));
        if let Some(address) = &self.address {
            request = request.header("x-forwarded-for", address);
        }
        match &self.session {
            Some(session) => request.header(AUTHORIZATION, format!("Bearer {session}")),
            None => request,
        }
    }

    fn read(&self, path: &str, mut response: Response<Body>) -> Answer {
        let text = response.body_mut().read_to_string();
        let answer = Answer {
            status: response.status().as_u16(),
            headers: response.headers().clone(),
            text: text.unwrap_or_else(|error| panic!("the answer of {path} broke off: {error}")),
        };
        let mut record = format!("{path} {}\n", answer.status);
        for (name, value) in &answer.headers {
            writeln!(record, "{name}: {value:?}").expect("text can be written to");
        }
        self.record(&format!("{record}\n{}", answer.text));
        answer
    }
}

impl Answer {
    /// The body of a success.
    #[track_caller]
    pub fn ok(&self) -> Value {
        assert_eq!(self.status, 200, "{self:?}");
        self.json()
    }

    /// The body.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// Status and stable code of a refusal.
    #[track_caller]
    pub fn refusal(&self) -> (u16, String) {
        let code = self.json()["code"].as_str().map(str::to_owned);
        (self.status, code.unwrap_or_else(|| panic!("no code: {self:?}")))
    }
}
