//! One media thread: receive a batch, feed it, forward, send a batch, sleep until something is due.

use std::io;
use std::net::TcpListener;
use std::sync::mpsc::{Receiver, TryRecvError};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use moot_sfu::{
    Command, Datagram, Path, Reachability, Sfu, SfuConfig, Totals, Transmit, TransportStats,
    Urgency, local_ufrag,
};

use crate::engine::{Inbox, UfragTable};
use crate::queue::{EngineEvent, EventQueue};
use crate::tcp::{Stream, Streams};
use crate::udp::{self, Socket};

/// Commands taken before packets have their turn again.
const COMMANDS_PER_TURN: usize = 256;
/// Batches taken from one socket before the others have their turn.
const BATCHES_PER_TURN: usize = 16;

/// Longest that packets of a frame wait for each other. Larger saves CPU where frames arrive
/// spread out, at the price of delay.
const MAX_TICK: Duration = Duration::from_millis(5);
/// Below this many forwarded packets per second nothing waits: two people with cameras.
const IDLE_RATE: u64 = 600;
/// From this many on packets wait for the whole tick: four people.
const BUSY_RATE: u64 = 2_400;
/// A shorter rest is not worth its system call.
const MIN_REST: Duration = Duration::from_micros(100);
/// How often the rate is looked at.
const RATE_WINDOW: Duration = Duration::from_millis(200);

/// How long the thread sleeps at most, so that figures stay fresh.
const MAX_SLEEP: Duration = Duration::from_secs(1);

/// What reaches a shard from other threads.
pub(crate) enum Message {
    /// From the control plane.
    Command(Command),
    /// A TCP connection whose transport lives here, with its first frame.
    Stream(Stream, Vec<u8>),
    /// The end.
    Stop,
}

/// What other threads may know of a shard.
pub(crate) struct Snapshot {
    pub(crate) totals: Totals,
    pub(crate) transports: Vec<TransportStats>,
    pub(crate) unsent: u64,
    pub(crate) receive_buffer: usize,
    pub(crate) send_buffer: usize,
    pub(crate) uses_gso: bool,
}

impl Snapshot {
    pub(crate) fn of(sockets: &[Socket]) -> Self {
        Self {
            totals: Totals::default(),
            transports: Vec::new(),
            unsent: 0,
            receive_buffer: sockets.iter().map(|s| s.receive_buffer).min().unwrap_or(0),
            send_buffer: sockets.iter().map(|s| s.send_buffer).min().unwrap_or(0),
            uses_gso: udp::Sender::new(sockets.first()).uses_gso,
        }
    }
}

/// How long packets wait for others, by how many there are.
struct Tick {
    length: Duration,
    counted_at: Instant,
    counted: u64,
}

impl Tick {
    fn new(now: Instant) -> Self {
        Self {
            length: Duration::ZERO,
            counted_at: now,
            counted: 0,
        }
    }

    /// Follows the number of packets forwarded so far.
    fn follow(&mut self, forwarded: u64, now: Instant) {
        let elapsed = now.saturating_duration_since(self.counted_at);
        if elapsed < RATE_WINDOW {
            return;
        }
        let rate = (forwarded - self.counted) * 1_000 / elapsed.as_millis().max(1) as u64;
        let above = rate.saturating_sub(IDLE_RATE).min(BUSY_RATE - IDLE_RATE);
        self.length = MAX_TICK.mul_f64(above as f64 / (BUSY_RATE - IDLE_RATE) as f64);
        self.counted = forwarded;
        self.counted_at = now;
    }
}

/// One media thread's state.
pub(crate) struct Shard {
    number: usize,
    sfu: Sfu,
    sockets: Vec<Socket>,
    receiver: udp::Receiver,
    sender: udp::Sender,
    streams: Streams,
    messages: Receiver<Message>,
    inboxes: Vec<Inbox>,
    queue: Arc<EventQueue>,
    snapshot: Arc<Mutex<Snapshot>>,
    ufrags: Arc<UfragTable>,
    tick: Tick,
    figures_at: Instant,
    stats_interval: Duration,
    outgoing: Vec<Transmit>,
    is_stopping: bool,
}

impl Shard {
    #[expect(
        clippy::too_many_arguments,
        reason = "called once, where an engine is put together"
    )]
    pub(crate) fn new(
        number: usize,
        config: SfuConfig,
        sockets: Vec<Socket>,
        listeners: Vec<TcpListener>,
        messages: Receiver<Message>,
        inboxes: Vec<Inbox>,
        queue: Arc<EventQueue>,
        snapshot: Arc<Mutex<Snapshot>>,
        ufrags: Arc<UfragTable>,
    ) -> Self {
        let now = Instant::now();
        let stats_interval = config.stats_interval;
        Self {
            number,
            sfu: Sfu::new(config),
            receiver: udp::Receiver::new(),
            sender: udp::Sender::new(sockets.first()),
            sockets,
            streams: Streams::new(listeners),
            messages,
            inboxes,
            queue,
            snapshot,
            ufrags,
            tick: Tick::new(now),
            figures_at: now + stats_interval,
            stats_interval,
            outgoing: Vec::new(),
            is_stopping: false,
        }
    }

    /// Runs until it is told to stop.
    ///
    /// # Errors
    ///
    /// The operating system's, if it can no longer be waited for.
    pub(crate) fn run(&mut self) -> io::Result<()> {
        let mut watched: Vec<libc::pollfd> = Vec::new();
        let mut now = Instant::now();
        while !self.is_stopping {
            watched.clear();
            watched.push(watch(self.inboxes[self.number].wake.fd()));
            watched.extend(self.sockets.iter().map(|socket| watch(socket.fd())));
            self.streams.watch(&mut watched);
            self.rest(now);
            self.sleep(&mut watched)?;
            now = Instant::now();
            if watched[0].revents != 0 {
                self.inboxes[self.number].wake.clear();
            }
            self.take_messages(now);
            for at in 0..self.sockets.len() {
                if watched[1 + at].revents != 0 {
                    self.take_datagrams(at, now);
                }
            }
            let streams = &watched[1 + self.sockets.len()..];
            if streams.iter().any(|stream| stream.revents != 0) {
                self.streams.accept(now);
                self.take_frames(now);
            }
            self.forward(now);
            self.send();
            self.report(now);
        }
        // What closing transports still has to say.
        self.send();
        self.report(now);
        Ok(())
    }

    /// Lets a tick pass since the last turn where there is much to do, so that a turn finds many
    /// packets and reports at once: every wake-up costs, and every visit to a subscriber does.
    fn rest(&self, turned_at: Instant) {
        let mut until = turned_at + self.tick.length;
        match self.sfu.urgency() {
            Urgency::Now | Urgency::Soon => return,
            Urgency::At(Some(at)) => until = until.min(at),
            Urgency::At(None) => {}
        }
        let length = until.saturating_duration_since(Instant::now());
        if length > MIN_REST {
            std::thread::sleep(length);
        }
    }

    fn sleep(&self, watched: &mut [libc::pollfd]) -> io::Result<()> {
        let until = match self.sfu.urgency() {
            Urgency::Now | Urgency::Soon => return poll(watched, Duration::ZERO),
            Urgency::At(at) => at.unwrap_or(self.figures_at),
        };
        let until = until.min(self.figures_at);
        let length = until
            .saturating_duration_since(Instant::now())
            .min(MAX_SLEEP);
        poll(watched, length)
    }

    fn take_messages(&mut self, now: Instant) {
        for _ in 0..COMMANDS_PER_TURN {
            match self.messages.try_recv() {
                Ok(Message::Command(command)) => self.sfu.handle_command(now, command),
                Ok(Message::Stream(stream, frame)) => {
                    let (peer, local) = (stream.peer, stream.local);
                    self.streams.adopt(stream);
                    self.sfu.handle_input(
                        now,
                        &Datagram {
                            path: Path::Tcp,
                            source: peer,
                            destination: local,
                            contents: &frame,
                        },
                    );
                }
                Ok(Message::Stop) | Err(TryRecvError::Disconnected) => {
                    self.is_stopping = true;
                    self.sfu.close(now);
                    return;
                }
                Err(TryRecvError::Empty) => return,
            }
        }
        // More wait: come back at once.
        self.inboxes[self.number].wake.set();
    }

    fn take_datagrams(&mut self, at: usize, now: Instant) {
        let socket = &self.sockets[at];
        let destination = socket.local;
        for _ in 0..BATCHES_PER_TURN {
            let sfu = &mut self.sfu;
            let received = self.receiver.receive(socket, |source, contents| {
                sfu.handle_input(
                    now,
                    &Datagram {
                        path: Path::Udp,
                        source,
                        destination,
                        contents,
                    },
                );
            });
            // An error of one socket (its interface went away) is no reason to stop the others.
            if !matches!(received, Ok(true)) {
                break;
            }
        }
    }

    fn take_frames(&mut self, now: Instant) {
        for (peer, local, frame) in self.streams.receive() {
            if let Some(other) = self.other_shard(&frame)
                && let Some(stream) = self.streams.release(peer)
            {
                // A full queue costs the client one attempt; it tries again.
                let inbox = &self.inboxes[other];
                if inbox
                    .messages
                    .try_send(Message::Stream(stream, frame))
                    .is_ok()
                {
                    inbox.wake.set();
                }
                continue;
            }
            self.sfu.handle_input(
                now,
                &Datagram {
                    path: Path::Tcp,
                    source: peer,
                    destination: local,
                    contents: &frame,
                },
            );
        }
    }

    /// The other shard that a frame's transport is on, if it names one.
    fn other_shard(&self, frame: &[u8]) -> Option<usize> {
        if moot_sfu::classify(frame) != moot_sfu::Class::StunRequest {
            return None;
        }
        let ufrag = local_ufrag(frame)?;
        let ufrags = self.ufrags.read().unwrap_or_else(PoisonError::into_inner);
        ufrags
            .get(ufrag)
            .copied()
            .filter(|&shard| shard != self.number)
    }

    fn forward(&mut self, now: Instant) {
        self.sfu.handle_timeout(now);
        self.tick.follow(self.sfu.packets_forwarded(), now);
        let changes = self.sfu.poll_reachability();
        if !changes.is_empty() {
            let mut ufrags = self.ufrags.write().unwrap_or_else(PoisonError::into_inner);
            for change in changes {
                match change {
                    Reachability::Appeared(ufrag) => ufrags.insert(ufrag, self.number),
                    Reachability::Vanished(ufrag) => ufrags.remove(&ufrag),
                };
            }
        }
    }

    /// Sends what the SFU has made, socket by socket, in order.
    fn send(&mut self) {
        self.outgoing.clear();
        let mut from = None;
        while let Some(transmit) = self.sfu.poll_transmit() {
            match transmit.path {
                Path::Tcp => {
                    for frame in transmit.datagrams() {
                        if !self.streams.send(transmit.destination, frame) {
                            self.sender.unsent += 1;
                        }
                    }
                }
                Path::Udp => {
                    if from != Some(transmit.source) {
                        self.send_outgoing(from);
                        from = Some(transmit.source);
                    }
                    self.outgoing.push(transmit);
                }
            }
        }
        self.send_outgoing(from);
        if !self.streams.is_empty() {
            let sfu = &self.sfu;
            self.streams
                .flush(Instant::now(), |peer| sfu.is_wanted(Path::Tcp, peer));
        }
    }

    fn send_outgoing(&mut self, from: Option<std::net::SocketAddr>) {
        let socket = self
            .sockets
            .iter()
            .find(|socket| Some(socket.local) == from);
        match socket {
            Some(socket) => self.sender.send(socket, &self.outgoing),
            None => self.sender.unsent += self.outgoing.len() as u64,
        }
        self.outgoing.clear();
    }

    fn report(&mut self, now: Instant) {
        let mut events = std::iter::from_fn(|| self.sfu.poll_event())
            .map(EngineEvent::Sfu)
            .peekable();
        if events.peek().is_some() {
            self.queue.push(events);
        }
        if now >= self.figures_at || self.is_stopping {
            self.figures_at = now + self.stats_interval;
            let transports = self.sfu.transport_stats();
            let mut snapshot = self.snapshot.lock().unwrap_or_else(PoisonError::into_inner);
            snapshot.totals = self.sfu.totals();
            snapshot.transports = transports;
            snapshot.unsent = self.sender.unsent;
            snapshot.uses_gso = self.sender.uses_gso;
        }
    }
}

/// Waits until a descriptor is ready, for `length` at most.
fn poll(watched: &mut [libc::pollfd], length: Duration) -> io::Result<()> {
    let timeout = libc::timespec {
        tv_sec: length.as_secs() as libc::time_t,
        tv_nsec: length.subsec_nanos().into(),
    };
    // SAFETY: the descriptors and the timeout live through the call; no signal mask is given.
    let result = unsafe {
        libc::ppoll(
            watched.as_mut_ptr(),
            watched.len() as libc::nfds_t,
            &raw const timeout,
            std::ptr::null(),
        )
    };
    if result < 0 {
        let error = io::Error::last_os_error();
        if error.kind() != io::ErrorKind::Interrupted {
            return Err(error);
        }
    }
    Ok(())
}

fn watch(fd: std::os::fd::RawFd) -> libc::pollfd {
    libc::pollfd {
        fd,
        events: libc::POLLIN,
        revents: 0,
    }
}
