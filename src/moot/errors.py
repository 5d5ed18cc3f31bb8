"""The table of errors: everything that can go wrong, said once.

Each row has a stable id for programs, an HTTP status, a WebSocket close code where the event
stream can end with it, and a sentence for people (ERR-1, RFC 9457). `docs/errors.md` is generated
from `PROBLEMS`; adding an error means adding a row here and raising `Problem` with its id.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec


class ProblemKind(msgspec.Struct, frozen=True):
    """One row of the table.

    Attributes:
        id: stable, lower_snake_case; the last part of the problem's `type`.
        status: HTTP status, 400 to 599, or 0 where the problem only ever closes an event stream.
        sentence: for people; may name facts as `{fact}`, filled from the problem's facts.
        cure: what the person or program can do next.
        close: WebSocket close code 4000 to 4999 (RFC 6455 §7.4.2), or None.
        resume: after `close`, whether the same connection should come back by itself.
    """

    id: str
    status: int
    sentence: str
    cure: str
    close: int | None = None
    resume: bool = False


_TABLE: Final = (
    # Who is asking
    ProblemKind(
        "token_invalid",
        401,
        "The token is forged, expired or meant for somebody else.",
        "Sign in again, or ask the program that gave the token for a new one.",
        4003,
    ),
    ProblemKind(
        "not_authenticated",
        401,
        "Nobody is signed in on this request.",
        "Send the guest cookie that moot has set, or a bearer token.",
    ),
    ProblemKind(
        "origin_forbidden",
        403,
        "This page is not allowed to use this server.",
        "Open the meeting on the server's own address, or add the origin to `allowed_origins`.",
    ),
    ProblemKind(
        "host_unknown",
        421,
        "This server does not go by the name in the address.",
        "Open the server's own address, or set `public_url` to the address people type.",
    ),
    # What was asked
    ProblemKind(
        "meeting_id_invalid",
        422,
        "A Meeting ID has 3 to 64 letters A to Z and digits; spaces and hyphens do not count. "
        "{reason}",
        "Check the Meeting ID.",
    ),
    ProblemKind(
        "name_invalid",
        422,
        "A name has 1 to 80 characters, none of them invisible control characters. {reason}",
        "Choose another name.",
    ),
    ProblemKind(
        "body_invalid",
        422,
        "The request does not have the expected shape: {reason}.",
        "Compare the request with `/api/v1/openapi.json`.",
    ),
    ProblemKind(
        "body_malformed",
        400,
        "The request could not be read: {reason}.",
        "Send valid JSON in UTF-8 and valid headers.",
    ),
    ProblemKind(
        "body_too_large",
        413,
        "The request is larger than {limit_bytes} bytes.",
        "Send less.",
    ),
    ProblemKind(
        "media_type_unsupported",
        415,
        "The request's body is not JSON.",
        "Send `Content-Type: application/json`.",
    ),
    ProblemKind(
        "route_not_found",
        404,
        "There is nothing at this address.",
        "Compare the address with `/api/v1/openapi.json`.",
    ),
    ProblemKind(
        "method_not_allowed",
        405,
        "This address does not know that method.",
        "See the `Allow` header.",
    ),
    ProblemKind(
        "idempotency_key_invalid",
        400,
        "An Idempotency-Key has 1 to 255 visible ASCII characters.",
        "Send another key.",
    ),
    ProblemKind(
        "idempotency_key_reused",
        422,
        "This Idempotency-Key was used within 24 hours for another request.",
        "Use a new key for a new request.",
    ),
    ProblemKind(
        "precondition_required",
        428,
        "Settings are changed with `If-Match`, so that two hosts do not overwrite each other.",
        "Read the settings, then send their `ETag` in `If-Match`.",
    ),
    ProblemKind(
        "precondition_failed",
        412,
        "The settings have changed since they were read.",
        "Read them again and repeat the change.",
    ),
    # Meetings and people
    ProblemKind(
        "meeting_not_found",
        404,
        "Nobody has started a meeting with this Meeting ID.",
        "Check the Meeting ID, or start the meeting.",
    ),
    ProblemKind(
        "participant_not_found",
        404,
        "This person is not in the meeting.",
        "Read the list of participants again.",
    ),
    ProblemKind(
        "message_not_found",
        404,
        "This chat message does not exist.",
        "Read the chat again.",
    ),
    ProblemKind(
        "not_in_meeting",
        403,
        "Only people in the meeting can do this.",
        "Join the meeting first.",
    ),
    ProblemKind(
        "host_only",
        403,
        "Only a host can do this.",
        "Ask a host of the meeting.",
    ),
    ProblemKind(
        "not_allowed",
        403,
        "The host has switched this off for guests.",
        "Ask a host of the meeting.",
    ),
    ProblemKind(
        "last_host",
        422,
        "A meeting keeps at least one host.",
        "Make another person a host first.",
    ),
    ProblemKind(
        "participant_removed",
        403,
        "A host has removed you from this meeting.",
        "Ask a host to let you back in.",
        4007,
    ),
    ProblemKind(
        "meeting_locked",
        403,
        "The meeting is locked.",
        "Ask a host to unlock it.",
    ),
    ProblemKind(
        "meeting_full",
        403,
        "The meeting is full: {max_participants} people are in.",
        "Try again when somebody has left.",
    ),
    ProblemKind(
        "lobby_required",
        403,
        "People wait in the lobby until a host lets them in.",
        "Knock, and wait for a host.",
    ),
    ProblemKind(
        "lobby_denied",
        403,
        "A host has not let you in.",
        "Try again in a minute, or ask the host.",
        4014,
    ),
    ProblemKind(
        "passcode_required",
        403,
        "This meeting has a passcode.",
        "Send the passcode with the request to join.",
    ),
    ProblemKind(
        "passcode_wrong",
        403,
        "The passcode is not right.",
        "Check the passcode with the person who invited you.",
    ),
    ProblemKind(
        "connection_closed",
        410,
        "This connection is closed or has made room for a newer one.",
        "Join again; you keep your seat.",
        4004,
    ),
    # The event stream only
    ProblemKind(
        "hello_expected",
        0,
        "The event stream begins with a hello within 10 seconds.",
        "Send `hello` first.",
        4001,
    ),
    ProblemKind(
        "message_invalid",
        0,
        "A message on the event stream could not be understood.",
        "Compare it with the protocol.",
        4002,
    ),
    ProblemKind(
        "connection_replaced",
        0,
        "The same connection was opened again elsewhere.",
        "Nothing: the newer one goes on.",
        4005,
    ),
    ProblemKind(
        "left",
        0,
        "You have left the meeting.",
        "Join again at any time.",
        4006,
    ),
    ProblemKind(
        "meeting_ended",
        410,
        "A host has ended the meeting.",
        "Join again to start it anew.",
        4008,
    ),
    ProblemKind(
        "slow_reader",
        0,
        "The events were not read fast enough.",
        "Connect again and resume.",
        4009,
        True,
    ),
    ProblemKind(
        "ping_timeout",
        0,
        "The other side has not answered.",
        "Connect again and resume.",
        4010,
        True,
    ),
    # The server
    ProblemKind(
        "restarting",
        503,
        "The server is restarting.",
        "Try again in a moment; the page does so by itself.",
        4011,
        True,
    ),
    ProblemKind(
        "rate_limited",
        429,
        "That was too often.",
        "Wait for the seconds in `Retry-After`, then try again.",
        4012,
        True,
    ),
    ProblemKind(
        "unavailable",
        503,
        "The server cannot reach its database at the moment.",
        "Try again in a moment; the page does so by itself.",
        4013,
        True,
    ),
    ProblemKind(
        "issuer_unavailable",
        503,
        "The sign-in service that this server trusts cannot be reached at the moment.",
        "Try again in a moment, or join as a guest.",
    ),
    ProblemKind(
        "storage_full",
        507,
        "The server's disk is full.",
        "Ask the server's operator; reading and calls go on.",
    ),
    ProblemKind(
        "internal",
        500,
        "The server made a mistake, and has written it down.",
        "Try again; if it stays, tell the server's operator the time.",
        4015,
        True,
    ),
)

PROBLEMS: Final[dict[str, ProblemKind]] = {kind.id: kind for kind in _TABLE}

_closes = [kind.close for kind in _TABLE if kind.close is not None]
if len(PROBLEMS) != len(_TABLE) or len(set(_closes)) != len(_closes):
    raise AssertionError("an error id or close code stands twice in the table of errors")


class Problem(Exception):
    """One occurrence of a row of the table, raised by any room and translated at the edges.

    Args:
        id: a row of `PROBLEMS`.
        retry_after_s: seconds for `Retry-After`, where waiting helps.
        facts: fill the sentence's `{names}` and travel as members of the problem document; never
            a secret, an address or another person's name.
    """

    def __init__(self, id: str, *, retry_after_s: int | None = None, **facts: Any) -> None:
        self.kind = PROBLEMS[id]
        self.retry_after_s = retry_after_s
        self.facts = facts
        super().__init__(self.sentence)

    @property
    def sentence(self) -> str:
        """The row's sentence with this occurrence's facts in place."""
        return self.kind.sentence.format_map(_Blank(self.facts)).strip()


class _Blank(dict[str, Any]):
    def __missing__(self, key: str) -> str:
        return ""
