//! The running engine: shards, the table that finds them, and the queue of their events.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::RawFd;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use moot_sfu::{Command, Event, LocalAddress, MeetingId, Path, SfuConfig, Totals, TransportStats};

use crate::address;
use crate::config::EngineConfig;
use crate::directory::Directory;
use crate::queue::{EngineEvent, EventQueue};
use crate::shard::{Message, Shard, Snapshot};
use crate::tcp;
use crate::udp;
use crate::wake::Wake;

/// How long closing waits for a shard.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(2);

/// A command was not queued.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SubmitError {
    /// The shard's queue is full.
    QueueFull,
    /// The engine, or every shard, is gone.
    Closed,
}

/// Totals over all shards.
#[derive(Clone, Copy, Debug, Default)]
pub struct EngineTotals {
    /// What the SFUs counted.
    pub sfu: Totals,
    /// Datagrams that the kernel did not take.
    pub datagrams_unsent: u64,
    /// Events dropped because nobody drained them in time.
    pub events_dropped: u64,
    /// Smallest receive buffer of the UDP sockets, bytes.
    pub receive_buffer_bytes: usize,
    /// Smallest send buffer of the UDP sockets, bytes.
    pub send_buffer_bytes: usize,
    /// The kernel cuts up messages for every shard.
    pub uses_gso: bool,
}

/// Which shard each transport's local user name fragment is on: for sorting TCP connections.
pub(crate) type UfragTable = RwLock<HashMap<String, usize>>;

/// How to reach one shard.
#[derive(Clone)]
pub(crate) struct Inbox {
    pub(crate) messages: SyncSender<Message>,
    pub(crate) wake: Arc<Wake>,
}

struct ShardHandle {
    inbox: Inbox,
    snapshot: Arc<Mutex<Snapshot>>,
    thread: Mutex<Option<JoinHandle<()>>>,
    udp_port: u16,
}

/// The running engine. Safe to share between threads.
pub struct Engine {
    shards: Vec<ShardHandle>,
    directory: Arc<Mutex<Directory>>,
    queue: Arc<EventQueue>,
    tcp_port: Option<u16>,
    addresses: Vec<IpAddr>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nothing behind these locks is left half changed by a panic.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Engine {
    /// Opens the sockets and starts the threads.
    ///
    /// # Errors
    ///
    /// The operating system's: a port is taken, an address is not this machine's, or there are no
    /// descriptors or threads left.
    pub fn start(config: &EngineConfig) -> io::Result<Self> {
        let local = address::resolve(&config.bind, config.include_loopback)?;
        if local.is_empty() {
            return Err(io::Error::new(
                io::ErrorKind::AddrNotAvailable,
                "none of the addresses to listen on is this machine's",
            ));
        }
        let count = config.shard_count();
        let mut bound = Vec::with_capacity(count);
        for shard in 0..count {
            let port = match config.udp_port {
                0 => 0,
                first => first.checked_add(shard as u16).ok_or_else(|| {
                    io::Error::new(io::ErrorKind::InvalidInput, "the UDP ports end at 65535")
                })?,
            };
            bound.push(udp::bind_all(&local, port, config.socket_buffer_bytes)?);
        }
        let listeners = match config.tcp_port {
            Some(port) => tcp::listen(&local, port)?,
            None => Vec::new(),
        };
        let tcp_port = match listeners.first() {
            Some(listener) => Some(listener.local_addr()?.port()),
            None => None,
        };
        let mut listeners = Some(listeners);
        let queue = Arc::new(EventQueue::new(config.event_queue)?);
        let directory = Arc::new(Mutex::new(Directory::new(count, config.max_connections)));
        let ufrags = Arc::new(UfragTable::default());
        let prototype = SfuConfig::new(Vec::new());
        let mut inboxes = Vec::with_capacity(count);
        let mut receivers = Vec::with_capacity(count);
        for _ in 0..count {
            let (messages, receiver) = sync_channel(config.command_queue);
            inboxes.push(Inbox {
                messages,
                wake: Arc::new(Wake::new()?),
            });
            receivers.push(receiver);
        }
        let mut shards = Vec::with_capacity(count);
        for (number, (sockets, receiver)) in bound.into_iter().zip(receivers).enumerate() {
            let udp_port = sockets.first().map_or(0, |socket| socket.local.port());
            let sfu_config = SfuConfig {
                addresses: candidates(&sockets, tcp_port, &config.public_addresses),
                codecs: config.codecs,
                max_connections: config.max_connections,
                max_tracks_per_connection: config.max_tracks_per_connection,
                max_subscriptions_per_connection: config.max_subscriptions_per_connection,
                initial_estimate_bps: config.initial_estimate_bps,
                max_estimate_bps: config.max_estimate_bps,
                stats_interval: config.stats_interval,
                speakers_interval: config.speakers_interval,
                transport_timeout: config.transport_timeout,
                ..prototype.clone()
            };
            let snapshot = Arc::new(Mutex::new(Snapshot::of(&sockets)));
            let mut shard = Shard::new(
                number,
                sfu_config,
                sockets,
                listeners.take().unwrap_or_default(),
                receiver,
                inboxes.clone(),
                queue.clone(),
                snapshot.clone(),
                ufrags.clone(),
            );
            let (queue, directory) = (queue.clone(), directory.clone());
            let thread = std::thread::Builder::new()
                .name(format!("moot-media-{number}"))
                .spawn(move || {
                    let ended = catch_unwind(AssertUnwindSafe(|| shard.run()));
                    let reason = match ended {
                        Ok(Ok(())) => return,
                        Ok(Err(error)) => error.to_string(),
                        Err(_) => "the media thread panicked".to_owned(),
                    };
                    let meetings = lock(&directory).bury(number);
                    queue.push([EngineEvent::ShardFailed {
                        shard: number,
                        meetings,
                        reason,
                    }]);
                })?;
            shards.push(ShardHandle {
                inbox: inboxes[number].clone(),
                snapshot,
                thread: Mutex::new(Some(thread)),
                udp_port,
            });
        }
        let mut addresses = local;
        addresses.extend(&config.public_addresses);
        Ok(Self {
            shards,
            directory,
            queue,
            tcp_port,
            addresses,
        })
    }

    /// Queues a command; never blocks. Refusals, also those found here, come back as events.
    ///
    /// # Errors
    ///
    /// [`SubmitError::QueueFull`] if the shard cannot keep up, [`SubmitError::Closed`] after
    /// [`Engine::close`] or when no shard is left.
    pub fn submit(&self, command: Command) -> Result<(), SubmitError> {
        // The table stays locked until the command is queued, so that commands about one thing
        // reach its shard in the order in which they were given.
        let mut directory = lock(&self.directory);
        let route = match directory.route(&command) {
            Ok(Some(route)) => route,
            Ok(None) => return Err(SubmitError::Closed),
            Err(refusal) => {
                let (connection, request) = command.addressee();
                self.queue.push([EngineEvent::Sfu(Event::RequestFailed {
                    connection,
                    request,
                    refusal,
                })]);
                return Ok(());
            }
        };
        let inbox = &self.shards[route.shard].inbox;
        let is_awaited = is_awaited(&command);
        match inbox.messages.try_send(Message::Command(command)) {
            Ok(()) => {
                directory.note(route);
                if is_awaited {
                    inbox.wake.set();
                }
                Ok(())
            }
            Err(TrySendError::Full(_)) => {
                // It may be full of what wakes nobody.
                inbox.wake.set();
                Err(SubmitError::QueueFull)
            }
            Err(TrySendError::Disconnected(_)) => Err(SubmitError::Closed),
        }
    }

    /// Takes up to `most` events, oldest first.
    pub fn drain(&self, most: usize) -> Vec<EngineEvent> {
        let events = self.queue.drain(most);
        for event in &events {
            if let EngineEvent::Sfu(Event::TrackUnpublished { track, .. }) = event {
                lock(&self.directory).forget_track(track);
            }
        }
        events
    }

    /// A descriptor that is readable while events wait.
    pub fn fd(&self) -> RawFd {
        self.queue.fd()
    }

    /// Ends every transport and stops the threads; waits at most 2 s. Calling it again changes
    /// nothing.
    pub fn close(&self) {
        for shard in &self.shards {
            shard.inbox.wake.set();
            // A full queue is drained soon; a shard that is gone needs no telling.
            let mut message = Message::Stop;
            let until = Instant::now() + CLOSE_TIMEOUT;
            while let Err(TrySendError::Full(back)) = shard.inbox.messages.try_send(message) {
                if Instant::now() > until {
                    break;
                }
                message = back;
                std::thread::sleep(Duration::from_millis(1));
            }
            shard.inbox.wake.set();
        }
        let until = Instant::now() + CLOSE_TIMEOUT;
        for shard in &self.shards {
            let Some(thread) = lock(&shard.thread).take() else {
                continue;
            };
            while !thread.is_finished() && Instant::now() < until {
                std::thread::sleep(Duration::from_millis(1));
            }
            if thread.is_finished() {
                // A panic was caught and told inside.
                let _ = thread.join();
            }
        }
    }

    /// The UDP port of each shard.
    pub fn udp_ports(&self) -> Vec<u16> {
        self.shards.iter().map(|shard| shard.udp_port).collect()
    }

    /// The ICE-TCP port.
    pub fn tcp_port(&self) -> Option<u16> {
        self.tcp_port
    }

    /// The addresses handed out, public ones last.
    pub fn addresses(&self) -> &[IpAddr] {
        &self.addresses
    }

    /// Totals over all shards, as of the last renewal of figures.
    pub fn totals(&self) -> EngineTotals {
        let mut totals = EngineTotals {
            events_dropped: self.queue.dropped(),
            receive_buffer_bytes: usize::MAX,
            send_buffer_bytes: usize::MAX,
            uses_gso: true,
            ..Default::default()
        };
        for shard in &self.shards {
            let snapshot = lock(&shard.snapshot);
            add(&mut totals.sfu, &snapshot.totals);
            totals.datagrams_unsent += snapshot.unsent;
            totals.receive_buffer_bytes = totals.receive_buffer_bytes.min(snapshot.receive_buffer);
            totals.send_buffer_bytes = totals.send_buffer_bytes.min(snapshot.send_buffer);
            totals.uses_gso &= snapshot.uses_gso;
        }
        totals
    }

    /// The figures of every transport, or of one meeting's, as of the last renewal.
    pub fn transport_stats(&self, meeting: Option<&MeetingId>) -> Vec<TransportStats> {
        let mut all = Vec::new();
        for shard in &self.shards {
            let snapshot = lock(&shard.snapshot);
            let wanted = snapshot
                .transports
                .iter()
                .filter(|stats| meeting.is_none_or(|meeting| stats.meeting == *meeting));
            all.extend(wanted.cloned());
        }
        all
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.close();
    }
}

/// Returns whether somebody waits for what comes of a command. What only makes room is needed by the
/// command that follows it, which wakes the shard: to be woken costs more than either.
fn is_awaited(command: &Command) -> bool {
    !matches!(
        command,
        Command::OpenMeeting { request: 0, .. } | Command::OpenConnection { request: 0, .. }
    )
}

/// The addresses that clients of a shard may use.
fn candidates(
    sockets: &[udp::Socket],
    tcp_port: Option<u16>,
    public: &[IpAddr],
) -> Vec<LocalAddress> {
    let mut candidates = Vec::new();
    for socket in sockets {
        // A public address stands for the first address of its family that others can reach.
        let is_first = sockets
            .iter()
            .find(|other| {
                other.local.is_ipv4() == socket.local.is_ipv4() && !other.local.ip().is_loopback()
            })
            .is_some_and(|first| first.local == socket.local);
        let outside = public
            .iter()
            .find(|public| public.is_ipv4() == socket.local.is_ipv4())
            .filter(|_| is_first);
        candidates.push(LocalAddress {
            path: Path::Udp,
            local: socket.local,
            public: outside.map(|&ip| SocketAddr::new(ip, socket.local.port())),
        });
        if let Some(port) = tcp_port {
            candidates.push(LocalAddress {
                path: Path::Tcp,
                local: SocketAddr::new(socket.local.ip(), port),
                public: outside.map(|&ip| SocketAddr::new(ip, port)),
            });
        }
    }
    candidates
}

fn add(sum: &mut Totals, part: &Totals) {
    sum.meetings += part.meetings;
    sum.connections += part.connections;
    sum.transports += part.transports;
    sum.tracks += part.tracks;
    sum.subscriptions += part.subscriptions;
    sum.datagrams_in += part.datagrams_in;
    sum.datagrams_out += part.datagrams_out;
    sum.bytes_in += part.bytes_in;
    sum.bytes_out += part.bytes_out;
    sum.packets_forwarded += part.packets_forwarded;
    sum.packets_withheld += part.packets_withheld;
    sum.datagrams_unknown += part.datagrams_unknown;
    sum.transport_panics += part.transport_panics;
}
