//! What is typed about a host, as a call that changes it.

use domain::ErrorCode;
use pbjson_types::value::Kind;
use pbjson_types::{ListValue, Value};
use proto::v1::{Host, UpdateHostRequest};

use super::format::bytes;
use super::refusal::{ApiError, FieldError};
use crate::i18n::t;

/// What is typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Typed {
    /// Its name.
    pub hostname: String,
    /// Its labels, with commas or spaces between them.
    pub tags: String,
    /// Whether its absence is a fault.
    pub always_on: bool,
    /// KiB a second; nothing or 0: no limit.
    pub limit_upload: String,
    /// KiB a second; nothing or 0: no limit.
    pub limit_download: String,
}

/// The call that makes a host what is typed. What is the same as before is not sent, and the host has to be what it was
/// when it was read.
pub fn update(host: &Host, typed: &Typed) -> Result<UpdateHostRequest, ApiError> {
    let hostname = typed.hostname.trim();
    let tags: Vec<String> = typed
        .tags
        .split(|c: char| c == ',' || c.is_whitespace())
        .filter(|tag| !tag.is_empty())
        .map(str::to_owned)
        .collect();
    let upload = number("limit_upload_kib_s", &typed.limit_upload);
    let download = number("limit_download_kib_s", &typed.limit_download);
    let (upload, download) = match (upload, download) {
        (Ok(upload), Ok(download)) => (upload, download),
        (upload, download) => {
            let fields = upload.err().into_iter().chain(download.err()).collect();
            return Err(ApiError {
                fields,
                ..ApiError::of(ErrorCode::InvalidArgument)
            });
        }
    };
    Ok(UpdateHostRequest {
        id: host.id.clone(),
        hostname: (hostname != host.hostname).then(|| hostname.to_owned()),
        tags: (tags != host.tags).then(|| list(tags)),
        always_on: (typed.always_on != host.always_on).then_some(typed.always_on),
        limit_upload_kib_s: (upload != host.limit_upload_kib_s).then_some(upload),
        limit_download_kib_s: (download != host.limit_download_kib_s).then_some(download),
        version: Some(host.version),
    })
}

fn number(field: &str, text: &str) -> Result<u32, FieldError> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(0);
    }
    text.parse().map_err(|_| FieldError {
        field: field.to_owned(),
        message: t::LIMIT_WRONG.to_owned(),
    })
}

fn list(words: Vec<String>) -> ListValue {
    let value = |word| Value {
        kind: Some(Kind::StringValue(word)),
    };
    ListValue {
        values: words.into_iter().map(value).collect(),
    }
}

/// Whether somebody else has changed the host in the meantime.
pub fn is_conflict(error: &ApiError) -> bool {
    error.is(ErrorCode::VersionConflict)
}

/// A limit as a person reads it.
pub fn limit(kib: u32) -> String {
    if kib == 0 {
        t::NO_LIMIT.to_owned()
    } else {
        t::per_second(&bytes(u64::from(kib) * 1024))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host() -> Host {
        Host {
            id: "1".to_owned(),
            hostname: "web-01".to_owned(),
            tags: vec!["eu".to_owned(), "prod".to_owned()],
            always_on: true,
            version: 7,
            ..Host::default()
        }
    }

    fn typed() -> Typed {
        Typed {
            hostname: " web-01 ".to_owned(),
            tags: "eu, prod".to_owned(),
            always_on: true,
            limit_upload: "0".to_owned(),
            limit_download: String::new(),
        }
    }

    #[test]
    fn only_what_was_changed_is_sent_with_the_version_that_was_read() {
        let nothing = update(&host(), &typed()).unwrap();
        let expected = UpdateHostRequest {
            id: "1".to_owned(),
            version: Some(7),
            ..UpdateHostRequest::default()
        };
        assert_eq!(nothing, expected);

        let all = update(
            &host(),
            &Typed {
                hostname: "web-02".to_owned(),
                tags: " ".to_owned(),
                always_on: false,
                limit_upload: " 512 ".to_owned(),
                limit_download: "1".to_owned(),
            },
        )
        .unwrap();
        assert_eq!(all.hostname.as_deref(), Some("web-02"));
        assert_eq!(all.tags.map(|tags| tags.values.len()), Some(0));
        assert_eq!(all.always_on, Some(false));
        assert_eq!((all.limit_upload_kib_s, all.limit_download_kib_s), (Some(512), Some(1)));
    }

    #[test]
    fn a_limit_that_is_no_number_is_refused_at_its_field() {
        let refused = update(
            &host(),
            &Typed {
                limit_upload: "5 MiB".to_owned(),
                limit_download: "-1".to_owned(),
                ..typed()
            },
        )
        .unwrap_err();

        assert!(refused.field("limit_upload_kib_s").is_some() && refused.field("limit_download_kib_s").is_some());
        assert!(!is_conflict(&refused));
        assert!(is_conflict(&ApiError::of(ErrorCode::VersionConflict)));
    }

    #[test]
    fn limits_are_sizes_a_second() {
        assert_eq!(limit(0), t::NO_LIMIT);
        assert_eq!(limit(2048), "2.00 MiB/s");
    }
}
