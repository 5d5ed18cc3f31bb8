"""The two names under which the media engine knows a meeting and a connection (MEDIA-3)."""

from __future__ import annotations


def meeting_key(meeting_id: str, run: int) -> str:
    """Name one run of a meeting, for example `ABC123.1`.

    A run that has ended never lends its key to the next one, so a late packet or webhook of
    the old run cannot touch the new one (MEDIA-3).
    """
    return f"{meeting_id}.{run}"


def identity(participant_id: str, connection_id: str) -> str:
    """Name one connection of one participant (MEDIA-3); '.' occurs in neither part."""
    return f"{participant_id}.{connection_id}"


def split_meeting_key(key: str) -> tuple[str, int] | None:
    """Take a meeting key apart into meeting id and run; None where it is not one of ours."""
    meeting_id, dot, run = key.rpartition(".")
    if not dot or not meeting_id or not run.isascii() or not run.isdigit():
        return None
    return meeting_id, int(run)


def split_identity(name: str) -> tuple[str, str] | None:
    """Take an identity apart into participant id and connection id; None where it is not ours."""
    participant_id, dot, connection_id = name.partition(".")
    if not dot or not participant_id or not connection_id or "." in connection_id:
        return None
    return participant_id, connection_id
