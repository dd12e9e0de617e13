//! Who somebody is, as documents and programs tell it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::json;

use super::AuthFileError;
use crate::plan::registry::position;

/// The user of an identity token, as credential helpers have it.
const TOKEN_USER: &str = "<token>";

/// Who somebody is to a registry.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    /// The user's name.
    pub user: String,
    /// The password, or a token that stands for it.
    pub password: String,
    /// What a registry has given in their place.
    pub token: Option<Token>,
}

/// What stands for a name and a password.
#[derive(Clone, PartialEq, Eq)]
pub enum Token {
    /// What is exchanged for the tokens of single questions (`identitytoken`); OAuth calls it a refresh token.
    Identity(String),
    /// What is shown to the registry as it is (`registrytoken`).
    Registry(String),
}

impl std::fmt::Debug for Token {
    /// Never the token.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Identity(_) => "Identity",
            Self::Registry(_) => "Registry",
        })
    }
}

impl std::fmt::Debug for Credentials {
    /// Never the password.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Credentials").field("user", &self.user).finish_non_exhaustive()
    }
}

impl Credentials {
    /// Somebody with a name and a password, whatever they are.
    #[must_use]
    pub fn new(user: &str, password: &str) -> Self {
        Self { user: user.to_owned(), password: password.to_owned(), token: None }
    }

    /// Reads `USER:PASSWORD`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (user, password) = text.split_once(':')?;
        let is_sound = !user.is_empty() && !text.contains(char::is_control);
        is_sound.then(|| Self::new(user, password))
    }

    /// As the value of the header `Authorization`.
    #[must_use]
    pub fn basic(&self) -> String {
        format!("Basic {}", self.encoded())
    }

    pub(super) fn encoded(&self) -> String {
        STANDARD.encode(format!("{}:{}", self.user, self.password))
    }
}

/// What a document says about a registry.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Entry {
    auth: Option<String>,
    username: Option<String>,
    password: Option<String>,
    identitytoken: Option<String>,
    registrytoken: Option<String>,
}

impl Entry {
    /// Who that is; nobody if it says nothing.
    ///
    /// # Errors
    /// What it says cannot be read or sent.
    pub(super) fn credentials(&self) -> Result<Option<Credentials>, ()> {
        let given = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
        let is_sendable = |token: &String| token.bytes().all(|byte| byte.is_ascii_graphic());
        let token = given(&self.registrytoken).map(Token::Registry);
        let token = token.or_else(|| given(&self.identitytoken).map(Token::Identity));
        if let Some(Token::Registry(token) | Token::Identity(token)) = &token
            && !is_sendable(token)
        {
            return Err(());
        }
        let named = match given(&self.auth) {
            Some(auth) => {
                let decoded = STANDARD.decode(auth.trim_end_matches('\0')).map_err(drop)?;
                let text = String::from_utf8(decoded).map_err(drop)?;
                Some(Credentials::parse(text.trim_end_matches('\0')).ok_or(())?)
            }
            None => match (given(&self.username), given(&self.password)) {
                (Some(user), Some(password)) => {
                    // The same rules as for the two in one.
                    let is_name = !user.contains(':');
                    let both = Credentials::parse(&format!("{user}:{password}")).filter(|_| is_name);
                    Some(both.ok_or(())?)
                }
                (Some(user), None) => Some(Credentials::new(&user, "")).filter(|_| token.is_some()),
                (None, _) => None,
            },
        };
        if token.is_none() {
            return Ok(named);
        }
        Ok(Some(Credentials { token, ..named.unwrap_or_else(|| Credentials::new(TOKEN_USER, "")) }))
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Answer {
    username: String,
    secret: String,
}

/// What the answer of a credential helper says; nothing if there is nobody in it.
///
/// # Errors
/// It is no such answer.
pub fn answer(bytes: &[u8]) -> Result<Option<Credentials>, AuthFileError> {
    let Answer { username, secret } = position::object(bytes).map_err(AuthFileError::Malformed)?;
    if username.is_empty() && secret.is_empty() {
        return Ok(None);
    }
    let is_token = username == TOKEN_USER;
    let (password, identitytoken) = if is_token { (None, Some(secret)) } else { (Some(secret), None) };
    let entry = Entry { username: Some(username.clone()), password, identitytoken, ..Entry::default() };
    entry
        .credentials()
        .map_err(|()| AuthFileError::Entry(if is_token { TOKEN_USER.to_owned() } else { username }))
}

/// What a credential helper is to keep.
#[must_use]
pub fn to_keep(server: &str, credentials: &Credentials) -> Vec<u8> {
    json!({ "ServerURL": server, "Username": credentials.user, "Secret": credentials.password })
        .to_string()
        .into_bytes()
}
