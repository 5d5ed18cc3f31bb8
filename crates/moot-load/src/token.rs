//! Access tokens as LiveKit's servers expect them: JSON Web Tokens (RFC 7519) with a video grant.

use std::time::{SystemTime, UNIX_EPOCH};

use aws_lc_rs::hmac;
use data_encoding::BASE64URL_NOPAD;
use serde_json::json;

/// Signs a token with which `identity` may join `room`, publish and subscribe, for two hours.
pub fn sign(key: &str, secret: &str, room: &str, identity: &str, now: SystemTime) -> String {
    let seconds = now
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs());
    let claims = json!({
        "iss": key,
        "sub": identity,
        "name": identity,
        "nbf": seconds.saturating_sub(60),
        "exp": seconds + 7200,
        "video": {
            "room": room,
            "roomJoin": true,
            "canPublish": true,
            "canSubscribe": true,
            "canPublishData": true,
        },
    });
    let header = BASE64URL_NOPAD.encode(br#"{"alg":"HS256","typ":"JWT"}"#);
    let body = BASE64URL_NOPAD.encode(claims.to_string().as_bytes());
    let signed = format!("{header}.{body}");
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    let tag = hmac::sign(&key, signed.as_bytes());
    format!("{signed}.{}", BASE64URL_NOPAD.encode(tag.as_ref()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_carries_its_claims_under_a_signature_that_depends_on_the_secret() {
        let token = sign("key", "secret", "ABC", "ana", UNIX_EPOCH);
        let parts: Vec<_> = token.split('.').collect();
        assert_eq!(parts.len(), 3);
        let claims = BASE64URL_NOPAD.decode(parts[1].as_bytes()).unwrap();
        let claims: serde_json::Value = serde_json::from_slice(&claims).unwrap();
        assert_eq!(claims["video"]["room"], "ABC");
        assert_eq!(claims["sub"], "ana");
        let other = sign("key", "other", "ABC", "ana", UNIX_EPOCH);
        assert_eq!(other.split('.').nth(1), Some(parts[1]));
        assert_ne!(other, token);
    }
}
