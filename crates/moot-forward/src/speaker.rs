//! Who is speaking, from the audio levels that publishers send (RFC 6464).

use std::time::{Duration, Instant};

/// A level in -dBov as RFC 6464 §3 has it: 0 is the loudest, 127 silence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AudioLevel(pub u8);

/// Quieter packets are background, not speech. Lower misses people far from their microphone,
/// higher lights up on keyboards.
const SPEECH: AudioLevel = AudioLevel(35);
/// Of a window, at least this part must be speech. One cough of 100 ms is not a speaker.
const MIN_SPEECH_PERCENT: u128 = 40;
/// A packet's share of time where the next one is far (DTX): the usual frame of Opus.
const PACKET: Duration = Duration::from_millis(20);
/// Steps to which a loudness is rounded, so that a steady voice is not news every time.
const STEPS: f32 = 8.0;

/// How loud a track was in a window: 0 where nobody spoke, up to 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, PartialOrd)]
pub struct Loudness(pub f32);

/// Gathers the levels of one audio publication.
///
/// Smoothed over successive windows, so that a pause for breath does not end a speech.
#[derive(Clone, Debug, Default)]
pub struct LoudnessMeter {
    began_at: Option<Instant>,
    speech: Duration,
    loudest: Option<AudioLevel>,
    smoothed: f32,
}

impl LoudnessMeter {
    /// Makes a meter that has heard nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Hears the level of one packet of about 20 ms.
    pub fn record(&mut self, level: AudioLevel, now: Instant) {
        self.began_at.get_or_insert(now);
        if level.0 <= SPEECH.0 {
            self.speech += PACKET;
            self.loudest = Some(match self.loudest {
                Some(loudest) if loudest.0 <= level.0 => loudest,
                _ => level,
            });
        }
    }

    /// Closes the window that began with the last closing and says how loud the track is.
    pub fn close_window(&mut self, now: Instant) -> Loudness {
        let length = self
            .began_at
            .map_or(Duration::ZERO, |began| now.saturating_duration_since(began));
        let is_speech =
            self.speech.as_micros() * 100 >= length.as_micros().max(1) * MIN_SPEECH_PERCENT;
        let fresh = match self.loudest {
            Some(level) if is_speech => {
                let part = (self.speech.as_secs_f32() / length.as_secs_f32().max(0.02)).min(1.0);
                10f32.powf(-f32::from(level.0) / 20.0) * part
            }
            _ => 0.0,
        };
        // Two windows' memory: louder counts at once, quieter fades by two thirds each time.
        self.smoothed = fresh.max(self.smoothed / 3.0);
        if self.smoothed < 10f32.powf(-f32::from(SPEECH.0) / 20.0) / 2.0 {
            self.smoothed = 0.0;
        }
        self.began_at = Some(now);
        self.speech = Duration::ZERO;
        self.loudest = None;
        Loudness(self.smoothed)
    }

    /// Forgets everything, as when the track is muted: it is silent at once.
    pub fn reset(&mut self) {
        *self = Self::default();
    }
}

/// One who speaks, or has just stopped.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Speaker<K> {
    /// Who.
    pub id: K,
    /// How loud, in eighths: above 0 to 1; 0 for one who has stopped.
    pub level: f32,
    /// Whether this one still speaks.
    pub is_active: bool,
}

/// Keeps the list of active speakers of a meeting and says what changed in it.
#[derive(Clone, Debug)]
pub struct ActiveSpeakers<K> {
    active: Vec<Speaker<K>>,
    changed: Vec<Speaker<K>>,
}

impl<K> Default for ActiveSpeakers<K> {
    fn default() -> Self {
        Self {
            active: Vec::new(),
            changed: Vec::new(),
        }
    }
}

impl<K: Copy + PartialEq> ActiveSpeakers<K> {
    /// Makes an empty list.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the loudness of every audio track of the meeting at once; whoever is not named has
    /// fallen silent. One who is named twice counts with the louder track.
    ///
    /// Returns those whose state changed: new speakers, those at another level, and, inactive with
    /// level 0, those who stopped. Call every 300 to 500 ms.
    pub fn update(&mut self, heard: impl IntoIterator<Item = (K, Loudness)>) -> &[Speaker<K>] {
        let before = std::mem::take(&mut self.active);
        for (id, loudness) in heard {
            if loudness.0 <= 0.0 {
                continue;
            }
            let level = (loudness.0.min(1.0) * STEPS).ceil() / STEPS;
            match self.active.iter_mut().find(|speaker| speaker.id == id) {
                Some(speaker) => speaker.level = speaker.level.max(level),
                None => self.active.push(Speaker {
                    id,
                    level,
                    is_active: true,
                }),
            }
        }
        self.active.sort_by(|a, b| b.level.total_cmp(&a.level));
        self.changed.clear();
        for speaker in &self.active {
            if !before.contains(speaker) {
                self.changed.push(*speaker);
            }
        }
        for old in &before {
            if self.active.iter().all(|speaker| speaker.id != old.id) {
                self.changed.push(Speaker {
                    level: 0.0,
                    is_active: false,
                    ..*old
                });
            }
        }
        &self.changed
    }

    /// Returns who speaks, loudest first.
    pub fn active(&self) -> &[Speaker<K>] {
        &self.active
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WINDOW: Duration = Duration::from_millis(400);

    fn window(meter: &mut LoudnessMeter, levels: &[u8], from: Instant) -> Loudness {
        meter.close_window(from);
        for (place, level) in levels.iter().enumerate() {
            meter.record(AudioLevel(*level), from + PACKET * place as u32);
        }
        meter.close_window(from + WINDOW)
    }

    #[test]
    fn speech_is_loud_and_background_and_a_cough_are_not() {
        let now = Instant::now();
        let speech = window(&mut LoudnessMeter::new(), &[20; 20], now);
        assert!((speech.0 - 0.1).abs() < 0.01, "{speech:?}");
        let background = window(&mut LoudnessMeter::new(), &[50; 20], now);
        assert_eq!(background, Loudness(0.0));
        let mut cough = [127; 20];
        cough[3..8].fill(10);
        assert_eq!(
            window(&mut LoudnessMeter::new(), &cough, now),
            Loudness(0.0)
        );
    }

    #[test]
    fn a_breath_does_not_end_a_speech_and_silence_does() {
        let now = Instant::now();
        let mut meter = LoudnessMeter::new();
        window(&mut meter, &[10; 20], now);
        let breath = meter.close_window(now + WINDOW * 2);
        assert!(breath.0 > 0.0);
        for later in 3..8 {
            meter.close_window(now + WINDOW * later);
        }
        assert_eq!(meter.close_window(now + WINDOW * 8), Loudness(0.0));
    }

    #[test]
    fn a_muted_track_is_silent_at_once() {
        let now = Instant::now();
        let mut meter = LoudnessMeter::new();
        window(&mut meter, &[5; 20], now);
        meter.reset();
        assert_eq!(meter.close_window(now + WINDOW), Loudness(0.0));
    }

    #[test]
    fn only_changes_are_told_loudest_first_and_who_stopped_last() {
        let mut speakers = ActiveSpeakers::new();
        let first = speakers.update([(1, Loudness(0.1)), (2, Loudness(0.5)), (3, Loudness(0.0))]);
        let ids: Vec<_> = first.iter().map(|speaker| speaker.id).collect();
        assert_eq!(ids, [2, 1]);
        assert!(
            speakers
                .update([(1, Loudness(0.11)), (2, Loudness(0.49))])
                .is_empty()
        );
        let stopped = speakers.update([(2, Loudness(0.5))]);
        assert_eq!(
            stopped,
            [Speaker {
                id: 1,
                level: 0.0,
                is_active: false
            }]
        );
        assert_eq!(speakers.active().len(), 1);
    }
}
