//! The data channels of a transport, and what waits for them.

use std::sync::Arc;

use str0m::channel::ChannelId;

use super::Transport;
use crate::command::DataKind;

/// Most messages that wait for a data channel to open or to drain.
const MAX_BACKLOG_MESSAGES: usize = 256;
/// Most bytes that wait for a data channel.
const MAX_BACKLOG_BYTES: usize = 1 << 20;
/// Beyond this many buffered bytes lossy messages are dropped: they would arrive too late.
const MAX_LOSSY_BUFFERED: usize = 64 * 1024;

impl Transport {
    /// Notes that a channel opened, if it is one of ours to use.
    pub(crate) fn open_channel(&mut self, id: ChannelId, name: &str) {
        let kinds = [DataKind::Reliable, DataKind::Lossy];
        let Some(kind) = kinds.into_iter().find(|&kind| name == label(kind)) else {
            return;
        };
        self.channels[kind as usize] = Some(id);
        self.change(|this| {
            if let Some(mut channel) = this.rtc.channel(id) {
                channel.set_buffered_amount_low_threshold(MAX_LOSSY_BUFFERED / 2);
            }
            Ok(())
        });
        if kind == DataKind::Reliable {
            self.send_backlog();
        }
    }

    /// Forgets a channel that closed.
    pub(crate) fn close_channel(&mut self, id: ChannelId) {
        for channel in &mut self.channels {
            if *channel == Some(id) {
                *channel = None;
            }
        }
    }

    /// Which of ours a channel is.
    pub(crate) fn channel_kind(&self, id: ChannelId) -> Option<DataKind> {
        [DataKind::Reliable, DataKind::Lossy]
            .into_iter()
            .find(|&kind| self.channels[kind as usize] == Some(id))
    }

    /// Sends a message. A reliable one waits where it must, in a bounded queue; a lossy one is
    /// dropped. Returns whether it was taken.
    pub(crate) fn send(&mut self, kind: DataKind, message: &Arc<[u8]>) -> bool {
        if kind == DataKind::Lossy {
            return self.write_channel(kind, message);
        }
        if self.backlog.is_empty() && self.write_channel(kind, message) {
            return true;
        }
        let fits = self.backlog.len() < MAX_BACKLOG_MESSAGES
            && self.backlog_bytes + message.len() <= MAX_BACKLOG_BYTES;
        if fits {
            self.backlog_bytes += message.len();
            self.backlog.push_back(message.clone());
        }
        fits
    }

    /// Sends what waits, as far as the channel takes it.
    pub(crate) fn send_backlog(&mut self) {
        while let Some(message) = self.backlog.front().cloned() {
            if !self.write_channel(DataKind::Reliable, &message) {
                break;
            }
            self.backlog.pop_front();
            self.backlog_bytes -= message.len();
        }
    }

    fn write_channel(&mut self, kind: DataKind, message: &[u8]) -> bool {
        let Some(id) = self.channels[kind as usize] else {
            return false;
        };
        let written = self.change(|this| {
            let Some(mut channel) = this.rtc.channel(id) else {
                return Ok(false);
            };
            if kind == DataKind::Lossy && channel.buffered_amount() > MAX_LOSSY_BUFFERED {
                return Ok(false);
            }
            channel.write(true, message)
        });
        written.unwrap_or(false)
    }
}

/// The label of a data channel in LiveKit's dialect.
pub(super) fn label(kind: DataKind) -> &'static str {
    match kind {
        DataKind::Reliable => "_reliable",
        DataKind::Lossy => "_lossy",
    }
}
