//! What the door does with calls that may be repeated: those whose request has a field `request_id`.
//!
//! The key comes in that field, on every face, or as the header `idempotency-key`.

use std::collections::HashSet;
use std::future::Future;
use std::sync::{Arc, LazyLock};

use domain::ErrorCode;
use domain::id::IdempotencyKey;
use prost::Message;
use prost_reflect::{Kind, MessageDescriptor};
use sha2::{Digest as _, Sha256};
use tonic::metadata::{AsciiMetadataValue, MetadataMap};
use tonic::{Request, Response, Status};

use super::authorize::{self, POOL};
use super::{caller, refuse, status};
use crate::app::{App, Caller, Error, Once};

/// The field of a request that makes it repeatable.
pub const REQUEST_ID: &str = "request_id";
/// The same as metadata and header.
pub const HEADER: &str = "idempotency-key";
/// Says, as metadata and header of an answer, that it was given before.
pub const REPLAYED: &str = "idempotency-replayed";

/// The methods whose answers hold what is shown once, by gRPC path.
static SHOWN_ONCE: LazyLock<HashSet<String>> = LazyLock::new(|| {
    POOL.services()
        .flat_map(|service| service.methods().collect::<Vec<_>>())
        .filter(|method| is_shown_once(&method.output()))
        .map(|method| authorize::path(&method))
        .collect()
});

/// Whether a message, or one inside it, has a field that is shown once.
fn is_shown_once(message: &MessageDescriptor) -> bool {
    let Some(option) = POOL.get_extension_by_name("restic_manager.v1.shown_once") else {
        return false;
    };
    let (mut seen, mut next) = (HashSet::new(), vec![message.clone()]);
    while let Some(message) = next.pop() {
        if !seen.insert(message.full_name().to_owned()) {
            continue;
        }
        for field in message.fields() {
            if field.options().get_extension(&option).as_bool() == Some(true) {
                return true;
            }
            if let Kind::Message(inner) = field.kind() {
                next.push(inner);
            }
        }
    }
    false
}

/// Carries out a call once, however often it arrives under one key. Without a key it is simply carried out.
pub(super) async fn carry_out<M, A, C, F>(
    app: &App,
    method: &'static str,
    request_id: &str,
    mut request: Request<M>,
    call: C,
) -> Result<Response<A>, Status>
where
    M: Message + 'static,
    A: Message + Default + 'static,
    C: FnOnce(Request<M>) -> F + Send + 'static,
    F: Future<Output = Result<Response<A>, Status>> + Send + 'static,
{
    let mut caller = caller(&request)?;
    let key = key(request_id, request.metadata()).map_err(refuse(&caller))?;
    let asked = key.map(|key| (key, digest(method, request.get_ref())));
    let once = asked.and_then(|(key, asked)| app.once(&caller, key, asked, !SHOWN_ONCE.contains(method)));
    let Some(once) = once else {
        return call(request).await;
    };
    if let Some(answer) = recalled(app, &caller, &once).await? {
        return Ok(answer);
    }
    caller.origin.once = Some(Arc::new(once.clone()));
    request.extensions_mut().insert(caller.clone());
    // A task of its own: a client that goes away must not part the effect from its answer.
    let app = app.clone();
    let carried_out = tokio::spawn(async move { answer(&app, &caller, &once, call(request).await).await });
    carried_out
        .await
        .unwrap_or_else(|_| Err(Status::internal("the call ended without an answer")))
}

/// What the caller is told: the call's own answer, unless another call under the same key came first.
async fn answer<A: Message + Default>(
    app: &App,
    caller: &Caller,
    once: &Once,
    result: Result<Response<A>, Status>,
) -> Result<Response<A>, Status> {
    match result {
        Err(refused) => recalled(app, caller, once).await?.ok_or(refused),
        Ok(response) => match app.keep_answer(once, response.get_ref().encode_to_vec()).await {
            Ok(true) => Ok(response),
            Ok(false) => Ok(recalled(app, caller, once).await?.unwrap_or(response)),
            Err(error) => {
                // It was done, and this caller learns so; who asks again is told to look.
                tracing::warn!(request.id = %caller.origin.request, error = %status::chain(&error), "an answer was not kept");
                Ok(response)
            }
        },
    }
}

async fn recalled<A: Message + Default>(
    app: &App,
    caller: &Caller,
    once: &Once,
) -> Result<Option<Response<A>>, Status> {
    let Some(answer) = app.recall(once).await.map_err(refuse(caller))? else {
        return Ok(None);
    };
    let answer =
        A::decode(answer.as_slice()).map_err(|error| refuse(caller)(Error::failed("reading an answer", error)))?;
    let mut response = Response::new(answer);
    response
        .metadata_mut()
        .insert(REPLAYED, AsciiMetadataValue::from_static("true"));
    Ok(Some(response))
}

/// The key that the caller gave, in one of two places or in both.
fn key(request_id: &str, metadata: &MetadataMap) -> Result<Option<IdempotencyKey>, Error> {
    let in_field = Some(request_id).filter(|text| !text.is_empty());
    let in_header = metadata.get(HEADER).map(|value| value.to_str().unwrap_or_default());
    let invalid = |field: &str| {
        let words = "a UUID such as 01890a5d-ac96-774b-bcce-b302099a8057 is needed, the same in every attempt";
        Error::refuse_field(ErrorCode::InvalidArgument, field, format!("{field}: {words}"))
    };
    let parse = |text: &str, field| text.parse::<IdempotencyKey>().map_err(|_| invalid(field));
    let in_field = in_field.map(|text| parse(text, REQUEST_ID)).transpose()?;
    let in_header = in_header.map(|text| parse(text, HEADER)).transpose()?;
    match (in_field, in_header) {
        (Some(field), Some(header)) if field != header => Err(Error::refuse_field(
            ErrorCode::InvalidArgument,
            REQUEST_ID,
            format!("{REQUEST_ID}: the header {HEADER} has another value; give one of the two"),
        )),
        (field, header) => Ok(field.or(header)),
    }
}

/// Tells what is asked for from anything else. The same message has the same bytes: its maps are in order.
fn digest(method: &str, message: &impl Message) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(method);
    hash.update([0]);
    hash.update(message.encode_to_vec());
    hash.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shown_once_is_known_by_its_mark() {
        assert!(SHOWN_ONCE.contains("/restic_manager.v1.EnrollmentTokenService/CreateEnrollmentToken"));
        assert!(!SHOWN_ONCE.contains("/restic_manager.v1.JobService/RunJob"));
    }

    #[test]
    fn an_answer_with_a_secret_by_its_name_is_marked() {
        for method in POOL
            .services()
            .flat_map(|service| service.methods().collect::<Vec<_>>())
        {
            let repeats = method.input().get_field_by_name(REQUEST_ID).is_some();
            let secret = method.output().fields().find(|field| {
                ["token", "password", "secret", "command"]
                    .iter()
                    .any(|word| field.name().ends_with(word) && field.kind() == Kind::String)
            });
            if let (true, Some(secret)) = (repeats, secret) {
                assert!(
                    SHOWN_ONCE.contains(&authorize::path(&method)),
                    "{}: mark it (shown_once)",
                    secret.full_name()
                );
            }
        }
    }

    #[test]
    fn the_key_comes_in_the_field_or_the_header_and_not_as_two() {
        const ONE: &str = "01890a5d-ac96-774b-bcce-b302099a8057";
        const TWO: &str = "01890a5d-ac96-774b-bcce-b302099a8058";
        for (field, header, expected) in [
            ("", None, Ok(None)),
            (ONE, None, Ok(Some(ONE))),
            ("", Some(ONE), Ok(Some(ONE))),
            (ONE, Some(ONE), Ok(Some(ONE))),
            (ONE, Some(TWO), Err(REQUEST_ID)),
            ("one", None, Err(REQUEST_ID)),
            ("", Some("one"), Err(HEADER)),
            ("", Some(""), Err(HEADER)),
        ] {
            let mut metadata = MetadataMap::new();
            if let Some(header) = header {
                metadata.insert(HEADER, header.parse().unwrap());
            }

            let found = key(field, &metadata);

            let found = found
                .map(|key| key.map(|key| key.to_string()))
                .map_err(|error| match error {
                    Error::Refused(refusal) => refusal.fields[0].name.clone(),
                    other @ (Error::Store(_) | Error::Failed { .. }) => panic!("{other}"),
                });
            let expected = expected.map(|key: Option<&str>| key.map(str::to_owned));
            assert_eq!(found, expected.map_err(str::to_owned), "{field} {header:?}");
        }
    }
}
