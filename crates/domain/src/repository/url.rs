//! [`RepositoryUrl`]: where a repository lies, in restic's notation.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;

use super::RepositoryKind;
use crate::Secret;
use crate::name::RepositoryName;

/// Where a repository lies. Holds no password, so it can be shown and logged as it is.
///
/// Equal are two URLs that lead restic to the same place, as far as their text tells: without regard to the case of host
/// names, default ports, slashes at the end and the several notations of one backend. restic is given the text as a person
/// wrote it, less the login.
///
/// Source: features.md REP-02; restic's parsers of locations.
#[derive(Clone)]
pub struct RepositoryUrl {
    text: String,
    kind: RepositoryKind,
    canonical: String,
}

/// The login that a URL held. It is kept with the credentials, not with the URL.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UrlLogin {
    /// The user's name.
    pub username: Option<String>,
    /// The user's password.
    pub password: Option<Secret<String>>,
}

/// Why a text is no [`RepositoryUrl`]. No variant repeats the text, for it may hold a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidRepositoryUrl {
    /// Neither an absolute path nor a known prefix.
    #[error(
        "the location is neither an absolute path nor begins with rest: s3: b2: sftp: azure: gs: swift: or rclone:"
    )]
    Kind,
    /// Too long.
    #[error("the location has more than {} bytes", RepositoryUrl::MAX_BYTES)]
    TooLong,
    /// Control characters, or space at an end.
    #[error("the location holds control characters, or begins or ends with a space")]
    Characters,
    /// A rest URL of another scheme.
    #[error("after rest: an http:// or https:// URL is needed")]
    Scheme,
    /// No host, or one with characters that host names do not have.
    #[error("the location names no host, or one that is not a host name or address")]
    Host,
    /// A port that is no number from 1 to 65535.
    #[error("the port is not a number from 1 to 65535")]
    Port,
    /// The user's name cannot be used.
    #[error("the user name is empty, begins with `-` or holds characters that user names do not have")]
    User,
    /// The location holds a login where the backend takes none.
    #[error("this backend takes no login inside the location; set it as credentials")]
    Login,
    /// No bucket, container or remote.
    #[error("the location names no bucket, container or remote, or one with characters that its name cannot have")]
    Bucket,
    /// No path where one is needed.
    #[error("the location names no path")]
    Path,
    /// A `?` or `#` in a URL.
    #[error("the location holds a query or fragment")]
    Query,
}

impl RepositoryUrl {
    /// The most bytes that a location can have.
    pub const MAX_BYTES: usize = 4096;

    /// Reads a location as a person writes it, and takes out the login.
    pub fn parse(text: &str) -> Result<(Self, UrlLogin), InvalidRepositoryUrl> {
        if text.len() > Self::MAX_BYTES {
            return Err(InvalidRepositoryUrl::TooLong);
        }
        if text.chars().any(char::is_control) || text.trim() != text {
            return Err(InvalidRepositoryUrl::Characters);
        }
        let text = text.strip_prefix("local:").unwrap_or(text);
        let kind = RepositoryKind::ALL
            .into_iter()
            .filter(|kind| *kind != RepositoryKind::Local)
            .find_map(|kind| {
                let rest = text.strip_prefix(kind.as_str())?.strip_prefix(':')?;
                Some((kind, rest))
            });
        match kind {
            Some((RepositoryKind::Rest, rest)) => parse_rest(rest),
            Some((RepositoryKind::S3, rest)) => parse_s3(rest).map(without_login),
            Some((RepositoryKind::Sftp, rest)) => parse_sftp(rest).map(without_login),
            Some((kind, rest)) => parse_bucket(kind, rest).map(without_login),
            None => parse_local(text).map(without_login),
        }
    }

    /// The location in restic's notation, without login. An sftp location keeps the user, which is a part of it for ssh.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// What serves it.
    pub const fn kind(&self) -> RepositoryKind {
        self.kind
    }

    /// The text by which equality is judged; unique in the store together with the user's name. Not meant for restic.
    pub fn canonical(&self) -> &str {
        &self.canonical
    }

    /// Whether a login that opens the one is also shown to nobody else by opening the other: both lie on the same server,
    /// over the same scheme. Directories and the buckets of one provider count as one server; of rclone nothing is known.
    pub fn is_at_server_of(&self, other: &Self) -> bool {
        if self.kind != other.kind {
            return false;
        }
        match self.kind {
            RepositoryKind::Local
            | RepositoryKind::B2
            | RepositoryKind::Azure
            | RepositoryKind::Gs
            | RepositoryKind::Swift => true,
            RepositoryKind::Rest | RepositoryKind::S3 | RepositoryKind::Sftp => {
                server(&self.canonical) == server(&other.canonical)
            }
            RepositoryKind::Rclone => self == other,
        }
    }

    /// A name for a repository that was not given one: the location, cut to what a name can hold.
    pub fn suggested_name(&self) -> Option<RepositoryName> {
        let short: String = self.canonical.chars().take(64).collect();
        short.trim().parse().ok()
    }

    fn new(kind: RepositoryKind, text: String, canonical: String) -> Self {
        Self { text, kind, canonical }
    }
}

impl FromStr for RepositoryUrl {
    type Err = InvalidRepositoryUrl;

    /// Reads a location that must not hold a login.
    fn from_str(text: &str) -> Result<Self, InvalidRepositoryUrl> {
        let (url, login) = Self::parse(text)?;
        if login == UrlLogin::default() {
            Ok(url)
        } else {
            Err(InvalidRepositoryUrl::Login)
        }
    }
}

impl PartialEq for RepositoryUrl {
    fn eq(&self, other: &Self) -> bool {
        self.canonical == other.canonical
    }
}

impl Eq for RepositoryUrl {}

impl Hash for RepositoryUrl {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.canonical.hash(state);
    }
}

impl fmt::Display for RepositoryUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for RepositoryUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.text.fmt(f)
    }
}

fn without_login(url: RepositoryUrl) -> (RepositoryUrl, UrlLogin) {
    (url, UrlLogin::default())
}

/// `http[s]://[user[:password]@]host[:port][/path]`
fn parse_rest(rest: &str) -> Result<(RepositoryUrl, UrlLogin), InvalidRepositoryUrl> {
    let (scheme, rest) = split_scheme(rest).ok_or(InvalidRepositoryUrl::Scheme)?;
    if rest.contains(['?', '#']) {
        return Err(InvalidRepositoryUrl::Query);
    }
    let (authority, path) = split_path(rest);
    // An `@` in a password is written as %40, but people do not; a host name has none.
    let (userinfo, host) = match authority.rsplit_once('@') {
        Some((userinfo, host)) => (Some(userinfo), host),
        None => (None, authority),
    };
    let login = userinfo.map_or(Ok(UrlLogin::default()), login)?;
    let address = Address::parse(host)?;
    let text = format!("rest:{scheme}{host}{path}");
    let canonical = format!(
        "rest:{scheme}{}{}",
        address.canonical(default_port(scheme)),
        clean(path)
    );
    Ok((RepositoryUrl::new(RepositoryKind::Rest, text, canonical), login))
}

/// `[http[s]://]host[:port]/bucket[/path]`, or `//host/bucket`
fn parse_s3(rest: &str) -> Result<RepositoryUrl, InvalidRepositoryUrl> {
    let (scheme, rest) = match split_scheme(rest) {
        Some((scheme, rest)) => (scheme, rest),
        None => ("", rest.strip_prefix("//").unwrap_or(rest)),
    };
    if rest.contains(['?', '#']) {
        return Err(InvalidRepositoryUrl::Query);
    }
    let (host, path) = split_path(rest);
    if host.contains('@') {
        return Err(InvalidRepositoryUrl::Login);
    }
    let address = Address::parse(host)?;
    let bucket = path.trim_start_matches('/').split('/').next().unwrap_or_default();
    if !is_bucket(bucket) {
        return Err(InvalidRepositoryUrl::Bucket);
    }
    let text = format!("s3:{scheme}{host}{path}");
    // Without a scheme restic speaks https.
    let scheme = if scheme.is_empty() { "https://" } else { scheme };
    let canonical = format!("s3:{scheme}{}{}", address.canonical(default_port(scheme)), clean(path));
    Ok(RepositoryUrl::new(RepositoryKind::S3, text, canonical))
}

/// `[user@]host:path`, or `//[user@]host[:port]/path`, where `//path` after the host is absolute
fn parse_sftp(rest: &str) -> Result<RepositoryUrl, InvalidRepositoryUrl> {
    let (authority, path, is_url) = if let Some(url) = rest.strip_prefix("//") {
        let (authority, path) = split_path(url);
        (authority, path.strip_prefix('/').unwrap_or_default(), true)
    } else {
        let (authority, path) = rest.split_once(':').ok_or(InvalidRepositoryUrl::Path)?;
        (authority, path, false)
    };
    let (user, host) = match authority.rsplit_once('@') {
        Some((user, _)) if user.contains(':') => return Err(InvalidRepositoryUrl::Login),
        Some((user, host)) => (Some(user), host),
        None => (None, authority),
    };
    // ssh is started with user and host as arguments: `-oProxyCommand=…` would start a program.
    if user.is_some_and(|user| !is_ssh_user(user)) {
        return Err(InvalidRepositoryUrl::User);
    }
    let address = Address::parse(host)?;
    if !is_url && (address.port.is_some() || host.starts_with('[')) {
        return Err(InvalidRepositoryUrl::Host);
    }
    if path.is_empty() {
        return Err(InvalidRepositoryUrl::Path);
    }
    let root = if path.starts_with('/') { "/" } else { "" };
    let user = user.map(|user| format!("{user}@")).unwrap_or_default();
    let canonical = format!(
        "sftp://{user}{}/{root}{}",
        address.canonical(Some(22)),
        clean(path).trim_start_matches('/')
    );
    Ok(RepositoryUrl::new(
        RepositoryKind::Sftp,
        format!("sftp:{rest}"),
        canonical,
    ))
}

/// `name[:path]` of b2, `name:path` of azure, gs, swift and rclone
fn parse_bucket(kind: RepositoryKind, rest: &str) -> Result<RepositoryUrl, InvalidRepositoryUrl> {
    let (bucket, path) = match rest.split_once(':') {
        Some((bucket, path)) => (bucket, path),
        None if kind == RepositoryKind::B2 => (rest, ""),
        None => return Err(InvalidRepositoryUrl::Path),
    };
    // A remote of rclone that is written as `:backend,option=…` would carry options that start programs.
    if !is_bucket(bucket) {
        return Err(InvalidRepositoryUrl::Bucket);
    }
    let text = format!("{kind}:{rest}");
    let path = clean(path);
    // To rclone a slash at the front is the root of a file system; to the others it means nothing.
    let path = if kind == RepositoryKind::Rclone {
        path.as_str()
    } else {
        path.trim_start_matches('/')
    };
    Ok(RepositoryUrl::new(kind, text, format!("{kind}:{bucket}:{path}")))
}

fn parse_local(text: &str) -> Result<RepositoryUrl, InvalidRepositoryUrl> {
    let bytes = text.as_bytes();
    let has_drive = matches!(bytes, [drive, b':', b'\\' | b'/', ..] if drive.is_ascii_alphabetic());
    let canonical = if has_drive || text.starts_with(r"\\") {
        let path = text.replace('/', "\\");
        // The root of a drive keeps its backslash.
        let end = path.trim_end_matches('\\');
        if end.ends_with(':') {
            format!("{end}\\")
        } else {
            end.to_owned()
        }
    } else if text.starts_with('/') {
        let path = clean(text);
        if path.is_empty() { "/".to_owned() } else { path }
    } else {
        return Err(InvalidRepositoryUrl::Kind);
    };
    Ok(RepositoryUrl::new(RepositoryKind::Local, text.to_owned(), canonical))
}

fn login(userinfo: &str) -> Result<UrlLogin, InvalidRepositoryUrl> {
    let (user, password) = match userinfo.split_once(':') {
        Some((user, password)) => (user, Some(password)),
        None => (userinfo, None),
    };
    let username = percent_decoded(user).ok_or(InvalidRepositoryUrl::User)?;
    if username.is_empty() || username.starts_with('-') || username.chars().any(char::is_control) {
        return Err(InvalidRepositoryUrl::User);
    }
    let password = password
        .map(|text| percent_decoded(text).ok_or(InvalidRepositoryUrl::User))
        .transpose()?;
    Ok(UrlLogin {
        username: Some(username),
        password: password.filter(|password| !password.is_empty()).map(Secret::from),
    })
}

/// A host and, where it is written, a port.
struct Address<'a> {
    host: &'a str,
    port: Option<u16>,
}

impl<'a> Address<'a> {
    fn parse(text: &'a str) -> Result<Self, InvalidRepositoryUrl> {
        let (host, port) = match text.strip_prefix('[') {
            Some(rest) => {
                let (address, after) = rest.split_once(']').ok_or(InvalidRepositoryUrl::Host)?;
                if address.parse::<std::net::Ipv6Addr>().is_err() {
                    return Err(InvalidRepositoryUrl::Host);
                }
                let port = match after.strip_prefix(':') {
                    Some(port) => Some(port),
                    None if after.is_empty() => None,
                    None => return Err(InvalidRepositoryUrl::Host),
                };
                (&text[..address.len() + 2], port)
            }
            None => match text.split_once(':') {
                Some((host, port)) => (host, Some(port)),
                None => (text, None),
            },
        };
        let is_name = host.starts_with('[')
            || host
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_'));
        if host.is_empty() || host.starts_with('-') || !is_name {
            return Err(InvalidRepositoryUrl::Host);
        }
        let port = port.map(|digits| {
            digits
                .parse()
                .ok()
                .filter(|port| *port != 0)
                .ok_or(InvalidRepositoryUrl::Port)
        });
        Ok(Self {
            host,
            port: port.transpose()?,
        })
    }

    fn canonical(&self, default_port: Option<u16>) -> String {
        let host = self.host.to_ascii_lowercase();
        match self.port {
            Some(port) if Some(port) != default_port => format!("{host}:{port}"),
            Some(_) | None => host,
        }
    }
}

/// A canonical location up to its path: prefix, scheme, user, host and port.
fn server(canonical: &str) -> &str {
    let authority = canonical.find("://").map_or(0, |at| at + 3);
    let end = canonical[authority..]
        .find('/')
        .map_or(canonical.len(), |at| authority + at);
    &canonical[..end]
}

fn split_scheme(text: &str) -> Option<(&'static str, &str)> {
    ["http://", "https://"]
        .into_iter()
        .find_map(|scheme| text.strip_prefix(scheme).map(|rest| (scheme, rest)))
}

fn default_port(scheme: &str) -> Option<u16> {
    match scheme {
        "http://" => Some(80),
        "https://" => Some(443),
        _ => None,
    }
}

/// What comes before the first slash, and the rest with it.
fn split_path(text: &str) -> (&str, &str) {
    text.split_at(text.find('/').unwrap_or(text.len()))
}

/// The path without empty and `.` segments and without a slash at the end. `..` stays: a link may lie before it.
fn clean(path: &str) -> String {
    let segments: Vec<&str> = path
        .split('/')
        .filter(|segment| !matches!(*segment, "" | "."))
        .collect();
    let root = if path.starts_with('/') && !segments.is_empty() {
        "/"
    } else {
        ""
    };
    format!("{root}{}", segments.join("/"))
}

fn is_bucket(text: &str) -> bool {
    !text.is_empty()
        && !text.starts_with('-')
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_'))
}

fn is_ssh_user(text: &str) -> bool {
    !text.is_empty()
        && !text.starts_with('-')
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_' | b'+'))
}

fn percent_decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        if let (b'%', [high, low, after @ ..]) = (first, after) {
            let pair = [high.to_ascii_uppercase(), low.to_ascii_uppercase()];
            bytes.extend(data_encoding::HEXUPPER.decode(&pair).ok()?);
            rest = after;
        } else if *first == b'%' {
            return None;
        } else {
            bytes.push(*first);
            rest = after;
        }
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests;
