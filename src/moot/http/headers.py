"""Headers that every answer carries, and those of the page: what a browser may do with them."""

from __future__ import annotations

from collections.abc import Sequence

Headers = tuple[tuple[bytes, bytes], ...]

EVERYWHERE: Headers = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
)

API: Headers = (
    *EVERYWHERE,
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"cross-origin-resource-policy", b"same-origin"),
)

DOCS: Headers = (
    *EVERYWHERE,
    (
        b"content-security-policy",
        (
            b"default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; "
            b"frame-ancestors 'none'; require-trusted-types-for 'script'; webrtc 'block'"
        ),
    ),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), microphone=(), display-capture=(), geolocation=()"),
)

_FEATURES_OFF = (
    "accelerometer",
    "geolocation",
    "gyroscope",
    "hid",
    "magnetometer",
    "midi",
    "payment",
    "publickey-credentials-get",
    "serial",
    "usb",
    "xr-spatial-tracking",
)
_FEATURES_OWN = (
    "autoplay",
    "camera",
    "display-capture",
    "fullscreen",
    "microphone",
    "picture-in-picture",
    "screen-wake-lock",
    "speaker-selection",
)


def page_headers(connects: Sequence[str], embedders: Sequence[str]) -> Headers:
    """Make the headers of the page's document.

    `'wasm-unsafe-eval'` lets WebAssembly compile (blur and noise run in it) and nothing else;
    workers come from our own files only.

    Args:
        connects: origins the page opens WebSockets or requests to beside its own.
        embedders: origins that may show the page in a frame; where there are some, the page may
            also use camera and microphone there.
    """
    frames = " ".join(embedders) or "'none'"
    policy = "; ".join(
        (
            "default-src 'none'",
            "script-src 'self' 'wasm-unsafe-eval'",
            "style-src 'self'",
            "img-src 'self' blob:",
            "font-src 'self'",
            " ".join(("connect-src 'self'", *connects)),
            "media-src 'self' blob:",
            "worker-src 'self'",
            "manifest-src 'self'",
            f"frame-ancestors {frames}",
            "base-uri 'none'",
            "form-action 'self'",
            "require-trusted-types-for 'script'",
        )
    )
    features = ", ".join(
        [f"{name}=(self)" for name in _FEATURES_OWN] + [f"{name}=()" for name in _FEATURES_OFF]
    )
    return (
        *EVERYWHERE,
        (b"content-security-policy", policy.encode("latin-1")),
        (b"permissions-policy", features.encode()),
    )
