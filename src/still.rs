//! Still pictures of cameras. Browsers never reach a camera: the hub fetches its picture, from hosts that
//! the configuration names and from no other, or draws one where the camera is simulated.
//!
//! Limits: the time and bytes of the configuration, JPEG, PNG or WebP, [`REDIRECTS_MAX`] redirects within the
//! named hosts, [`FETCHES_MAX`] fetches at once and [`TURN_WAIT`] until the turn comes. An answer is kept
//! for [`KEPT_MS`], a failure for [`FAILED_MS`], so that many screens cost a camera one request; nothing is
//! kept for longer than [`FORGOTTEN_MS`] but what is waited for, and when the picture changed last. It is
//! never stored.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use chrono::{DateTime, Utc};
use ioc_ingest::Source;
use sha2::{Digest as _, Sha256};
use tokio::{
    sync::{OnceCell, Semaphore},
    time::timeout,
};

mod configure;
mod fetch;

pub use configure::ConfigureError;
pub use fetch::{Address, AddressError, FetchError, FetchSettings, Fetcher, REDIRECTS_MAX};

/// How long a picture is answered again without asking the camera, milliseconds.
const KEPT_MS: i64 = 1_000;
/// How long a failure is answered again, milliseconds.
const FAILED_MS: i64 = 5_000;
/// After this long without a screen that asks, the picture itself is let go, milliseconds.
const FORGOTTEN_MS: i64 = 10_000;
/// Fetches at once; further ones wait for their turn.
const FETCHES_MAX: usize = 32;
/// Longest wait for a turn; at the limit the answer is [`FetchError::TimedOut`].
const TURN_WAIT: Duration = Duration::from_secs(5);

/// A picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Still {
    /// `image/jpeg`, `image/png`, `image/webp` or, of a drawing, `image/svg+xml`.
    pub media_type: &'static str,
    /// The picture.
    pub bytes: Bytes,
    /// When the hub got it, hub clock.
    pub fetched_at: DateTime<Utc>,
    /// Since when every picture that the hub got was the same, byte for byte, hub clock.
    pub changed_at: DateTime<Utc>,
}

/// What a source of pictures gave.
pub(crate) type Taken = Result<(&'static str, Bytes), FetchError>;
type Answer = Result<Still, FetchError>;

/// One fetch and its answer; those who ask meanwhile wait for the same one.
#[derive(Debug)]
struct Slot {
    begun_at: DateTime<Utc>,
    answer: Arc<OnceCell<Answer>>,
}

impl Slot {
    /// Whether there is no answer yet and somebody waits for it: a camera is never asked twice at once.
    fn is_waited_for(&self) -> bool {
        self.answer.get().is_none() && Arc::strong_count(&self.answer) > 1
    }
}

/// When the picture of a camera changed last.
#[derive(Debug, Clone, Copy)]
struct Seen {
    digest: [u8; 32],
    changed_at: DateTime<Utc>,
}

/// The latest pictures of all cameras.
#[derive(Debug)]
pub struct Stills {
    fetcher: Option<Fetcher>,
    turns: Semaphore,
    slots: Mutex<HashMap<Source, Slot>>,
    seen: Mutex<HashMap<Source, Seen>>,
}

impl Stills {
    /// Pictures of real cameras come through `fetcher`; null when the configuration names no address.
    pub fn new(fetcher: Option<Fetcher>) -> Self {
        Self {
            fetcher,
            turns: Semaphore::new(FETCHES_MAX),
            slots: Mutex::default(),
            seen: Mutex::default(),
        }
    }

    /// Whether pictures of real cameras can be had at all.
    pub const fn fetches(&self) -> bool {
        self.fetcher.is_some()
    }

    /// The picture of a real camera, at most [`KEPT_MS`] old; null when none is configured.
    ///
    /// # Cancel safety
    /// Whoever asks next goes on with the fetch.
    pub async fn fetched(&self, source: &Source, now: DateTime<Utc>) -> Option<Answer> {
        let fetcher = self.fetcher.as_ref()?;
        Some(self.take(source, now, || fetcher.picture(source)).await)
    }

    /// The picture of a camera whose pictures are `taken`, through the same memory.
    pub(crate) async fn take<F: Future<Output = Taken>>(
        &self,
        source: &Source,
        now: DateTime<Utc>,
        taken: impl FnOnce() -> F,
    ) -> Answer {
        let slot = self.slot(source, now);
        let answer = slot.get_or_init(|| async {
            let turn = timeout(TURN_WAIT, self.turns.acquire()).await;
            // The semaphore is never closed.
            let _turn =
                turn.map_err(|_late| FetchError::TimedOut)?.map_err(|_| FetchError::TimedOut)?;
            let (media_type, bytes) = taken().await?;
            let changed_at = self.changed_at(source, &bytes, now);
            Ok(Still { media_type, bytes, fetched_at: now, changed_at })
        });
        answer.await.clone()
    }

    /// The running or fresh enough fetch of a camera, or a new one.
    fn slot(&self, source: &Source, now: DateTime<Utc>) -> Arc<OnceCell<Answer>> {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        let age_ms = |slot: &Slot| (now - slot.begun_at).num_milliseconds();
        slots.retain(|_, slot| age_ms(slot) < FORGOTTEN_MS || slot.is_waited_for());
        if let Some(slot) = slots.get(source) {
            if slot.is_waited_for() {
                return Arc::clone(&slot.answer);
            }
            let kept_ms = match slot.answer.get() {
                None => FORGOTTEN_MS,
                Some(Ok(_)) => KEPT_MS,
                Some(Err(_)) => FAILED_MS,
            };
            if (0..kept_ms).contains(&age_ms(slot)) {
                return Arc::clone(&slot.answer);
            }
        }
        let answer = Arc::default();
        slots.insert(source.clone(), Slot { begun_at: now, answer: Arc::clone(&answer) });
        answer
    }

    fn changed_at(&self, source: &Source, bytes: &[u8], now: DateTime<Utc>) -> DateTime<Utc> {
        let digest: [u8; 32] = Sha256::digest(bytes).into();
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let known = seen.entry(source.clone()).or_insert(Seen { digest, changed_at: now });
        if known.digest != digest {
            *known = Seen { digest, changed_at: now };
        }
        known.changed_at
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use chrono::TimeDelta;

    use super::*;

    fn start() -> DateTime<Utc> {
        "2026-03-02T01:15:00Z".parse().unwrap()
    }

    fn camera() -> Source {
        Source::parse("cam-001").unwrap()
    }

    async fn take(stills: &Stills, after_ms: i64, taken: Taken, asked: &AtomicUsize) -> Answer {
        let now = start() + TimeDelta::milliseconds(after_ms);
        let taken = || async {
            asked.fetch_add(1, Ordering::Relaxed);
            taken
        };
        stills.take(&camera(), now, taken).await
    }

    const fn picture(text: &'static str) -> (&'static str, Bytes) {
        ("image/jpeg", Bytes::from_static(text.as_bytes()))
    }

    #[tokio::test]
    async fn a_camera_is_asked_once_a_second_at_most_and_after_a_failure_less_often() {
        let (stills, asked) = (Stills::new(None), AtomicUsize::new(0));
        for (after_ms, expected) in [(0, 1), (999, 1), (1_000, 2), (1_500, 2)] {
            take(&stills, after_ms, Ok(picture("a")), &asked).await.unwrap();
            assert_eq!(asked.load(Ordering::Relaxed), expected, "after {after_ms} ms");
        }
        for (after_ms, expected) in [(3_000, 3), (7_999, 3), (8_000, 4)] {
            let failed = take(&stills, after_ms, Err(FetchError::TimedOut), &asked).await;
            assert_eq!(failed, Err(FetchError::TimedOut));
            assert_eq!(asked.load(Ordering::Relaxed), expected, "after {after_ms} ms");
        }
    }

    #[tokio::test]
    async fn those_who_ask_at_once_share_one_fetch() {
        let (stills, asked) = (Stills::new(None), AtomicUsize::new(0));
        let taken = || async {
            asked.fetch_add(1, Ordering::Relaxed);
            tokio::task::yield_now().await;
            Ok(picture("a"))
        };
        let source = camera();
        let (one, two) = tokio::join!(
            stills.take(&source, start(), taken),
            stills.take(&source, start(), taken)
        );
        assert_eq!(one, two);
        assert_eq!(asked.load(Ordering::Relaxed), 1);
    }

    #[tokio::test]
    async fn a_fetch_that_is_waited_for_is_not_begun_again() {
        let (stills, asked) = (Stills::new(None), AtomicUsize::new(0));
        let (give, given) = tokio::sync::oneshot::channel::<()>();
        let slow = || async {
            asked.fetch_add(1, Ordering::Relaxed);
            let _given = given.await;
            Ok(picture("a"))
        };
        let source = camera();
        let first = stills.take(&source, start(), slow);
        let second = async {
            let answer = take(&stills, 2 * FORGOTTEN_MS, Ok(picture("b")), &asked);
            give.send(()).unwrap();
            answer.await
        };
        let (first, second) = tokio::join!(first, second);
        assert_eq!(first, second);
        assert_eq!(asked.load(Ordering::Relaxed), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn a_turn_is_not_waited_for_without_end() {
        let (stills, asked) = (Stills::new(None), AtomicUsize::new(0));
        let _all = stills.turns.acquire_many(32).await.unwrap();
        let late = take(&stills, 0, Ok(picture("a")), &asked).await;
        assert_eq!(late, Err(FetchError::TimedOut));
        assert_eq!(asked.load(Ordering::Relaxed), 0);
    }

    #[tokio::test]
    async fn a_picture_that_stands_still_tells_since_when() {
        let (stills, asked) = (Stills::new(None), AtomicUsize::new(0));
        let mut changed_s = Vec::new();
        for (after_ms, text) in [(0, "a"), (2_000, "a"), (40_000, "a"), (50_000, "b")] {
            let still = take(&stills, after_ms, Ok(picture(text)), &asked).await.unwrap();
            assert_eq!(still.fetched_at, start() + TimeDelta::milliseconds(after_ms));
            changed_s.push((still.changed_at - start()).num_seconds());
        }
        assert_eq!(changed_s, [0, 0, 0, 50]);
    }

    #[tokio::test]
    async fn without_an_address_nothing_is_fetched() {
        assert_eq!(Stills::new(None).fetched(&camera(), start()).await, None);
    }
}
