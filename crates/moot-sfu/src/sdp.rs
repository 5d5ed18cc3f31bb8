//! The facts of a description that str0m does not hand out, and the ones it cannot write.
//!
//! Parsing and making descriptions is str0m's work. Two things are left: which track a section of
//! the client's belongs to (its `a=msid`), and what the sections that the *client* made say about
//! the tracks we send on them, which str0m draws at random.

use std::fmt::Write;

use crate::command::Kind;

/// Longest description that is looked at, bytes. A browser answers a camera with some 2,000 and a
/// microphone with 700; less puts people out of meetings of a hundred with cameras.
pub const MAX_DESCRIPTION: usize = 1_000_000;

/// Most media sections of a description.
pub const MAX_SECTIONS: usize = 600;

/// What a media section says, seen from who made it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Section {
    /// Its name (RFC 9143 §4).
    pub mid: String,
    /// Audio or video; `None` for data channels.
    pub kind: Option<Kind>,
    /// Its maker sends.
    pub sends: bool,
    /// Its maker receives.
    pub receives: bool,
    /// The track id of `a=msid` (RFC 8830), if any.
    pub track: Option<String>,
    /// The layers its maker sends (RFC 8853), in order.
    pub rids: Vec<String>,
}

/// Why a description is refused before str0m sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unusable {
    /// Longer than [`MAX_DESCRIPTION`].
    TooLong,
    /// More than [`MAX_SECTIONS`] sections.
    TooManySections,
    /// A section without a name, or two with the same.
    Unnamed,
}

impl Unusable {
    /// Says it in a sentence.
    pub fn reason(self) -> &'static str {
        match self {
            Unusable::TooLong => "the description is too long",
            Unusable::TooManySections => "the description has too many sections",
            Unusable::Unnamed => "a section has no name of its own",
        }
    }
}

/// Reads the sections of a description.
///
/// # Errors
///
/// [`Unusable`] for what is beyond the limits or cannot be told apart.
pub fn sections(sdp: &str) -> Result<Vec<Section>, Unusable> {
    if sdp.len() > MAX_DESCRIPTION {
        return Err(Unusable::TooLong);
    }
    let mut sections: Vec<Section> = Vec::new();
    for line in sdp.lines() {
        if let Some(media) = line.strip_prefix("m=") {
            if sections.len() == MAX_SECTIONS {
                return Err(Unusable::TooManySections);
            }
            sections.push(Section {
                mid: String::new(),
                kind: match media.split(' ').next() {
                    Some("audio") => Some(Kind::Audio),
                    Some("video") => Some(Kind::Video),
                    _ => None,
                },
                // RFC 8866 §6.7: without a direction it is sendrecv.
                sends: true,
                receives: true,
                track: None,
                rids: Vec::new(),
            });
            continue;
        }
        let (Some(section), Some(attribute)) = (sections.last_mut(), line.strip_prefix("a="))
        else {
            continue;
        };
        read_attribute(section, attribute);
    }
    for (at, section) in sections.iter().enumerate() {
        if section.mid.is_empty() || sections[..at].iter().any(|other| other.mid == section.mid) {
            return Err(Unusable::Unnamed);
        }
    }
    Ok(sections)
}

fn read_attribute(section: &mut Section, attribute: &str) {
    let (name, value) = attribute.split_once(':').unwrap_or((attribute, ""));
    match name {
        "mid" => section.mid = value.to_owned(),
        "sendonly" => (section.sends, section.receives) = (true, false),
        "recvonly" => (section.sends, section.receives) = (false, true),
        "inactive" => (section.sends, section.receives) = (false, false),
        "sendrecv" => (section.sends, section.receives) = (true, true),
        "msid" => section.track = value.split(' ').nth(1).map(str::to_owned),
        "simulcast" => {
            let mut words = value.split(' ');
            while let (Some(direction), Some(layers)) = (words.next(), words.next()) {
                if direction == "send" {
                    // RFC 8853 §5.1: `;` parts streams, `,` alternatives, `~` marks a paused one.
                    section.rids = layers
                        .split(';')
                        .filter_map(|alternatives| alternatives.split(',').next())
                        .map(|rid| rid.trim_start_matches('~').to_owned())
                        .filter(|rid| !rid.is_empty())
                        .take(moot_forward::MAX_SPATIAL_LAYERS)
                        .collect();
                }
            }
        }
        _ => {}
    }
}

/// Under which sources a stream is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamIds {
    /// What is sent first.
    pub ssrc: u32,
    /// What is sent again (RFC 4588 §4).
    pub resend_ssrc: Option<u32>,
    /// Common to all streams of an endpoint (RFC 3550 §6.5.1).
    pub cname: String,
}

/// What one of our sections says to the client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sending {
    /// It carries this track of that publisher.
    Track {
        /// The media stream id: the publisher's connection.
        stream: String,
        /// The media stream track id.
        track: String,
        /// Opus in stereo.
        stereo: bool,
        /// Under which sources; `None` as long as str0m's description says it.
        source: Option<StreamIds>,
    },
    /// It carries nothing: neither a direction to send nor a media stream is announced.
    Nothing,
}

/// Rewrites what our own description says about the tracks we send.
///
/// `sending` is asked for each section by its mid; `None` leaves the section as it is.
pub fn announce(sdp: &str, mut sending: impl FnMut(&str) -> Option<Sending>) -> String {
    rewrite(sdp, |mid, section, written| match sending(mid) {
        Some(sending) => announce_section(written, section, &sending),
        None => written.push_str(section),
    })
}

/// Copies a description; each section that has a name is written by `write`, which is given the
/// name, the section and what is written so far.
fn rewrite(sdp: &str, mut write: impl FnMut(&str, &str, &mut String)) -> String {
    let mut written = String::with_capacity(sdp.len() + 512);
    let mut rest = sdp;
    while !rest.is_empty() {
        // A section runs from its m-line to the next one; what precedes the first is the session.
        let end = rest.find("\nm=").map_or(rest.len(), |at| at + 1);
        let (section, following) = rest.split_at(end);
        rest = following;
        let mid = section
            .lines()
            .find_map(|line| line.strip_prefix("a=mid:"))
            .filter(|_| section.starts_with("m="));
        match mid {
            Some(mid) => write(mid, section, &mut written),
            None => written.push_str(section),
        }
    }
    written
}

/// Puts the codec that a section is to carry before the others, as its maker sends in the first that
/// an answer names (RFC 9429 §5.11).
///
/// `preferred` is asked for each section by its mid, and answers a codec's short name; `None` leaves
/// the section as it is.
pub fn prefer<'a>(sdp: &str, mut preferred: impl FnMut(&str) -> Option<&'a str>) -> String {
    rewrite(sdp, |mid, section, written| match preferred(mid) {
        Some(codec) => prefer_in_section(written, section, codec),
        None => written.push_str(section),
    })
}

fn prefer_in_section(written: &mut String, section: &str, codec: &str) {
    let first_line = section.lines().next().unwrap_or_default();
    // The kind, the port and the protocol come first.
    let mut words = first_line.split(' ');
    let head: Vec<_> = words.by_ref().take(3).collect();
    let is_of_codec = |payload_type: &str| {
        section.lines().any(|line| {
            let Some((of, named)) = rtpmap(line) else {
                return false;
            };
            of == payload_type && named.eq_ignore_ascii_case(codec)
        })
    };
    // What repeats a codec (RFC 4588 §8.1) goes with it.
    let is_repeating = |payload_type: &str| {
        section.lines().any(|line| {
            line.strip_prefix("a=fmtp:")
                .and_then(|rest| rest.split_once(" apt="))
                .is_some_and(|(of, repeated)| of == payload_type && is_of_codec(repeated))
        })
    };
    let (first, others): (Vec<_>, Vec<_>) =
        words.partition(|payload_type| is_of_codec(payload_type) || is_repeating(payload_type));
    let ordered: Vec<_> = head.into_iter().chain(first).chain(others).collect();
    written.push_str(&ordered.join(" "));
    written.push_str(&section[first_line.len()..]);
}

/// The payload type and the codec's name of an `a=rtpmap` line (RFC 8866 §6.6).
fn rtpmap(line: &str) -> Option<(&str, &str)> {
    let (payload_type, encoding) = line.strip_prefix("a=rtpmap:")?.split_once(' ')?;
    Some((payload_type, encoding.split('/').next()?))
}

fn announce_section(announced: &mut String, section: &str, sending: &Sending) {
    for line in section.lines() {
        let rewritten = match sending {
            Sending::Track {
                stream,
                track,
                stereo,
                source,
            } => match line {
                _ if source.is_some() && is_source_line(line) => continue,
                _ if line.starts_with("a=msid:") => write!(announced, "a=msid:{stream} {track}"),
                _ if is_ssrc_attribute(line, "msid") => {
                    let ssrc = line.split(' ').next().unwrap_or(line);
                    write!(announced, "{ssrc} msid:{stream} {track}")
                }
                _ if *stereo && line.contains("useinbandfec=1") && !line.contains("stereo=") => {
                    write!(announced, "{line};stereo=1;sprop-stereo=1")
                }
                _ => write!(announced, "{line}"),
            },
            Sending::Nothing => match line {
                "a=sendonly" => write!(announced, "a=inactive"),
                "a=sendrecv" => write!(announced, "a=recvonly"),
                _ if line.starts_with("a=msid:") || is_source_line(line) => continue,
                _ => write!(announced, "{line}"),
            },
        };
        rewritten.expect("writing to a string does not fail");
        announced.push_str("\r\n");
    }
    if let Sending::Track {
        stream,
        track,
        source: Some(source),
        ..
    } = sending
    {
        announce_source(announced, source, &format!("{stream} {track}"));
    }
}

/// Says under which sources a track is sent (RFC 5576 §4), and which of them repeats the other
/// (RFC 4588 §8.3).
fn announce_source(announced: &mut String, source: &StreamIds, msid: &str) {
    let mut write = |ssrc: u32| {
        let cname = &source.cname;
        write!(
            announced,
            "a=ssrc:{ssrc} cname:{cname}\r\na=ssrc:{ssrc} msid:{msid}\r\n"
        )
        .expect("writing to a string does not fail");
    };
    let ssrc = source.ssrc;
    write(ssrc);
    if let Some(resent) = source.resend_ssrc {
        write(resent);
        write!(announced, "a=ssrc-group:FID {ssrc} {resent}\r\n")
            .expect("writing to a string does not fail");
    }
}

fn is_source_line(line: &str) -> bool {
    line.starts_with("a=ssrc:") || line.starts_with("a=ssrc-group:")
}

fn is_ssrc_attribute(line: &str, name: &str) -> bool {
    line.strip_prefix("a=ssrc:")
        .and_then(|rest| rest.split_once(' '))
        .is_some_and(|(_, attribute)| {
            attribute
                .strip_prefix(name)
                .is_some_and(|rest| rest.starts_with(':'))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    const OFFER: &str = "v=0\r\no=- 1 2 IN IP4 0.0.0.0\r\ns=-\r\na=sendrecv\r\n\
        m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:0\r\na=sendonly\r\na=msid:stream mic\r\n\
        m=video 9 UDP/TLS/RTP/SAVPF 96\r\na=mid:1\r\na=sendonly\r\na=msid:- cam\r\n\
        a=rid:q send\r\na=rid:h send\r\na=simulcast:send q;~h,f\r\n\
        m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\na=mid:2\r\n\
        m=video 9 UDP/TLS/RTP/SAVPF 96\r\na=mid:3\r\na=recvonly\r\n";

    #[test]
    fn a_section_tells_its_track_and_layers() {
        let sections = sections(OFFER).unwrap();
        assert_eq!(sections.len(), 4);
        assert_eq!(sections[0].kind, Some(Kind::Audio));
        assert_eq!(sections[0].track.as_deref(), Some("mic"));
        assert_eq!((sections[0].sends, sections[0].receives), (true, false));
        assert_eq!(sections[1].track.as_deref(), Some("cam"));
        assert_eq!(sections[1].rids, ["q", "h"]);
        assert_eq!(sections[2].kind, None);
        assert_eq!((sections[3].sends, sections[3].receives), (false, true));
    }

    #[test]
    fn what_is_beyond_the_limits_is_refused() {
        assert_eq!(
            sections(&" ".repeat(MAX_DESCRIPTION + 1)),
            Err(Unusable::TooLong)
        );
        let many = "m=audio 9 X 0\r\n".repeat(MAX_SECTIONS + 1);
        assert_eq!(sections(&many), Err(Unusable::TooManySections));
        assert_eq!(sections("m=audio 9 X 0\r\n"), Err(Unusable::Unnamed));
        let twins = "m=audio 9 X 0\r\na=mid:0\r\n".repeat(2);
        assert_eq!(sections(&twins), Err(Unusable::Unnamed));
    }

    #[test]
    fn a_track_is_announced_by_its_publisher_and_id() {
        let ours = "v=0\r\nm=audio 9 X 111\r\na=mid:0\r\na=sendonly\r\na=msid:x y\r\n\
            a=fmtp:111 minptime=10;useinbandfec=1\r\n\
            a=ssrc:7 cname:z\r\na=ssrc:7 msid:x y\r\nm=audio 9 X 111\r\na=mid:1\r\na=msid:p q\r\n";
        let announced = announce(ours, |mid| {
            (mid == "0").then(|| Sending::Track {
                stream: "PA_1|TR_1".into(),
                track: "TR_1".into(),
                stereo: true,
                source: None,
            })
        });
        assert_eq!(
            announced,
            "v=0\r\nm=audio 9 X 111\r\na=mid:0\r\na=sendonly\r\na=msid:PA_1|TR_1 TR_1\r\n\
             a=fmtp:111 minptime=10;useinbandfec=1;stereo=1;sprop-stereo=1\r\n\
             a=ssrc:7 cname:z\r\na=ssrc:7 msid:PA_1|TR_1 TR_1\r\n\
             m=audio 9 X 111\r\na=mid:1\r\na=msid:p q\r\n"
        );
    }

    #[test]
    fn a_track_is_announced_under_the_sources_that_are_known() {
        let ours = "v=0\r\nm=video 9 X 96\r\na=mid:0\r\na=msid:x y\r\na=ssrc:1 cname:old\r\n\
            a=ssrc-group:FID 1 2\r\na=rtpmap:96 VP8/90000\r\n";
        let announced = announce(ours, |_| {
            Some(Sending::Track {
                stream: "PA_1".into(),
                track: "TR_1".into(),
                stereo: false,
                source: Some(StreamIds {
                    ssrc: 7,
                    resend_ssrc: Some(8),
                    cname: "z".into(),
                }),
            })
        });
        assert_eq!(
            announced,
            "v=0\r\nm=video 9 X 96\r\na=mid:0\r\na=msid:PA_1 TR_1\r\n\
             a=rtpmap:96 VP8/90000\r\n\
             a=ssrc:7 cname:z\r\na=ssrc:7 msid:PA_1 TR_1\r\n\
             a=ssrc:8 cname:z\r\na=ssrc:8 msid:PA_1 TR_1\r\na=ssrc-group:FID 7 8\r\n"
        );
    }

    #[test]
    fn what_has_no_section_is_left_as_it_is() {
        for text in ["", "\nm=", "ƴ&$", "ƴ\nm=ƴ\na=mid:ƴ"] {
            assert_eq!(announce(text, |_| None), text);
            assert_eq!(prefer(text, |_| Some("vp9")), text);
        }
    }

    #[test]
    fn a_preferred_codec_and_what_repeats_it_come_first() {
        let attributes = "a=mid:0\r\na=rtpmap:96 VP8/90000\r\na=rtpmap:97 rtx/90000\r\n\
            a=fmtp:97 apt=96\r\na=rtpmap:98 VP9/90000\r\na=fmtp:98 profile-id=0\r\n\
            a=rtpmap:99 rtx/90000\r\na=fmtp:99 apt=98\r\n";
        let section = |types: &str| format!("m=video 9 X {types}\r\n{attributes}");
        let ours = section("96 97 98 99");
        let with = |codec: &str| prefer(&ours, |mid| (mid == "0").then_some(codec));
        assert_eq!(with("vp9"), section("98 99 96 97"));
        assert_eq!(with("vp8"), ours);
        assert_eq!(with("av1"), ours);
        assert_eq!(prefer(&ours, |_| None), ours);
    }

    #[test]
    fn an_empty_section_announces_nothing() {
        let ours = "v=0\r\nm=video 9 X 96\r\na=mid:0\r\na=sendonly\r\na=msid:x y\r\n\
            a=ssrc:7 cname:z\r\na=ssrc-group:FID 7 8\r\nm=video 9 X 96\r\na=mid:1\r\na=sendrecv\r\n";
        assert_eq!(
            announce(ours, |_| Some(Sending::Nothing)),
            "v=0\r\nm=video 9 X 96\r\na=mid:0\r\na=inactive\r\nm=video 9 X 96\r\na=mid:1\r\na=recvonly\r\n"
        );
    }
}
