//! The key under which all attempts at a write are one write.

use http::HeaderMap;

use super::{JsonError, JsonResult};

/// The longest key, in bytes.
const MAXIMUM_BYTES: usize = 100;

/// The `Idempotency-Key` of a request, if it has one.
///
/// Whoever acknowledges a write checks its key with this: a key that one service takes and
/// another one refuses would lose the write between them.
///
/// # Errors
///
/// 400 when the key is empty, too long or not visible ASCII.
pub fn idempotency_key(headers: &HeaderMap) -> JsonResult<Option<&str>> {
    let Some(value) = headers.get("idempotency-key") else {
        return Ok(None);
    };
    match value.to_str() {
        Ok(key) if !key.is_empty() && key.len() <= MAXIMUM_BYTES => Ok(Some(key)),
        _ => Err(JsonError::bad_request(format!(
            "`Idempotency-Key` must have 1 to {MAXIMUM_BYTES} visible ASCII characters"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn read(value: &[u8]) -> JsonResult<Option<String>> {
        let mut headers = HeaderMap::new();
        headers.insert("idempotency-key", HeaderValue::from_bytes(value).unwrap());
        idempotency_key(&headers).map(|key| key.map(str::to_owned))
    }

    #[test]
    fn a_key_is_short_visible_text() {
        assert_eq!(idempotency_key(&HeaderMap::new()).unwrap(), None);
        assert_eq!(read(b"a-key").unwrap().as_deref(), Some("a-key"));
        assert!(read(&[b'k'; MAXIMUM_BYTES]).is_ok());
        assert!(read(&[b'k'; MAXIMUM_BYTES + 1]).is_err());
        assert!(read(b"").is_err());
        assert!(read("schlüssel".as_bytes()).is_err());
    }
}
