//! Which shard a meeting, a connection or a track is on.

use std::collections::{HashMap, HashSet};

use moot_sfu::{Code, Command, ConnectionId, MeetingId, Refusal, TrackId};

#[derive(Debug)]
struct MeetingEntry {
    shard: usize,
    connections: HashSet<ConnectionId>,
}

#[derive(Debug)]
struct ConnectionEntry {
    meeting: MeetingId,
    tracks: HashSet<TrackId>,
}

/// The table behind routing commands: a meeting lives on one shard, and what is in it there too.
#[derive(Debug)]
pub(crate) struct Directory {
    meetings: HashMap<MeetingId, MeetingEntry>,
    connections: HashMap<ConnectionId, ConnectionEntry>,
    tracks: HashMap<TrackId, ConnectionId>,
    /// Connections on each shard: its load.
    loads: Vec<usize>,
    is_dead: Vec<bool>,
    max_connections: usize,
}

impl Directory {
    pub(crate) fn new(shards: usize, max_connections: usize) -> Self {
        Self {
            meetings: HashMap::new(),
            connections: HashMap::new(),
            tracks: HashMap::new(),
            loads: vec![0; shards],
            is_dead: vec![false; shards],
            max_connections,
        }
    }

    /// Finds the shard for a command, and notes what the command opens and closes. `None` if every
    /// shard has died.
    pub(crate) fn route(&mut self, command: &Command) -> Result<Option<usize>, Refusal> {
        match command {
            Command::OpenMeeting { meeting, .. } => Ok(self.open_meeting(meeting)),
            Command::CloseMeeting { meeting, .. } => {
                let shard = self.shard_of(meeting)?;
                self.forget_meeting(meeting);
                Ok(Some(shard))
            }
            Command::OpenConnection {
                meeting,
                connection,
                ..
            } => self.open_connection(meeting, connection).map(Some),
            Command::CloseConnection { connection, .. } => {
                let shard = self.shard_of_connection(connection)?;
                self.forget_connection(connection);
                Ok(Some(shard))
            }
            Command::AddTrack {
                connection, track, ..
            } => {
                let shard = self.shard_of_connection(connection)?;
                if !self.tracks.contains_key(&track.track)
                    && let Some(entry) = self.connections.get_mut(connection)
                {
                    entry.tracks.insert(track.track.clone());
                    self.tracks.insert(track.track.clone(), connection.clone());
                }
                Ok(Some(shard))
            }
            Command::RemoveTrack { track, .. } => {
                let shard = self.shard_of_track(track)?;
                self.forget_track(track);
                Ok(Some(shard))
            }
            Command::AddCodec { track, .. } | Command::SetMuted { track, .. } => {
                self.shard_of_track(track).map(Some)
            }
            Command::SendData { meeting, .. } => self.shard_of(meeting).map(Some),
            Command::AcceptOffer { connection, .. }
            | Command::AcceptAnswer { connection, .. }
            | Command::Negotiate { connection }
            | Command::RestartIce { connection, .. }
            | Command::AddCandidate { connection, .. }
            | Command::SetAllowedSources { connection, .. }
            | Command::Subscribe { connection, .. }
            | Command::Unsubscribe { connection, .. }
            | Command::SetSubscription { connection, .. } => {
                self.shard_of_connection(connection).map(Some)
            }
        }
    }

    fn open_meeting(&mut self, meeting: &MeetingId) -> Option<usize> {
        if let Some(entry) = self.meetings.get(meeting) {
            return Some(entry.shard);
        }
        let alive = (0..self.loads.len()).filter(|&shard| !self.is_dead[shard]);
        let shard = alive.min_by_key(|&shard| {
            let meetings = self.meetings.values().filter(|entry| entry.shard == shard);
            (self.loads[shard], meetings.count())
        })?;
        if meeting.is_valid() {
            self.meetings.insert(
                meeting.clone(),
                MeetingEntry {
                    shard,
                    connections: HashSet::new(),
                },
            );
        }
        Some(shard)
    }

    fn open_connection(
        &mut self,
        meeting: &MeetingId,
        connection: &ConnectionId,
    ) -> Result<usize, Refusal> {
        let shard = self.shard_of(meeting)?;
        if self.connections.contains_key(connection) {
            return Err(refusal(Code::AlreadyOpen, "the connection id is taken"));
        }
        if !connection.is_valid() {
            return Err(refusal(
                Code::BadValue,
                "the connection's id is empty or too long",
            ));
        }
        if self.connections.len() >= self.max_connections {
            return Err(refusal(
                Code::TooMany,
                "the engine has too many connections",
            ));
        }
        self.connections.insert(
            connection.clone(),
            ConnectionEntry {
                meeting: meeting.clone(),
                tracks: HashSet::new(),
            },
        );
        if let Some(entry) = self.meetings.get_mut(meeting) {
            entry.connections.insert(connection.clone());
        }
        self.loads[shard] += 1;
        Ok(shard)
    }

    fn shard_of(&self, meeting: &MeetingId) -> Result<usize, Refusal> {
        let entry = self.meetings.get(meeting);
        entry
            .map(|entry| entry.shard)
            .ok_or_else(|| refusal(Code::UnknownMeeting, "no such meeting"))
    }

    fn shard_of_connection(&self, connection: &ConnectionId) -> Result<usize, Refusal> {
        let entry = self.connections.get(connection);
        entry
            .and_then(|entry| self.shard_of(&entry.meeting).ok())
            .ok_or_else(|| refusal(Code::UnknownConnection, "no such connection"))
    }

    fn shard_of_track(&self, track: &TrackId) -> Result<usize, Refusal> {
        let connection = self.tracks.get(track);
        connection
            .and_then(|connection| self.shard_of_connection(connection).ok())
            .ok_or_else(|| refusal(Code::UnknownTrack, "no such track"))
    }

    /// Forgets a track that has ended.
    pub(crate) fn forget_track(&mut self, track: &TrackId) {
        if let Some(connection) = self.tracks.remove(track)
            && let Some(entry) = self.connections.get_mut(&connection)
        {
            entry.tracks.remove(track);
        }
    }

    fn forget_connection(&mut self, connection: &ConnectionId) {
        let Some(entry) = self.connections.remove(connection) else {
            return;
        };
        for track in entry.tracks {
            self.tracks.remove(&track);
        }
        if let Some(meeting) = self.meetings.get_mut(&entry.meeting) {
            meeting.connections.remove(connection);
            self.loads[meeting.shard] -= 1;
        }
    }

    fn forget_meeting(&mut self, meeting: &MeetingId) {
        let connections = self.meetings.get(meeting).map(|entry| &entry.connections);
        let connections: Vec<_> = connections.into_iter().flatten().cloned().collect();
        for connection in connections {
            self.forget_connection(&connection);
        }
        self.meetings.remove(meeting);
    }

    /// Forgets a shard that has died; returns the meetings that went with it.
    pub(crate) fn bury(&mut self, shard: usize) -> Vec<MeetingId> {
        self.is_dead[shard] = true;
        let meetings: Vec<_> = self
            .meetings
            .iter()
            .filter(|(_, entry)| entry.shard == shard)
            .map(|(meeting, _)| meeting.clone())
            .collect();
        for meeting in &meetings {
            self.forget_meeting(meeting);
        }
        meetings
    }
}

fn refusal(code: Code, reason: &str) -> Refusal {
    Refusal {
        code,
        reason: reason.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use moot_sfu::{Mode, Sources};

    use super::*;

    fn open(directory: &mut Directory, meeting: &str) -> usize {
        directory
            .route(&Command::OpenMeeting {
                meeting: meeting.into(),
                request: 0,
            })
            .unwrap()
            .unwrap()
    }

    fn connect(directory: &mut Directory, meeting: &str, connection: &str) -> Result<usize, Code> {
        let opened = directory.route(&Command::OpenConnection {
            meeting: meeting.into(),
            connection: connection.into(),
            mode: Mode::Single,
            sources: Sources::ALL,
            may_subscribe: true,
            request: 0,
        });
        opened.map(Option::unwrap).map_err(|refusal| refusal.code)
    }

    #[test]
    fn meetings_spread_over_the_shards_and_stay() {
        let mut directory = Directory::new(2, 10);
        assert_eq!(open(&mut directory, "a"), 0);
        assert_eq!(open(&mut directory, "b"), 1);
        assert_eq!(connect(&mut directory, "a", "1"), Ok(0));
        assert_eq!(open(&mut directory, "c"), 1);
        assert_eq!(open(&mut directory, "a"), 0);
    }

    #[test]
    fn what_is_in_a_meeting_goes_with_it() {
        let mut directory = Directory::new(1, 10);
        open(&mut directory, "a");
        assert_eq!(connect(&mut directory, "a", "1"), Ok(0));
        assert_eq!(connect(&mut directory, "a", "1"), Err(Code::AlreadyOpen));
        directory
            .route(&Command::CloseMeeting {
                meeting: "a".into(),
                request: 0,
            })
            .unwrap();
        assert_eq!(connect(&mut directory, "a", "1"), Err(Code::UnknownMeeting));
        assert!(directory.connections.is_empty());
        assert_eq!(directory.loads, [0]);
    }

    #[test]
    fn a_dead_shard_takes_its_meetings_and_gets_no_new_ones() {
        let mut directory = Directory::new(2, 10);
        open(&mut directory, "a");
        assert_eq!(directory.bury(0), [MeetingId::from("a")]);
        assert_eq!(open(&mut directory, "a"), 1);
        directory.bury(1);
        let reopened = directory.route(&Command::OpenMeeting {
            meeting: "a".into(),
            request: 0,
        });
        assert_eq!(reopened, Ok(None));
    }

    #[test]
    fn the_engine_as_a_whole_has_a_limit() {
        let mut directory = Directory::new(2, 1);
        open(&mut directory, "a");
        open(&mut directory, "b");
        assert_eq!(connect(&mut directory, "a", "1"), Ok(0));
        assert_eq!(connect(&mut directory, "b", "2"), Err(Code::TooMany));
    }
}
