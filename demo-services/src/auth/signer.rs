//! Access tokens: EdDSA JWTs, signed with the newest key.

use anyhow::anyhow;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ed25519_dalek::pkcs8::EncodePrivateKey;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};

use super::eddsa;
use super::verify::{Claims, ISSUER};
use crate::store::{SigningKey, StoredUser, unix_seconds};

/// How long an access token is good: long enough for an outage of auth, short enough for a
/// token that leaks.
pub(super) const ACCESS_SECONDS: i64 = 15 * 60;

/// How long a key is published before it signs: whoever verifies offline fetches the key set
/// every few seconds, and must know a key before it meets the first token.
const PUBLISHED_AHEAD_SECONDS: i64 = 30;

/// Draws a key that signs at once.
pub(crate) fn fresh_key() -> SigningKey {
    let secret: [u8; 32] = rand::random();
    SigningKey {
        id: uuid::Uuid::new_v4().simple().to_string(),
        secret: secret.to_vec(),
        signs_from: unix_seconds(),
    }
}

/// Draws a key that signs once everybody had the time to learn of it.
pub(super) fn next_key() -> SigningKey {
    let mut key = fresh_key();
    key.signs_from += PUBLISHED_AHEAD_SECONDS;
    key
}

/// The key that signs now: the newest whose time has come. `keys` has the newest first.
pub(super) fn signing_now(keys: &[SigningKey], now: i64) -> Option<&SigningKey> {
    keys.iter()
        .find(|key| key.signs_from <= now)
        // A clock that was set back must not keep everybody out.
        .or(keys.last())
}

/// Signs an access token.
pub(super) fn sign(key: &SigningKey, user: &StoredUser, session: &str) -> anyhow::Result<String> {
    let now = unix_seconds();
    let claims = Claims {
        sub: user.id.to_string(),
        name: user.name.clone(),
        plan: user.plan.clone(),
        session: session.to_owned(),
        iat: now,
        exp: now + ACCESS_SECONDS,
        iss: ISSUER.to_owned(),
    };
    let mut header = Header::new(Algorithm::EdDSA);
    header.kid = Some(key.id.clone());
    eddsa::install();
    let der = ed25519(key)?
        .to_pkcs8_der()
        .map_err(|error| anyhow!("cannot encode a key: {error}"))?;
    let encoding = EncodingKey::from_ed_der(der.as_bytes());
    Ok(jsonwebtoken::encode(&header, &claims, &encoding)?)
}

/// The public halves as a JSON Web Key Set (RFC 7517, RFC 8037).
pub(super) fn key_set(keys: &[SigningKey]) -> anyhow::Result<Value> {
    let keys = keys
        .iter()
        .map(|key| {
            let public = ed25519(key)?.verifying_key();
            Ok(json!({
                "kty": "OKP",
                "crv": "Ed25519",
                "alg": "EdDSA",
                "use": "sig",
                "kid": key.id,
                "x": URL_SAFE_NO_PAD.encode(public.as_bytes()),
            }))
        })
        .collect::<anyhow::Result<Vec<_>>>()?;
    Ok(json!({"keys": keys}))
}

fn ed25519(key: &SigningKey) -> anyhow::Result<ed25519_dalek::SigningKey> {
    let secret: [u8; 32] = key
        .secret
        .as_slice()
        .try_into()
        .map_err(|_| anyhow!("the key {} is not 32 bytes long", key.id))?;
    Ok(ed25519_dalek::SigningKey::from_bytes(&secret))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_signs_only_once_its_time_has_come() {
        let (old, mut new) = (fresh_key(), fresh_key());
        new.signs_from = old.signs_from + 30;
        let keys = [new.clone(), old.clone()];
        let at = |seconds: i64| {
            let key = signing_now(&keys, old.signs_from + seconds);
            key.map(|key| key.id.clone())
        };
        assert_eq!(at(0), Some(old.id.clone()));
        assert_eq!(at(29), Some(old.id.clone()));
        assert_eq!(at(30), Some(new.id.clone()));
        assert_eq!(at(-100), Some(old.id.clone()));
        assert!(signing_now(&[], 0).is_none());
    }
}
