"""Every setting of moot: its name, type, range, default and the sentence that explains it.

The fields of `Config` are the one table. The flag, the environment variable and the key in the
settings file are all made from the field's name (`linger_s`: `--linger-s`, `MOOT_LINGER_S`,
`linger_s = 30`); `docs/settings.md` is generated from it. `moot.settings` reads the sources;
nothing else reads the environment.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta


class Secret(msgspec.Struct, frozen=True):
    """A text that must not reach a log, an error or a page; only `reveal` gives it back."""

    text: str

    def reveal(self) -> str:
        """Return the text itself. Call it where it is used, never where it is shown."""
        return self.text

    def __repr__(self) -> str:
        return "Secret(…)"

    __str__ = __repr__


def _setting(group: str, sentence: str, unit: str = "", **bounds: float) -> Meta:
    """Describe one setting: its group in the documents, its sentence, its unit and its range."""
    return Meta(
        description=sentence,
        ge=bounds.get("ge"),
        le=bounds.get("le"),
        extra={"group": group, "unit": unit},
    )


_WEB, _STORE, _MEDIA, _MEETING = "The web server", "The store", "Media", "Meetings"
_PERSON, _LIMIT, _KEEP, _LOG = "Persons", "Limits", "Retention", "Logs and metrics"


class Config(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One process's settings, parsed and checked once, then only handed on.

    Build it with `moot.settings.load`, which checks ranges and says what is wrong and where; tests
    may build it directly from the fields that they care about, which checks nothing.
    """

    # The web server
    host: Annotated[
        str,
        _setting(
            _WEB,
            "The address to listen on; `localhost` means both 127.0.0.1 and ::1, `0.0.0.0` every"
            " IPv4 address, `::` every address.",
        ),
    ] = "localhost"
    port: Annotated[
        int,
        _setting(
            _WEB,
            "The TCP port of the page, the API and the events; 0 takes any free one.",
            ge=0,
            le=65535,
        ),
    ] = 3000
    data: Annotated[
        Path,
        _setting(
            _WEB,
            "The folder for the SQLite file and the secrets; made when missing, readable by its "
            "owner only.",
        ),
    ]
    public_url: Annotated[
        str | None,
        _setting(
            _WEB,
            "The address people type, such as `https://meet.example.org`, when a proxy stands "
            "before moot; unset, moot uses the address of each request.",
        ),
    ] = None
    allowed_origins: Annotated[
        tuple[str, ...],
        _setting(
            _WEB,
            "Further pages that may call the API and open the events, as exact origins; moot's "
            "own page always may.",
        ),
    ] = ()
    embedding_origins: Annotated[
        tuple[str, ...],
        _setting(
            _WEB, "Pages that may show moot in a frame, as exact origins; empty means none may."
        ),
    ] = ()
    trusted_proxies: Annotated[
        tuple[str, ...],
        _setting(
            _WEB,
            "Addresses or networks (CIDR) of proxies whose `X-Forwarded-For` and "
            "`X-Forwarded-Proto` are believed.",
        ),
    ] = ()
    drain_s: Annotated[
        float,
        _setting(
            _WEB,
            "How long a stopping process waits for requests and connections to end by themselves.",
            "seconds",
            ge=0,
            le=300,
        ),
    ] = 10.0

    # The store
    database_url: Annotated[
        Secret | None,
        _setting(
            _STORE,
            "Where meetings are kept: `postgresql://…` or `sqlite:///absolute/path`; unset, the "
            "file `moot.sqlite3` in the data folder.",
        ),
    ] = None
    database_pool: Annotated[
        int,
        _setting(
            _STORE,
            "The most PostgreSQL connections that one process opens.",
            "connections",
            ge=1,
            le=200,
        ),
    ] = 10
    bus_url: Annotated[
        Secret | None,
        _setting(
            _STORE,
            "A `redis://…` or `rediss://…` address that carries events between processes; unset,"
            " several processes on one database still agree, within a second.",
        ),
    ] = None

    # Media
    media: Annotated[
        Literal["builtin", "livekit", "fake"],
        _setting(
            _MEDIA,
            "The media engine: moot's own, a LiveKit deployment, or none at all (`fake`, for "
            "tests).",
        ),
    ] = "builtin"
    media_port: Annotated[
        int,
        _setting(
            _MEDIA,
            "The UDP and TCP port for sound and pictures; 0 takes any free one. Where the "
            "default is taken, moot takes the next free one and says so.",
            ge=0,
            le=65535,
        ),
    ] = 3001
    media_addresses: Annotated[
        tuple[str, ...],
        _setting(
            _MEDIA, "The addresses of this machine to serve media on; empty means all of them."
        ),
    ] = ()
    media_public_addresses: Annotated[
        tuple[str, ...],
        _setting(
            _MEDIA,
            "The addresses under which the internet reaches this machine, where a NAT stands "
            "before it.",
        ),
    ] = ()
    media_threads: Annotated[
        int,
        _setting(
            _MEDIA, "Threads that forward media; 0 means one per core.", "threads", ge=0, le=256
        ),
    ] = 0
    media_url: Annotated[
        str | None,
        _setting(
            _MEDIA,
            "Where browsers reach this very process, as `wss://…`, when several processes carry "
            "media with moot's own engine: best a path of its own under `public_url`. Unset, this "
            "process is the only one.",
        ),
    ] = None
    livekit_url: Annotated[
        str | None,
        _setting(_MEDIA, "The LiveKit deployment, as `wss://…`; needed when `media` is `livekit`."),
    ] = None
    livekit_api_key: Annotated[
        str | None, _setting(_MEDIA, "The API key of the LiveKit deployment.")
    ] = None
    livekit_api_secret: Annotated[
        Secret | None, _setting(_MEDIA, "The API secret of the LiveKit deployment.")
    ] = None

    # Meetings
    linger_s: Annotated[
        float,
        _setting(
            _MEETING,
            "How long a participant whose last connection is lost may stay away before others "
            "see them leave.",
            "seconds",
            ge=0,
            le=600,
        ),
    ] = 30.0
    reconnecting_after_s: Annotated[
        float,
        _setting(
            _MEETING,
            "How long after the loss of the last connection others see the participant as "
            "reconnecting.",
            "seconds",
            ge=0,
            le=3,
        ),
    ] = 1.0
    max_participants: Annotated[
        int,
        _setting(
            _MEETING, "The most persons present in one meeting at once.", "persons", ge=1, le=10_000
        ),
    ] = 250

    # Persons
    secret: Annotated[
        Secret | None,
        _setting(
            _PERSON,
            "The secret from which moot derives its signing keys, 32 characters or more and the "
            "same for every process; unset, one is made on the first start and kept in the data "
            "folder.",
        ),
    ] = None
    auth_secret: Annotated[
        Secret | None,
        _setting(
            _PERSON,
            "The HS256 key, 32 characters or more, with which an embedding program signs its "
            "bearer tokens.",
        ),
    ] = None
    oidc_issuer: Annotated[
        str | None,
        _setting(_PERSON, "The issuer whose bearer tokens say who a person is (the `iss` claim)."),
    ] = None
    oidc_audience: Annotated[
        str | None, _setting(_PERSON, "The audience those tokens must name (the `aud` claim).")
    ] = None
    oidc_jwks_url: Annotated[
        str | None,
        _setting(
            _PERSON,
            "Where the issuer publishes its keys; unset, it is asked for by OpenID Connect "
            "discovery.",
        ),
    ] = None

    # Limits
    rate_limits: Annotated[
        bool,
        _setting(
            _LIMIT,
            "Whether persons and addresses are held to a rate; `off` is for load tests only.",
        ),
    ] = True
    max_body_bytes: Annotated[
        int, _setting(_LIMIT, "The largest request body.", "bytes", ge=4096, le=16_777_216)
    ] = 65_536
    max_frame_bytes: Annotated[
        int,
        _setting(
            _LIMIT, "The largest WebSocket message from a browser.", "bytes", ge=1024, le=1_048_576
        ),
    ] = 16_384
    max_queue_bytes: Annotated[
        int,
        _setting(
            _LIMIT,
            "What may wait to be sent to one connection before it is cut off with the code that "
            "means resume.",
            "bytes",
            ge=16_384,
            le=16_777_216,
        ),
    ] = 1_048_576

    # Retention
    chat_retention_days: Annotated[
        float,
        _setting(
            _KEEP,
            "How long the chat of a run of a meeting is kept after that run ended.",
            "days",
            ge=0,
            le=3650,
        ),
    ] = 30.0
    event_retention_days: Annotated[
        float,
        _setting(
            _KEEP,
            "How long numbered events are kept for replay; a connection away for longer gets a "
            "snapshot.",
            "days",
            ge=0.05,
            le=365,
        ),
    ] = 2.0
    guest_retention_days: Annotated[
        float,
        _setting(
            _KEEP,
            "How long a guest who is never host and never comes back is remembered.",
            "days",
            ge=1,
            le=3650,
        ),
    ] = 365.0
    idempotency_retention_hours: Annotated[
        float,
        _setting(
            _KEEP, "How long the answer to an `Idempotency-Key` is kept.", "hours", ge=24, le=720
        ),
    ] = 24.0

    # Logs and metrics
    log_level: Annotated[
        Literal["debug", "info", "warning", "error"],
        _setting(_LOG, "The least important line that is logged."),
    ] = "info"
    log_format: Annotated[
        Literal["text", "json"], _setting(_LOG, "Lines for a person, or one JSON object a line.")
    ] = "text"
    metrics: Annotated[
        Literal["local", "open", "off"],
        _setting(_LOG, "Who may read `/metrics`: this machine only, everybody, or nobody."),
    ] = "local"

    # Which fields were given rather than defaulted: a port that somebody chose is never swapped
    # for another.
    given: frozenset[str] = frozenset()

    @property
    def sqlite_path(self) -> Path | None:
        """The SQLite file, or None when the store is PostgreSQL."""
        if self.database_url is None:
            return self.data / "moot.sqlite3"
        scheme, _, rest = self.database_url.reveal().partition(":")
        return Path("/" + rest.lstrip("/")) if scheme == "sqlite" else None


def default_data_folder(environ: Mapping[str, str]) -> Path:
    """Return the data folder of this person: `$XDG_DATA_HOME/moot`, else `~/.local/share/moot`."""
    base = environ.get("XDG_DATA_HOME", "")
    return (Path(base) if os.path.isabs(base) else Path.home() / ".local" / "share") / "moot"
