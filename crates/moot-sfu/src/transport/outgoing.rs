//! The streams of a transport that sends: taken from str0m where they were agreed on, had by the
//! egress from then on.

use std::time::{Duration, Instant};

use moot_send::{Egress, ExtensionIds, Packet, StreamFigures, StreamSpec};
use str0m::media::Mid;
use str0m::rtp::{Extension, Ssrc};

use super::Transport;
use crate::descriptor::DescriptorExtension;
use crate::sdp::{Section, StreamIds};

impl Transport {
    /// Takes the streams that str0m has made for sections that the client has agreed to: they are
    /// the egress's from then on, and str0m reports nothing about them.
    pub(super) fn take_streams(&mut self, sections: &[Section]) {
        let Some(mut egress) = self.egress.take() else {
            return;
        };
        self.guarded(|this| {
            for section in sections.iter().filter(|section| section.kind.is_some()) {
                let mid = Mid::from(section.mid.as_str());
                let mut api = this.rtc.direct_api();
                let Some(stream) = api.stream_tx_by_mid(mid, None) else {
                    continue;
                };
                let (ssrc, resend_ssrc) = (*stream.ssrc(), stream.rtx().map(|rtx| *rtx));
                api.remove_stream_tx(ssrc.into());
                if egress.section(&section.mid).is_none()
                    && let Some(spec) = this.spec(mid, ssrc, resend_ssrc)
                {
                    egress.add_stream(spec);
                }
            }
            Ok(())
        });
        self.egress = Some(egress);
    }

    /// What was agreed on about sending in a section.
    fn spec(&self, mid: Mid, ssrc: u32, resend_ssrc: Option<u32>) -> Option<StreamSpec> {
        let media = self.rtc.media(mid)?;
        let map = media.remote_extmap();
        let transport_sequence = map.id_of(Extension::TransportSequenceNumber);
        let descriptor = Extension::with_serializer(DescriptorExtension::URI, DescriptorExtension);
        let is_audio = media.kind().is_audio();
        let padding_type = media.remote_pts().iter().find_map(|pt| {
            let params = self.rtc.codec_config().find(|params| params.pt() == *pt)?;
            params.resend()
        });
        Some(StreamSpec {
            ssrc,
            resend_ssrc: resend_ssrc.filter(|_| padding_type.is_some()),
            mid: mid.to_string(),
            cname: media.cname().to_owned(),
            is_audio,
            clock_rate_hz: if is_audio { 48_000 } else { 90_000 },
            extensions: ExtensionIds {
                mid: map.id_of(Extension::RtpMid),
                transport_sequence,
                absolute_send_time: map
                    .id_of(Extension::AbsoluteSendTime)
                    .filter(|_| transport_sequence.is_none()),
                audio_level: map.id_of(Extension::AudioLevel),
                orientation: map.id_of(Extension::VideoOrientation),
                descriptor: map.id_of(descriptor),
            },
            padding_type: padding_type.map(|pt| *pt),
        })
    }

    /// The stream on which we send in a section, once it was agreed on.
    pub(crate) fn outgoing(&self, mid: Mid) -> Option<StreamIds> {
        let spec = self.egress.as_ref()?.section(&mid.to_string())?;
        Some(StreamIds {
            ssrc: spec.ssrc,
            resend_ssrc: spec.resend_ssrc,
            cname: spec.cname.clone(),
        })
    }

    /// Forgets what was sent on a stream, so that nothing of it can be sent again.
    pub(crate) fn forget_sent(&mut self, ssrc: Ssrc) {
        if let Some(egress) = &mut self.egress {
            egress.forget_sent(*ssrc);
        }
    }

    /// Replaces the stream of a section by one with new SSRCs for the next track; what waits on the
    /// old one is dropped.
    pub(crate) fn renew_outgoing(&mut self, mid: Mid) -> Option<Ssrc> {
        let before = self.egress.as_ref()?.section(&mid.to_string())?.clone();
        let api = self.rtc.direct_api();
        let ssrc = *api.new_ssrc();
        let resend_ssrc = before
            .resend_ssrc
            .map(|_| *api.new_ssrc())
            .filter(|&resend| resend != ssrc);
        let spec = StreamSpec {
            ssrc,
            resend_ssrc,
            ..before
        };
        let egress = self.egress.as_mut()?;
        egress.remove_stream(before.ssrc);
        egress.add_stream(spec);
        Some(ssrc.into())
    }

    /// What is known of a stream on which we send.
    pub(crate) fn figures(&self, ssrc: Ssrc) -> Option<StreamFigures> {
        self.egress.as_ref()?.figures(*ssrc)
    }

    /// Returns whether this much more payload, in bytes, would leave before a picture is late.
    pub(crate) fn has_room_for(&self, bytes: usize) -> bool {
        self.egress
            .as_ref()
            .is_some_and(|egress| egress.has_room_for(bytes))
    }

    /// Queues a packet of the stream `ssrc`, which came at `came_at`, for the next visit.
    pub(crate) fn write(&mut self, ssrc: Ssrc, packet: Packet, came_at: Instant) {
        if let Some(egress) = &mut self.egress {
            egress.write(*ssrc, packet, came_at);
        }
    }

    /// Tells the estimator what would be sent if the path carried it, bit/s.
    pub(crate) fn set_desired(&mut self, desired_bps: u64) {
        if let Some(egress) = &mut self.egress {
            egress.set_desired(desired_bps);
        }
    }

    /// Begins the estimate anew: what was measured on another path says nothing about this one.
    pub(crate) fn reset_estimate(&mut self, initial_bps: u64, now: Instant) {
        self.has_fallen = false;
        if self.estimate_bps.take().is_some()
            && let Some(egress) = &mut self.egress
        {
            egress.reset_estimate(initial_bps, now);
        }
    }

    /// How long a packet and the answer to it travel, as the other end reports it.
    pub(crate) fn round_trip(&self) -> Option<Duration> {
        self.egress.as_ref()?.round_trip()
    }

    /// The share of what was sent that was lost on the way lately, 0 to 1.
    pub(crate) fn loss_out(&self) -> f32 {
        self.egress.as_ref().map_or(0.0, Egress::loss)
    }

    /// How many packets the other end should have got since this was last asked, and how many of
    /// them it did not.
    pub(crate) fn take_losses(&mut self) -> (u64, u64) {
        self.egress.as_mut().map_or((0, 0), Egress::take_losses)
    }
}
