//! DTLS for every transport from one configuration.
//!
//! Making a configuration tries every primitive of the back-end, key exchanges and signatures on
//! P-256 and P-384 among them. str0m's own provider makes one for each transport.
//!
//! The keys that a handshake agrees on are noted for the side that sends without str0m.

use std::cell::RefCell;
use std::sync::{Arc, LazyLock, OnceLock};
use std::time::{Duration, Instant};

use dimpl::{Config, Dtls, SrtpProfile};
use moot_send::{Keys, Profile};
use str0m::crypto::dtls::{
    DtlsCert, DtlsImplError, DtlsInstance, DtlsOutput, DtlsProvider, DtlsVersion, ProtocolVersion,
};
use str0m::crypto::{CryptoError, CryptoProvider, from_feature_flags};

use crate::patience::Patience;

/// How long a handshake's message waits for its answer before it is sent again, twice as long each
/// time, and at most.
#[derive(Clone, Copy, Debug)]
struct Pauses {
    first: Duration,
    longest: Duration,
}

/// RFC 9147 §5.8.2 recommends 400 ms for SRTP where 1 s is usual, and libwebrtc begins with 50.
/// Shorter repeats in vain on slow paths, longer keeps newcomers on lossy ones waiting.
const PAUSES: Pauses = Pauses {
    first: Duration::from_millis(100),
    longest: Duration::from_secs(1),
};

/// What libwebrtc does (`rtc_base/openssl_stream_adapter.cc`).
const BROWSERS_PAUSES: Pauses = Pauses {
    first: Duration::from_millis(50),
    longest: Duration::from_secs(60),
};

/// How often it is sent again: for 26 s, longer than clients wait.
const RETRIES: usize = 28;

/// How long a handshake may take by its own clock, which [`Patience`] sets forward to each repeat:
/// longer than all repeats.
const HANDSHAKE: Duration = Duration::from_secs(2 * 365 * 24 * 60 * 60);

/// The cryptography of all transports: the back-end's, with DTLS from one configuration.
pub(crate) fn crypto() -> Arc<CryptoProvider> {
    static SHARED: SharedProvider = SharedProvider::new(PAUSES, None);
    static CRYPTO: LazyLock<Arc<CryptoProvider>> = LazyLock::new(|| with_dtls(&SHARED));
    CRYPTO.clone()
}

/// The same for a simulation that must be repeatable: the pauses before a handshake's messages are
/// sent again are drawn alike each time, and so are its random numbers. **It protects nothing.**
pub fn repeatable_crypto() -> Arc<CryptoProvider> {
    static SEEDED: SharedProvider = SharedProvider::new(PAUSES, Some(SEED));
    with_dtls(&SEEDED)
}

/// The same for a simulated client that repeats its messages when a browser would. **It protects
/// nothing.**
pub fn repeatable_browser_crypto() -> Arc<CryptoProvider> {
    static SEEDED: SharedProvider = SharedProvider::new(BROWSERS_PAUSES, Some(SEED));
    with_dtls(&SEEDED)
}

thread_local! {
    /// The keys of the last handshake that ended on this thread: str0m makes the instances of DTLS
    /// and hands none of what they say on.
    static FRESH_KEYS: RefCell<Option<Keys>> = const { RefCell::new(None) };
}

/// Takes the keys of the handshake that has ended on this thread since this was last called: that
/// of the transport that was driven in between, if only one was.
pub(crate) fn take_fresh_keys() -> Option<Keys> {
    FRESH_KEYS.take()
}

fn note_keys(material: &[u8], profile: SrtpProfile, is_client: bool) {
    let profile = match profile {
        SrtpProfile::AES128_CM_SHA1_80 => Profile::Aes128CmSha1_80,
        SrtpProfile::AEAD_AES_128_GCM => Profile::AeadAes128Gcm,
        SrtpProfile::AEAD_AES_256_GCM => Profile::AeadAes256Gcm,
        // str0m would not offer it.
        _ => return,
    };
    FRESH_KEYS.set(Keys::new(profile, material, is_client));
}

/// Any number would do.
const SEED: u64 = 1;

fn with_dtls(dtls_provider: &'static SharedProvider) -> Arc<CryptoProvider> {
    Arc::new(CryptoProvider {
        dtls_provider,
        ..from_feature_flags()
    })
}

/// Makes DTLS instances that share a configuration.
#[derive(Debug)]
struct SharedProvider {
    /// The first configuration made, with its MTU in bytes.
    kept: OnceLock<(Option<usize>, Arc<Config>)>,
    pauses: Pauses,
    /// What every instance draws from, in a simulation.
    seed: Option<u64>,
}

impl SharedProvider {
    const fn new(pauses: Pauses, seed: Option<u64>) -> Self {
        Self {
            kept: OnceLock::new(),
            pauses,
            seed,
        }
    }

    fn config(&self, mtu: Option<usize>) -> Result<Arc<Config>, CryptoError> {
        if let Some((kept, config)) = self.kept.get()
            && *kept == mtu
        {
            return Ok(config.clone());
        }
        // ICE has verified the return path before DTLS begins; a cookie would cost a round trip.
        let mut builder = Config::builder()
            .use_server_cookie(false)
            .flight_start_rto(self.pauses.first)
            .flight_retries(RETRIES)
            .handshake_timeout(HANDSHAKE);
        if let Some(mtu) = mtu {
            builder = builder.mtu(mtu);
        }
        if let Some(seed) = self.seed {
            builder = builder.dangerously_set_rng_seed(seed);
        }
        let config = builder
            .build()
            .map_err(|error| CryptoError::Other(error.to_string()))?;
        let config = Arc::new(config);
        // Another thread may have been first; then this one serves one transport.
        let _taken = self.kept.set((mtu, config.clone()));
        Ok(config)
    }
}

impl DtlsProvider for SharedProvider {
    fn generate_certificate(&self) -> Option<DtlsCert> {
        from_feature_flags().dtls_provider.generate_certificate()
    }

    fn new_dtls(
        &self,
        cert: &DtlsCert,
        now: Instant,
        dtls_version: DtlsVersion,
        mtu: Option<usize>,
    ) -> Result<Box<dyn DtlsInstance>, CryptoError> {
        let config = self.config(mtu)?;
        let dtls = match dtls_version {
            DtlsVersion::Dtls12 => Dtls::new_12(config, cert.clone(), now),
            DtlsVersion::Dtls13 => Dtls::new_13(config, cert.clone(), now),
            DtlsVersion::Auto => Dtls::new_auto(config, cert.clone(), now),
            other => return Err(CryptoError::Other(format!("{other} is not served"))),
        };
        Ok(Box::new(Instance {
            dtls,
            patience: Patience::new(self.pauses.longest, now),
            phase: Phase::Quiet,
        }))
    }
}

struct Instance {
    dtls: Dtls,
    patience: Patience,
    phase: Phase,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Nothing has been sent.
    Quiet,
    /// What was sent may have to be sent again.
    Handshaking,
    Connected,
}

impl std::fmt::Debug for Instance {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Instance").finish_non_exhaustive()
    }
}

impl DtlsInstance for Instance {
    fn set_active(&mut self, active: bool) {
        self.dtls.set_active(active);
    }

    fn handle_packet(&mut self, packet: &[u8]) -> Result<(), DtlsImplError> {
        self.dtls.handle_packet(packet)
    }

    fn poll_output<'a>(&mut self, buf: &'a mut [u8]) -> DtlsOutput<'a> {
        let output = self.dtls.poll_output(buf);
        match &output {
            DtlsOutput::Packet(_) if self.phase == Phase::Quiet => self.phase = Phase::Handshaking,
            DtlsOutput::Connected => self.phase = Phase::Connected,
            DtlsOutput::KeyingMaterial(material, profile) => {
                note_keys(material, *profile, self.dtls.is_active());
            }
            DtlsOutput::Timeout(due) => {
                return DtlsOutput::Timeout(match self.phase {
                    Phase::Handshaking => self.patience.until(*due),
                    Phase::Quiet | Phase::Connected => self.patience.truth(*due),
                });
            }
            _ => {}
        }
        output
    }

    fn handle_timeout(&mut self, now: Instant) -> Result<(), DtlsImplError> {
        self.dtls.handle_timeout(self.patience.read(now))
    }

    fn send_application_data(&mut self, data: &[u8]) -> Result<usize, DtlsImplError> {
        self.dtls.send_application_data(data)
    }

    fn is_active(&self) -> bool {
        self.dtls.is_active()
    }

    fn protocol_version(&self) -> Option<ProtocolVersion> {
        self.dtls.protocol_version()
    }

    fn is_closing(&self) -> bool {
        self.dtls.is_closing()
    }

    fn is_closed(&self) -> bool {
        self.dtls.is_closed()
    }

    fn close(&mut self) -> Result<(), DtlsImplError> {
        self.dtls.close()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn transports_of_one_mtu_share_a_configuration() {
        let provider = SharedProvider::new(PAUSES, None);
        let first = provider.config(Some(1_200)).unwrap();
        assert!(Arc::ptr_eq(&first, &provider.config(Some(1_200)).unwrap()));
        let other = provider.config(Some(1_100)).unwrap();
        assert_eq!((first.mtu(), other.mtu()), (1_200, 1_100));
    }
}
