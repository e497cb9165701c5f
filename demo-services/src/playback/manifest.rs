//! Manifest URLs that end by themselves: signed with HMAC-SHA256.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// The key that signs manifest URLs.
#[derive(Clone)]
pub(super) struct ManifestKey(Vec<u8>);

impl ManifestKey {
    pub(super) fn new(key: &[u8]) -> Self {
        Self(key.to_vec())
    }

    /// The path and query under which a stream may read a manifest until `expires`.
    pub(super) fn url(&self, title: u32, stream: &str, expires: i64) -> Option<String> {
        let signature =
            URL_SAFE_NO_PAD.encode(self.mac(title, stream, expires)?.finalize().into_bytes());
        Some(format!(
            "/v1/manifests/{title}?stream={stream}&expires={expires}&signature={signature}"
        ))
    }

    /// Whether the signature is ours and has not ended. Compared in constant time.
    pub(super) fn allows(
        &self,
        title: u32,
        stream: &str,
        expires: i64,
        signature: &str,
        now: i64,
    ) -> bool {
        let (Ok(signature), Some(mac)) = (
            URL_SAFE_NO_PAD.decode(signature),
            self.mac(title, stream, expires),
        ) else {
            return false;
        };
        now < expires && mac.verify_slice(&signature).is_ok()
    }

    fn mac(&self, title: u32, stream: &str, expires: i64) -> Option<Hmac<Sha256>> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).ok()?;
        // The stream stands last: it is the only part whose length is free.
        mac.update(format!("{title}\n{expires}\n{stream}").as_bytes());
        Some(mac)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_signed_is_allowed_and_only_for_a_while() {
        let key = ManifestKey::new(b"0123456789abcdef");
        let url = key.url(17, "stream", 1_000).unwrap();
        let signature = url.split("signature=").nth(1).unwrap();
        assert!(key.allows(17, "stream", 1_000, signature, 999));
        assert!(!key.allows(17, "stream", 1_000, signature, 1_000));
        assert!(!key.allows(18, "stream", 1_000, signature, 999));
        assert!(!key.allows(17, "other", 1_000, signature, 999));
        assert!(!key.allows(17, "stream", 2_000, signature, 999));
        assert!(!key.allows(17, "stream", 1_000, "garbage!", 999));
        let other = ManifestKey::new(b"another key, just as long");
        assert!(!other.allows(17, "stream", 1_000, signature, 999));
    }
}
