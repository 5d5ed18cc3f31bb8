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

/// What becomes of the table when a command is on its way.
#[derive(Debug, PartialEq, Eq)]
enum Change {
    None,
    OpenMeeting(MeetingId),
    CloseMeeting(MeetingId),
    OpenConnection(MeetingId, ConnectionId),
    CloseConnection(ConnectionId),
    AddTrack(ConnectionId, TrackId),
    RemoveTrack(TrackId),
}

/// Where a command goes.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Route {
    pub(crate) shard: usize,
    change: Change,
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

    /// Finds the shard for a command. `None` if every shard has died.
    pub(crate) fn route(&self, command: &Command) -> Result<Option<Route>, Refusal> {
        let to = |shard, change| Ok(Some(Route { shard, change }));
        match command {
            Command::OpenMeeting { meeting, .. } => Ok(self.place(meeting).map(|shard| Route {
                shard,
                change: Change::OpenMeeting(meeting.clone()),
            })),
            Command::CloseMeeting { meeting, .. } => to(
                self.shard_of(meeting)?,
                Change::CloseMeeting(meeting.clone()),
            ),
            Command::OpenConnection {
                meeting,
                connection,
                ..
            } => to(
                self.place_connection(meeting, connection)?,
                Change::OpenConnection(meeting.clone(), connection.clone()),
            ),
            Command::CloseConnection { connection, .. } => to(
                self.shard_of_connection(connection)?,
                Change::CloseConnection(connection.clone()),
            ),
            Command::AddTrack {
                connection, track, ..
            } => to(
                self.shard_of_connection(connection)?,
                Change::AddTrack(connection.clone(), track.track.clone()),
            ),
            Command::RemoveTrack { track, .. } => to(
                self.shard_of_track(track)?,
                Change::RemoveTrack(track.clone()),
            ),
            Command::AddCodec { track, .. } | Command::SetMuted { track, .. } => {
                to(self.shard_of_track(track)?, Change::None)
            }
            Command::SendData { meeting, .. } => to(self.shard_of(meeting)?, Change::None),
            Command::AcceptOffer { connection, .. }
            | Command::AcceptAnswer { connection, .. }
            | Command::Negotiate { connection }
            | Command::RestartIce { connection, .. }
            | Command::AddCandidate { connection, .. }
            | Command::SetAllowedSources { connection, .. }
            | Command::Subscribe { connection, .. }
            | Command::Unsubscribe { connection, .. }
            | Command::SetSubscription { connection, .. } => {
                to(self.shard_of_connection(connection)?, Change::None)
            }
        }
    }

    /// Notes what a command opens and closes, once it is on its way: one that did not get there
    /// is given again, and must find its way then.
    pub(crate) fn note(&mut self, route: Route) {
        match route.change {
            Change::None => {}
            Change::OpenMeeting(meeting) => {
                if meeting.is_valid() {
                    self.meetings.entry(meeting).or_insert(MeetingEntry {
                        shard: route.shard,
                        connections: HashSet::new(),
                    });
                }
            }
            Change::CloseMeeting(meeting) => self.forget_meeting(&meeting),
            Change::OpenConnection(meeting, connection) => {
                if let Some(entry) = self.meetings.get_mut(&meeting) {
                    entry.connections.insert(connection.clone());
                }
                self.connections.insert(
                    connection,
                    ConnectionEntry {
                        meeting,
                        tracks: HashSet::new(),
                    },
                );
                self.loads[route.shard] += 1;
            }
            Change::CloseConnection(connection) => self.forget_connection(&connection),
            Change::AddTrack(connection, track) => {
                if !self.tracks.contains_key(&track)
                    && let Some(entry) = self.connections.get_mut(&connection)
                {
                    entry.tracks.insert(track.clone());
                    self.tracks.insert(track, connection);
                }
            }
            Change::RemoveTrack(track) => self.forget_track(&track),
        }
    }

    /// Finds the shard that a meeting is on, or the one with the least load.
    fn place(&self, meeting: &MeetingId) -> Option<usize> {
        if let Some(entry) = self.meetings.get(meeting) {
            return Some(entry.shard);
        }
        let alive = (0..self.loads.len()).filter(|&shard| !self.is_dead[shard]);
        alive.min_by_key(|&shard| {
            let meetings = self.meetings.values().filter(|entry| entry.shard == shard);
            (self.loads[shard], meetings.count())
        })
    }

    fn place_connection(
        &self,
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

    fn submit(directory: &mut Directory, command: &Command) -> Result<usize, Code> {
        let route = directory.route(command).map_err(|refusal| refusal.code)?;
        let route = route.expect("a shard that lives");
        let shard = route.shard;
        directory.note(route);
        Ok(shard)
    }

    fn open(directory: &mut Directory, meeting: &str) -> usize {
        let command = Command::OpenMeeting {
            meeting: meeting.into(),
            request: 0,
        };
        submit(directory, &command).unwrap()
    }

    fn connect(directory: &mut Directory, meeting: &str, connection: &str) -> Result<usize, Code> {
        let command = Command::OpenConnection {
            meeting: meeting.into(),
            connection: connection.into(),
            mode: Mode::Single,
            sources: Sources::ALL,
            may_subscribe: true,
            request: 0,
        };
        submit(directory, &command)
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
        let close = Command::CloseMeeting {
            meeting: "a".into(),
            request: 0,
        };
        assert_eq!(submit(&mut directory, &close), Ok(0));
        assert_eq!(connect(&mut directory, "a", "1"), Err(Code::UnknownMeeting));
        assert!(directory.connections.is_empty());
        assert_eq!(directory.loads, [0]);
    }

    #[test]
    fn what_did_not_get_on_its_way_finds_it_the_next_time() {
        let mut directory = Directory::new(1, 10);
        open(&mut directory, "a");
        connect(&mut directory, "a", "1").unwrap();
        let close = Command::CloseConnection {
            connection: "1".into(),
            request: 0,
        };
        assert!(directory.route(&close).is_ok());
        assert_eq!(submit(&mut directory, &close), Ok(0));
        assert_eq!(submit(&mut directory, &close), Err(Code::UnknownConnection));
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
