//! What the command line asks for.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

/// How much of the video each subscriber wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// Every camera at its full size.
    Full,
    /// One camera at its full size and the others small, as a page that shows one speaker does.
    Speaker,
}

/// Which signalling the server speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// LiveKit's, as moot does.
    LiveKit,
    /// Janus's VideoRoom.
    Janus,
}

/// One run.
#[derive(Clone, Debug)]
pub struct Options {
    /// `ws://host:port` of the server.
    pub url: String,
    /// What the server speaks.
    pub protocol: Protocol,
    /// Where the participants' transports are.
    pub address: IpAddr,
    /// API key and secret that sign the tokens.
    pub key: String,
    /// See `key`.
    pub secret: String,
    /// The meeting, in LiveKit's word the room.
    pub room: String,
    /// How many meetings those who receive are spread over; more than one where nobody publishes.
    pub rooms: usize,
    /// Participants who publish.
    pub publishers: usize,
    /// Participants who receive.
    pub subscribers: usize,
    /// Whether publishers send video.
    pub has_video: bool,
    /// Whether publishers send audio.
    pub has_audio: bool,
    /// Three encodings of a camera instead of one.
    pub is_simulcast: bool,
    /// What subscribers want.
    pub layout: Layout,
    /// Packets of a frame are spread over this.
    pub spread: Duration,
    /// Between the last publisher and the first subscriber.
    pub settle: Duration,
    /// Between two joins.
    pub join_interval: Duration,
    /// How many may be joining at once; who comes next waits until one of them is connected.
    pub joins_in_flight: usize,
    /// Between the last subscription and the window of measurement.
    pub warm_up: Duration,
    /// Length of the window.
    pub window: Duration,
}

/// How to call the program.
pub const USAGE: &str = "\
moot-load --url ws://127.0.0.1:7880 --key KEY --secret SECRET [options]

  --protocol NAME        livekit or janus (livekit)
  --address ADDRESS      the participants' own (127.0.0.1)
  --room NAME            the meeting (load)
  --rooms N              spread over N meetings, where nobody publishes (1)
  --publishers N         participants who publish (1)
  --subscribers N        participants who receive (10)
  --media KINDS          video, audio or both (video)
  --simulcast yes|no     three encodings of each camera, or one (yes)
  --layout full|speaker  all cameras large, or one large and the rest small (full)
  --spread-ms N          spread a frame's packets over N ms; 0 sends them at once (0)
  --settle-s N           before the first subscriber (0)
  --join-interval-ms N   between two joins (50)
  --joins-in-flight N    joining at once, at most; 0 is no limit (0)
  --warm-up-s N          before the window (2)
  --window-s N           length of the window (10)

Prints JSON lines: {\"event\": \"published\"}, \"joining\", \"joined\", \"window_begin\", \"window_end\"
as they happen, and \"result\".";

impl Default for Options {
    fn default() -> Self {
        Self {
            url: "ws://127.0.0.1:7880".to_owned(),
            protocol: Protocol::LiveKit,
            address: IpAddr::V4(Ipv4Addr::LOCALHOST),
            key: "devkey".to_owned(),
            secret: String::new(),
            room: "load".to_owned(),
            rooms: 1,
            publishers: 1,
            subscribers: 10,
            has_video: true,
            has_audio: false,
            is_simulcast: true,
            layout: Layout::Full,
            spread: Duration::ZERO,
            settle: Duration::ZERO,
            join_interval: Duration::from_millis(50),
            joins_in_flight: usize::MAX,
            warm_up: Duration::from_secs(2),
            window: Duration::from_secs(10),
        }
    }
}

impl Options {
    /// Reads arguments, the program's name left out.
    ///
    /// # Errors
    ///
    /// A sentence that says what is wrong.
    pub fn read(arguments: impl IntoIterator<Item = String>) -> Result<Self, String> {
        let mut options = Self::default();
        let mut arguments = arguments.into_iter();
        while let Some(name) = arguments.next() {
            let text = arguments
                .next()
                .ok_or_else(|| format!("{name} needs a value"))?;
            let number = || {
                text.parse::<u64>()
                    .map_err(|_| format!("{name} needs a number, not {text}"))
            };
            match name.as_str() {
                "--url" => options.url = text.trim_end_matches('/').to_owned(),
                "--protocol" => {
                    options.protocol = match text.as_str() {
                        "livekit" => Protocol::LiveKit,
                        "janus" => Protocol::Janus,
                        _ => return Err(format!("--protocol is livekit or janus, not {text}")),
                    }
                }
                "--address" => {
                    options.address = text
                        .parse()
                        .map_err(|_| format!("--address needs an IP address, not {text}"))?;
                }
                "--key" => options.key = text,
                "--secret" => options.secret = text,
                "--room" => options.room = text,
                "--rooms" => options.rooms = (number()? as usize).max(1),
                "--publishers" => options.publishers = number()? as usize,
                "--subscribers" => options.subscribers = number()? as usize,
                "--media" => {
                    options.has_video = matches!(text.as_str(), "video" | "both");
                    options.has_audio = matches!(text.as_str(), "audio" | "both");
                    if !options.has_video && !options.has_audio {
                        return Err(format!("--media is video, audio or both, not {text}"));
                    }
                }
                "--simulcast" => options.is_simulcast = text == "yes",
                "--layout" => {
                    options.layout = match text.as_str() {
                        "full" => Layout::Full,
                        "speaker" => Layout::Speaker,
                        _ => return Err(format!("--layout is full or speaker, not {text}")),
                    }
                }
                "--spread-ms" => options.spread = Duration::from_millis(number()?),
                "--settle-s" => options.settle = Duration::from_secs(number()?),
                "--join-interval-ms" => options.join_interval = Duration::from_millis(number()?),
                "--joins-in-flight" => {
                    options.joins_in_flight = match number()? as usize {
                        0 => usize::MAX,
                        limit => limit,
                    }
                }
                "--warm-up-s" => options.warm_up = Duration::from_secs(number()?),
                "--window-s" => options.window = Duration::from_secs(number()?),
                _ => return Err(format!("unknown option {name}")),
            }
        }
        if options.rooms > 1 && options.publishers > 0 {
            return Err("--rooms is for runs with --publishers 0".to_owned());
        }
        Ok(options)
    }

    /// Returns the meeting of the `number`th participant of its role.
    pub fn room_of(&self, number: usize) -> String {
        match self.rooms {
            1 => self.room.clone(),
            rooms => format!("{}-{}", self.room, number % rooms),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Result<Options, String> {
        Options::read(line.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn options_are_read_and_what_is_wrong_is_said() {
        let options =
            read("--subscribers 50 --media both --spread-ms 15 --layout speaker").unwrap();
        assert_eq!(options.subscribers, 50);
        assert!(options.has_audio && options.has_video);
        assert_eq!(options.spread, Duration::from_millis(15));
        assert_eq!(options.layout, Layout::Speaker);
        assert_eq!(options.joins_in_flight, usize::MAX);
        assert_eq!(options.room_of(7), "load");
        assert!(read("--subscribers many").unwrap_err().contains("number"));
        assert!(read("--what 1").unwrap_err().contains("--what"));
        assert_eq!(read("--protocol janus").unwrap().protocol, Protocol::Janus);
        assert!(
            read("--address here")
                .unwrap_err()
                .contains("an IP address")
        );
        assert!(read("--url").unwrap_err().contains("value"));
    }

    #[test]
    fn a_burst_of_joins_is_spread_over_meetings() {
        let options = read("--publishers 0 --rooms 40 --joins-in-flight 8").unwrap();
        assert_eq!(options.joins_in_flight, 8);
        assert_eq!(options.room_of(3), "load-3");
        assert_eq!(options.room_of(43), "load-3");
        assert_eq!(
            read("--joins-in-flight 0").unwrap().joins_in_flight,
            usize::MAX
        );
        assert!(read("--rooms 40").unwrap_err().contains("--publishers 0"));
    }
}
