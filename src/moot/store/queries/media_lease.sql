-- name: find_media_lease
-- Read who carries a meeting's media.
SELECT {media_lease} FROM media_lease WHERE meeting_uid = :meeting_uid;

-- name: take_media_lease
-- Hand a meeting's media to a process, unless somebody else was first: no row.
INSERT INTO media_lease ({media_lease}) VALUES ({:media_lease})
ON CONFLICT (meeting_uid) DO UPDATE
SET process_id = excluded.process_id, epoch = excluded.epoch
WHERE media_lease.epoch = :expected_epoch
RETURNING {media_lease};

-- name: media_loads
-- Count the connections with one of the states of the meetings that each process carries.
SELECT l.process_id, COUNT(*)
FROM media_lease l JOIN connection c ON c.meeting_uid = l.meeting_uid
WHERE c.state IN (:states[]) AND l.process_id IS NOT NULL
GROUP BY l.process_id;
