-- name: delete_old_messages
-- Forget the chat of runs that have ended.
DELETE FROM message WHERE id IN (
  SELECT old.id FROM message AS old JOIN meeting ON meeting.uid = old.meeting_uid
  WHERE old.posted_at < :before AND old.run < meeting.run LIMIT :limit
);

-- name: delete_old_events
-- Forget events that nobody resumes from; the primary key leads to them, whatever the table's size.
DELETE FROM event WHERE (meeting_uid, event_seq) IN (
  SELECT old.meeting_uid, old.event_seq
  FROM meeting JOIN event AS old
    ON old.meeting_uid = meeting.uid AND old.event_seq <= meeting.event_seq - :keep
  WHERE old.at < :before LIMIT :limit
);

-- name: delete_old_idempotency
-- Forget keys after the time in which a repeat gets the first answer.
DELETE FROM idempotency WHERE (person_id, idempotency_key) IN (
  SELECT old.person_id, old.idempotency_key FROM idempotency AS old
  WHERE old.at < :before LIMIT :limit
);

-- name: delete_idle_guests
-- Forget guests of meetings where nobody was for long; their connections go with them (ON DELETE CASCADE).
-- Hosts stay (HOST-1), and so do those whom a host removed (JOIN-8).
DELETE FROM participant WHERE id IN (
  SELECT idle.id FROM meeting JOIN participant AS idle ON idle.meeting_uid = meeting.uid
  WHERE meeting.active_at < :before AND idle.role = 'guest' AND idle.status = 'disconnected'
  LIMIT :limit
);

-- name: delete_closed_connections
-- Forget connections that were closed long ago.
DELETE FROM connection WHERE id IN (
  SELECT old.id FROM connection AS old
  WHERE old.state = 'closed' AND old.changed_at < :before LIMIT :limit
);
