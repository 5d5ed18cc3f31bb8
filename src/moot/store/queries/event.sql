-- name: append_event
-- Number an event and store it in one round trip; the meeting's row lock makes the order (EVENT-1).
-- PostgreSQL only: SQLite does not change rows inside WITH.
WITH head AS (
  UPDATE meeting SET event_seq = event_seq + 1 WHERE uid = :meeting_uid RETURNING event_seq, epoch
)
INSERT INTO event (meeting_uid, event_seq, epoch, type, at, body, audience)
SELECT :meeting_uid, head.event_seq, head.epoch, :type, :at, :body, :audience FROM head
RETURNING event_seq, epoch;

-- name: take_event_seq
-- Take a meeting's next number.
UPDATE meeting SET event_seq = event_seq + 1 WHERE uid = :meeting_uid RETURNING event_seq, epoch;

-- name: insert_event
-- Store an event under the number that was taken for it; the primary key refuses a number twice.
INSERT INTO event ({event}) VALUES ({:event});

-- name: list_events
-- Read what came after a number, in order, by the primary key.
SELECT {event} FROM event
WHERE meeting_uid = :meeting_uid AND event_seq > :after
ORDER BY event_seq LIMIT :limit;

-- name: event_heads
-- Read the newest number of several meetings.
SELECT uid, epoch, event_seq FROM meeting WHERE uid IN (:meeting_uids[]);
