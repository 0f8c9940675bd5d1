//! Where an endpoint is called: an absolute HTTP URL that is checked once, and that keeps its password to itself.

use crate::transport::AddressPolicy;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::HeaderValue;
use http::uri::PathAndQuery;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::net::IpAddr;
use std::str::FromStr;
use std::sync::Arc;
use url::{Host, Position, Url};

/// Longer URLs are rather a mistake than an address, and many receivers refuse them.
const MAX_BYTES: usize = 2048;

/// The URL of an endpoint. Reading it costs a few microseconds, cloning it next to nothing.
///
/// It is read as browsers read it (WHATWG), so that `http://0x7f.1/` is known as the address `127.0.0.1` before anything
/// else happens, and a name in another script is compared in the form in which it is looked up. `Display` and `Debug`
/// show it without the password; [`as_str`](Self::as_str) shows all.
#[derive(Clone)]
pub struct EndpointUrl(Arc<Parts>);

/// A URL and what each request needs of it.
struct Parts {
    text: Box<str>,
    shown: Box<str>,
    is_https: bool,
    host: UrlHost,
    port: u16,
    /// Scheme, host and port: what connections can be shared by.
    origin: Box<str>,
    host_header: HeaderValue,
    path_and_query: PathAndQuery,
    authorization: Option<HeaderValue>,
}

/// Whom a URL leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum UrlHost {
    /// A name that has to be looked up, in ASCII.
    Name(Box<str>),
    /// An address that the URL spells out in some form.
    Address(IpAddr),
}

impl fmt::Display for UrlHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => f.write_str(name),
            Self::Address(address) => write!(f, "{address}"),
        }
    }
}

/// A text is no URL that an endpoint can have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidUrl {
    /// Too long, as it was given or after what is not ASCII was escaped.
    #[error("the URL has {0} bytes: at most {MAX_BYTES} are allowed")]
    TooLong(usize),
    /// Blanks or control characters, which other programs read in different ways.
    #[error("the URL contains white space or control characters: write them as %20 or the like")]
    Blank,
    /// Another scheme than `http` and `https`, or none.
    #[error("the URL must begin with http:// or https://")]
    Scheme,
    /// Nothing that can be looked up or dialled stands behind the scheme.
    #[error("the URL has no valid host: {0}")]
    Host(url::ParseError),
    /// Port 0 cannot be called, and none is above 65535.
    #[error("the port of the URL must be 1 to 65535")]
    Port,
    /// A part behind `#`, which is never sent.
    #[error("the URL has a fragment, which no receiver would see: leave out # and what follows")]
    Fragment,
    /// Characters that cannot stand in a request.
    #[error("the URL contains characters that must be escaped with %")]
    Unescaped,
}

/// A well-formed URL that the settings do not allow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RefusedUrl {
    /// TLS is demanded.
    #[error("the URL must begin with https://")]
    NotHttps,
    /// The URL spells out an address that must not be called.
    #[error("the address {0} is not on the public Internet, and in none of the allowed networks")]
    BlockedAddress(IpAddr),
}

impl EndpointUrl {
    /// The full text, password included: for storing and for nothing else.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0.text
    }

    /// Whether requests are encrypted.
    #[must_use]
    pub fn is_https(&self) -> bool {
        self.0.is_https
    }

    /// Refuses what can be known to be forbidden without a look-up: no TLS where `https_only` demands it, or an address
    /// spelled out in the URL that `policy` does not allow. A name is checked whenever it is dialled.
    pub fn check(&self, policy: &AddressPolicy, https_only: bool) -> Result<(), RefusedUrl> {
        if https_only && !self.0.is_https {
            return Err(RefusedUrl::NotHttps);
        }
        match self.0.host {
            UrlHost::Address(address) if !policy.allows(address) => Err(RefusedUrl::BlockedAddress(address)),
            UrlHost::Address(_) | UrlHost::Name(_) => Ok(()),
        }
    }

    pub(crate) fn host(&self) -> &UrlHost {
        &self.0.host
    }

    pub(crate) fn port(&self) -> u16 {
        self.0.port
    }

    pub(crate) fn origin(&self) -> &str {
        &self.0.origin
    }

    pub(crate) fn host_header(&self) -> &HeaderValue {
        &self.0.host_header
    }

    pub(crate) fn path_and_query(&self) -> &PathAndQuery {
        &self.0.path_and_query
    }

    pub(crate) fn authorization(&self) -> Option<&HeaderValue> {
        self.0.authorization.as_ref()
    }
}

impl FromStr for EndpointUrl {
    type Err = InvalidUrl;

    fn from_str(text: &str) -> Result<Self, InvalidUrl> {
        let url = parse(text)?;
        let host = match url.host() {
            // Some write IPv4 addresses in the form of IPv6. They are dialled as what they are.
            Some(Host::Ipv6(address)) => UrlHost::Address(address.to_canonical()),
            Some(Host::Ipv4(address)) => UrlHost::Address(address.into()),
            Some(Host::Domain(name)) => UrlHost::Name(name.into()),
            None => return Err(InvalidUrl::Host(url::ParseError::EmptyHost)),
        };
        let port = url.port_or_known_default().filter(|&port| port != 0).ok_or(InvalidUrl::Port)?;
        let target = &url[Position::BeforePath..Position::AfterQuery];
        let authority = &url[Position::BeforeHost..Position::AfterPort];
        Ok(Self(Arc::new(Parts {
            text: url.as_str().into(),
            shown: shown(&url).into(),
            is_https: url.scheme() == "https",
            host,
            port,
            origin: format!("{}://{authority}", url.scheme()).into(),
            host_header: HeaderValue::from_str(authority).map_err(|_| InvalidUrl::Unescaped)?,
            path_and_query: PathAndQuery::try_from(target).map_err(|_| InvalidUrl::Unescaped)?,
            authorization: authorization(&url),
        })))
    }
}

/// The URL as the parser of browsers understands it, less what that parser forgives.
fn parse(text: &str) -> Result<Url, InvalidUrl> {
    if text.len() > MAX_BYTES {
        return Err(InvalidUrl::TooLong(text.len()));
    }
    // The parser drops tabs and line ends, so that `java\nscript` slips through elsewhere.
    if text.chars().any(|char| char.is_whitespace() || char.is_control()) {
        return Err(InvalidUrl::Blank);
    }
    let (scheme, rest) = text.split_once("://").ok_or(InvalidUrl::Scheme)?;
    if !(scheme.eq_ignore_ascii_case("http") || scheme.eq_ignore_ascii_case("https")) {
        return Err(InvalidUrl::Scheme);
    }
    // The parser takes the host from behind any number of slashes.
    if rest.starts_with(['/', '\\']) {
        return Err(InvalidUrl::Host(url::ParseError::EmptyHost));
    }
    let url = Url::parse(text).map_err(|error| {
        if error == url::ParseError::InvalidPort { InvalidUrl::Port } else { InvalidUrl::Host(error) }
    })?;
    if url.fragment().is_some() {
        return Err(InvalidUrl::Fragment);
    }
    if url.as_str().len() > MAX_BYTES {
        return Err(InvalidUrl::TooLong(url.as_str().len()));
    }
    Ok(url)
}

/// The URL without its secret. A user without a password is often a token, and is hidden as well.
fn shown(url: &Url) -> String {
    let user = match (url.username(), url.password()) {
        ("", None) => return url.as_str().to_owned(),
        (_, None) => String::from("***@"),
        (user, Some(_)) => format!("{user}:***@"),
    };
    format!("{}://{user}{}", url.scheme(), &url[Position::BeforeHost..])
}

/// User info as HTTP's Basic scheme (RFC 7617): user and password unescaped, joined by a colon, in base64.
fn authorization(url: &Url) -> Option<HeaderValue> {
    if url.username().is_empty() && url.password().is_none() {
        return None;
    }
    let mut credentials = unescape(url.username());
    credentials.push(b':');
    credentials.extend(unescape(url.password().unwrap_or_default()));
    let mut value = HeaderValue::from_str(&format!("Basic {}", STANDARD.encode(credentials))).ok()?;
    value.set_sensitive(true);
    Some(value)
}

/// What `%xx` stands for; what is no such escape stands for itself.
fn unescape(text: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        let escaped = match rest {
            [b'%', high, low, tail @ ..] => {
                hex(*high).zip(hex(*low)).map(|(high, low)| (high << 4 | low, tail))
            }
            _ => None,
        };
        let (byte, tail) = escaped.unwrap_or((*first, tail));
        bytes.push(byte);
        rest = tail;
    }
    bytes
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

impl fmt::Display for EndpointUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.shown)
    }
}

impl fmt::Debug for EndpointUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("EndpointUrl").field(&self.0.shown).finish()
    }
}

impl PartialEq for EndpointUrl {
    fn eq(&self, other: &Self) -> bool {
        self.0.text == other.0.text
    }
}

impl Eq for EndpointUrl {}

impl Hash for EndpointUrl {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.text.hash(state);
    }
}
