//! The key that callers show.

use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use std::fmt;
use subtle::ConstantTimeEq;

/// Shorter keys can be guessed.
pub const FEWEST_CHARACTERS: usize = 16;

/// The one key of a service. It is never printed, and its memory is cleared when it is dropped.
#[derive(Clone)]
pub struct ApiKey(SecretString);

/// Why a text is no key. It never has the text itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// It could be guessed.
    #[error("a key has at least {FEWEST_CHARACTERS} characters, this one has {0}")]
    Short(usize),
    /// A header could not carry it.
    #[error("a key has visible ASCII characters only, and no spaces")]
    Characters,
}

impl ApiKey {
    /// A key of at least [`FEWEST_CHARACTERS`] visible ASCII characters.
    ///
    /// # Errors
    /// [`KeyError`].
    pub fn new(text: SecretString) -> Result<Self, KeyError> {
        let key = text.expose_secret();
        if !key.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(KeyError::Characters);
        }
        if key.len() < FEWEST_CHARACTERS {
            return Err(KeyError::Short(key.len()));
        }
        Ok(Self(text))
    }

    /// Whether this is the key. Digests are compared, all of their bytes: the time tells neither how much of a guess
    /// was right nor how long the key is.
    pub fn is(&self, shown: &[u8]) -> bool {
        Sha256::digest(self.0.expose_secret().as_bytes()).ct_eq(&Sha256::digest(shown)).into()
    }
}

impl PartialEq for ApiKey {
    fn eq(&self, other: &Self) -> bool {
        self.is(other.0.expose_secret().as_bytes())
    }
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ApiKey(***)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_key_itself_is_the_key() {
        let key = ApiKey::new("correct-horse-battery".into()).unwrap();
        assert!(key.is(b"correct-horse-battery"));
        for wrong in ["", "correct-horse-batter", "correct-horse-batterz", "correct-horse-battery "] {
            assert!(!key.is(wrong.as_bytes()), "{wrong:?}");
        }
        assert_eq!(format!("{key:?}"), "ApiKey(***)");
    }

    #[test]
    fn what_can_be_guessed_or_not_be_sent_is_no_key() {
        assert_eq!(ApiKey::new("fifteen-letters".into()).unwrap_err(), KeyError::Short(15));
        assert!(ApiKey::new("sixteen-letters!".into()).is_ok());
        for text in ["a key with spaces in it", "a-key-with-a-line\n-feed", "un-clé-très-secrète"] {
            assert_eq!(ApiKey::new(text.into()).unwrap_err(), KeyError::Characters, "{text:?}");
        }
    }
}
