-- name: upsert_connection
-- Open a connection; a repeat with the same id is the same one, another person's id is nobody's.
INSERT INTO connection ({connection}) VALUES ({:connection})
ON CONFLICT (id) DO UPDATE
SET fence = excluded.fence, state = excluded.state, process_id = excluded.process_id,
    changed_at = excluded.changed_at
WHERE connection.participant_id = excluded.participant_id
RETURNING {connection};

-- name: find_connection
-- Read by id (primary key).
SELECT {connection} FROM connection WHERE id = :id;

-- name: update_connection
-- Change a connection's state unless a newer holder has raised its fence (JOIN-3).
UPDATE connection SET state = :state, process_id = :process_id, changed_at = :changed_at
WHERE id = :id AND fence = :expected_fence
RETURNING {connection};

-- name: list_connections
-- Read one participant's connections, oldest first.
SELECT {connection} FROM connection
WHERE participant_id = :participant_id AND state IN (:states[])
ORDER BY created_at, id;

-- name: list_meeting_connections
-- Read a meeting's connections, oldest first.
SELECT {connection} FROM connection
WHERE meeting_uid = :meeting_uid AND state IN (:states[])
ORDER BY created_at, id;

-- name: close_connections
-- Close all that a participant has.
UPDATE connection SET state = 'closed', process_id = NULL, changed_at = :at
WHERE participant_id = :participant_id AND state <> 'closed'
RETURNING id;

-- name: close_meeting_connections
-- Close all that a meeting has, whatever the status of whose they are.
UPDATE connection SET state = 'closed', process_id = NULL, changed_at = :at
WHERE meeting_uid = :meeting_uid AND state <> 'closed';

-- name: orphaned_connections
-- Read open connections that no living process holds, the longest unchanged first (JOIN-10).
SELECT meeting.id, {c.connection} FROM connection AS c JOIN meeting ON meeting.uid = c.meeting_uid
WHERE c.state = 'open' AND NOT EXISTS (
  SELECT 1 FROM process WHERE process.id = c.process_id AND process.heartbeat_at >= :alive_since
)
ORDER BY c.changed_at, c.id LIMIT :limit;

-- name: overdue_connections
-- Read lost and pending connections whose linger time is over, the longest waiting first (JOIN-4).
SELECT meeting.id, {c.connection} FROM connection AS c JOIN meeting ON meeting.uid = c.meeting_uid
WHERE c.state IN ('pending', 'lost') AND c.changed_at < :before
ORDER BY c.changed_at, c.id LIMIT :limit;

-- name: connection_counts
-- Count the connections of each participant that are not closed.
SELECT participant_id, count(*) FROM connection
WHERE meeting_uid = :meeting_uid AND state <> 'closed'
GROUP BY participant_id;
