//! Verifies access tokens offline, with a key set and a list of revoked sessions.

use std::collections::{BTreeMap, BTreeSet};

use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde::{Deserialize, Serialize};

use super::eddsa;

/// Who issues the tokens.
pub(super) const ISSUER: &str = "aplomb-demo";

/// How long after its end a token is still good, since clocks differ.
pub(super) const LEEWAY_SECONDS: u64 = 60;

/// What a token says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claims {
    /// The user's number.
    pub sub: String,
    /// The user's name.
    pub name: String,
    /// `basic`, `standard` or `premium`.
    pub plan: String,
    /// The session, by which it can be revoked.
    pub session: String,
    /// When it was issued, in seconds since 1970.
    pub iat: i64,
    /// When it ends, in seconds since 1970.
    pub exp: i64,
    /// Who issued it.
    pub iss: String,
}

/// The public keys of auth, by id.
pub struct KeySet {
    keys: BTreeMap<String, DecodingKey>,
}

impl KeySet {
    /// Reads a JSON Web Key Set.
    ///
    /// # Errors
    ///
    /// When it is none, or has no key with an id.
    pub fn parse(bytes: &[u8]) -> anyhow::Result<Self> {
        let set: JwkSet = serde_json::from_slice(bytes)?;
        let keys: BTreeMap<_, _> = set
            .keys
            .iter()
            .filter_map(|key| {
                let id = key.common.key_id.clone()?;
                Some((id, DecodingKey::from_jwk(key).ok()?))
            })
            .collect();
        anyhow::ensure!(!keys.is_empty(), "the key set has no key");
        Ok(Self { keys })
    }
}

/// The sessions whose tokens are no longer good.
#[derive(Debug, Default)]
pub struct Revocations {
    sessions: BTreeSet<String>,
}

impl Revocations {
    /// Reads what auth answers.
    ///
    /// # Errors
    ///
    /// When it is not that.
    pub fn parse(bytes: &[u8]) -> anyhow::Result<Self> {
        #[derive(Deserialize)]
        struct Wire {
            revoked: Vec<Session>,
        }
        #[derive(Deserialize)]
        struct Session {
            session: String,
        }
        let wire: Wire = serde_json::from_slice(bytes)?;
        Ok(Self {
            sessions: wire.revoked.into_iter().map(|one| one.session).collect(),
        })
    }
}

/// Why a token is not good.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// It is no token, its signature is wrong or it has ended.
    #[error("the token is not good: {0}")]
    Invalid(#[from] jsonwebtoken::errors::Error),
    /// No key of the set signed it.
    #[error("the token was signed with a key that is not known")]
    UnknownKey,
    /// Its session was ended.
    #[error("the token's session was ended")]
    Revoked,
}

/// What a good token says.
///
/// # Errors
///
/// Why it is not good.
pub fn verify(token: &str, keys: &KeySet, revocations: &Revocations) -> Result<Claims, TokenError> {
    eddsa::install();
    let header = jsonwebtoken::decode_header(token)?;
    let key = header
        .kid
        .and_then(|id| keys.keys.get(&id))
        .ok_or(TokenError::UnknownKey)?;
    let mut validation = Validation::new(Algorithm::EdDSA);
    validation.set_issuer(&[ISSUER]);
    validation.leeway = LEEWAY_SECONDS;
    let claims = jsonwebtoken::decode::<Claims>(token, key, &validation)?.claims;
    if revocations.sessions.contains(&claims.session) {
        return Err(TokenError::Revoked);
    }
    Ok(claims)
}

#[cfg(test)]
mod tests {
    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;

    use super::*;
    use crate::auth::signer::{fresh_key, key_set, sign};
    use crate::store::StoredUser;

    fn user() -> StoredUser {
        StoredUser {
            id: 7,
            name: "ana".to_owned(),
            plan: "premium".to_owned(),
            password_hash: String::new(),
        }
    }

    fn parse(keys: &[crate::store::SigningKey]) -> KeySet {
        KeySet::parse(key_set(keys).unwrap().to_string().as_bytes()).unwrap()
    }

    #[test]
    fn a_token_is_good_with_its_key_and_with_no_other() {
        let (old, new) = (fresh_key(), fresh_key());
        let token = sign(&old, &user(), "session").unwrap();
        let none = Revocations::default();
        let rotated = parse(&[new.clone(), old.clone()]);
        assert_eq!(verify(&token, &rotated, &none).unwrap().sub, "7");
        let without = parse(&[new]);
        assert!(matches!(
            verify(&token, &without, &none),
            Err(TokenError::UnknownKey)
        ));
        let forged = {
            let mut other = fresh_key();
            other.id.clone_from(&old.id);
            sign(&other, &user(), "session").unwrap()
        };
        assert!(matches!(
            verify(&forged, &rotated, &none),
            Err(TokenError::Invalid(_))
        ));
        assert!(verify("garbage", &rotated, &none).is_err());
    }

    #[test]
    fn only_our_own_signed_tokens_are_good() {
        let key = fresh_key();
        let keys = parse(std::slice::from_ref(&key));
        let none = Revocations::default();
        let token = sign(&key, &user(), "session").unwrap();
        let [head, claims, signature]: [&str; 3] =
            token.split('.').collect::<Vec<_>>().try_into().unwrap();
        let unsigned = URL_SAFE_NO_PAD.encode(format!(r#"{{"alg":"none","kid":"{}"}}"#, key.id));
        let symmetric = URL_SAFE_NO_PAD.encode(format!(r#"{{"alg":"HS256","kid":"{}"}}"#, key.id));
        let other_plan = URL_SAFE_NO_PAD.encode(
            String::from_utf8(URL_SAFE_NO_PAD.decode(claims).unwrap())
                .unwrap()
                .replace("premium", "premiun"),
        );
        for forged in [
            format!("{unsigned}.{claims}."),
            format!("{symmetric}.{claims}.{signature}"),
            format!("{head}.{other_plan}.{signature}"),
            format!("{head}.{claims}."),
            format!("{head}.{claims}"),
        ] {
            assert!(verify(&forged, &keys, &none).is_err(), "{forged}");
        }
        assert!(verify(&token, &keys, &none).is_ok());
    }

    #[test]
    fn a_revoked_session_is_refused() {
        let key = fresh_key();
        let token = sign(&key, &user(), "session").unwrap();
        let revoked =
            Revocations::parse(br#"{"revoked":[{"session":"session","untilUnixSeconds":1}]}"#);
        assert!(matches!(
            verify(&token, &parse(&[key]), &revoked.unwrap()),
            Err(TokenError::Revoked)
        ));
    }
}
