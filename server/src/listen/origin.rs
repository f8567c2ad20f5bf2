//! Where a request came from, written into reserved headers that no client can set.

use std::net::IpAddr;
use std::sync::Arc;
use std::task::{Context, Poll};

use domain::IdSource;
use domain::id::{Id as _, RequestId};
use http::{HeaderMap, HeaderName, HeaderValue, Request};
use ipnet::IpNet;
use tower::Service;

use crate::grpc::metadata::{ADDRESS, REQUEST, RESERVED_PREFIX, SCHEME};

const FORWARDED_FOR: &str = "x-forwarded-for";
const FORWARDED_PROTO: &str = "x-forwarded-proto";

/// The networks whose word about the client is taken.
#[derive(Debug, Clone, Default)]
pub struct TrustedProxies(Arc<[IpNet]>);

impl TrustedProxies {
    /// Trusts these networks.
    pub fn new(networks: impl IntoIterator<Item = IpNet>) -> Self {
        Self(networks.into_iter().collect())
    }

    fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.0.iter().any(|network| network.contains(&address))
    }

    /// The client behind a peer: the rightmost hop that is not trusted. A malformed header is ignored whole.
    fn client(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        if !self.contains(peer) {
            return peer.to_canonical();
        }
        let mut hops = Vec::new();
        for value in headers.get_all(FORWARDED_FOR) {
            let Ok(value) = value.to_str() else {
                return peer.to_canonical();
            };
            for hop in value.split(',') {
                let Ok(hop) = hop.trim().parse::<IpAddr>() else {
                    return peer.to_canonical();
                };
                hops.push(hop.to_canonical());
            }
        }
        hops.into_iter()
            .rev()
            .find(|hop| !self.contains(*hop))
            .unwrap_or(peer.to_canonical())
    }

    fn is_secure(&self, peer: IpAddr, tls: bool, headers: &HeaderMap) -> bool {
        if !self.contains(peer) {
            return tls;
        }
        let said = headers.get(FORWARDED_PROTO).and_then(|proto| proto.to_str().ok());
        said.map_or(tls, |proto| proto.eq_ignore_ascii_case("https"))
    }
}

/// Stamps every request of one connection before the services see it.
#[derive(Clone)]
pub struct OriginService<S> {
    inner: S,
    peer: IpAddr,
    tls: bool,
    proxies: TrustedProxies,
    ids: Arc<dyn IdSource>,
}

impl<S> OriginService<S> {
    /// Stamps requests of a connection from `peer`.
    pub fn new(inner: S, peer: IpAddr, tls: bool, proxies: TrustedProxies, ids: Arc<dyn IdSource>) -> Self {
        Self {
            inner,
            peer,
            tls,
            proxies,
            ids,
        }
    }

    fn stamp(&self, headers: &mut HeaderMap) {
        let client = self.proxies.client(self.peer, headers);
        let scheme = if self.proxies.is_secure(self.peer, self.tls, headers) {
            "https"
        } else {
            "http"
        };
        let reserved: Vec<HeaderName> = headers
            .keys()
            .filter(|name| name.as_str().starts_with(RESERVED_PREFIX))
            .cloned()
            .collect();
        for name in reserved {
            headers.remove(name);
        }
        let request = RequestId::generate(self.ids.as_ref());
        for (name, value) in [
            (ADDRESS, client.to_string()),
            (REQUEST, request.to_string()),
            (SCHEME, scheme.to_owned()),
        ] {
            if let Ok(value) = HeaderValue::from_str(&value) {
                headers.insert(name, value);
            }
        }
    }
}

impl<S, B> Service<Request<B>> for OriginService<S>
where
    S: Service<Request<B>>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<B>) -> S::Future {
        self.stamp(request.headers_mut());
        self.inner.call(request)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_trusted_proxy_is_believed() {
        let proxies = TrustedProxies::new(["10.0.0.0/8".parse().unwrap()]);
        for (peer, forwarded, expected) in [
            ("203.0.113.9", "198.51.100.1", "203.0.113.9"),
            ("10.0.0.1", "198.51.100.1", "198.51.100.1"),
            ("10.0.0.1", "192.0.2.66, 198.51.100.1, 10.0.0.2", "198.51.100.1"),
            ("10.0.0.1", "198.51.100.1, nonsense", "10.0.0.1"),
            ("10.0.0.1", "10.0.0.2", "10.0.0.1"),
            ("::ffff:10.0.0.1", "2001:db8::1", "2001:db8::1"),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(FORWARDED_FOR, HeaderValue::from_str(forwarded).unwrap());

            assert_eq!(
                proxies.client(peer.parse().unwrap(), &headers).to_string(),
                expected,
                "{peer} {forwarded}"
            );
        }
    }

    #[test]
    fn the_scheme_is_the_proxys_word_or_the_connections_own() {
        let proxies = TrustedProxies::new(["10.0.0.0/8".parse().unwrap()]);
        let mut headers = HeaderMap::new();
        headers.insert(FORWARDED_PROTO, HeaderValue::from_static("https"));

        assert!(proxies.is_secure("10.0.0.1".parse().unwrap(), false, &headers));
        assert!(!proxies.is_secure("203.0.113.9".parse().unwrap(), false, &headers));
        assert!(proxies.is_secure("203.0.113.9".parse().unwrap(), true, &HeaderMap::new()));
    }
}
