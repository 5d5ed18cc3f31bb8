"""Bars as SVG: the same rows give the same bytes, so that a plot can be kept and compared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

_COLOURS = ("#3d74e0", "#d0703a", "#4a9460", "#9a6bb8")
_STYLE = (
    "<style>text{fill:#1b1b1b}.paper{fill:#ffffff}"
    "@media(prefers-color-scheme:dark){text{fill:#e6e6e6}.paper{fill:#16181d}}</style>"
)
"""Legible on light and on dark pages: the bars' colours stand out from both."""
_BAR = 16
_LEFT = 300
_WIDE = 380
_WIDTH = _LEFT + _WIDE + 120
_FONT = 'font-family="sans-serif" font-size="12"'


@dataclass(frozen=True)
class Bars:
    """One group of bars of one unit: who measured what in one case."""

    title: str
    values: Sequence[tuple[str, float]]


def plot(title: str, groups: Sequence[Bars]) -> str:
    """Draw groups of horizontal bars; each group has a scale of its own, from zero."""
    names = list(dict.fromkeys(name for group in groups for name, _ in group.values))
    lines, y = [], 34
    for group in groups:
        lines.append(_text(10, y + 12, group.title, weight="bold"))
        y += 20
        longest = max((abs(value) for _, value in group.values), default=0.0) or 1.0
        for name, value in group.values:
            width = round(_WIDE * abs(value) / longest, 1)
            colour = _COLOURS[names.index(name) % len(_COLOURS)]
            lines.append(_text(_LEFT - 8, y + 12, name, anchor="end"))
            lines.append(
                f'<rect x="{_LEFT}" y="{y}" width="{width}" height="{_BAR - 3}" fill="{colour}"/>'
            )
            lines.append(_text(_LEFT + width + 6, y + 11, number(value)))
            y += _BAR
        y += 12
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {y}" width="{_WIDTH}" '
        f'height="{y}" role="img" aria-label="{escape(title)}">'
    )
    background = f'<rect class="paper" width="{_WIDTH}" height="{y}"/>'
    return "\n".join(
        [head, _STYLE, background, _text(10, 20, title, weight="bold"), *lines, "</svg>", ""]
    )


def _text(x: float, y: float, text: str, *, anchor: str = "start", weight: str = "normal") -> str:
    return (
        f'<text x="{x}" y="{y}" {_FONT} text-anchor="{anchor}" font-weight="{weight}">'
        f"{escape(text)}</text>"
    )


def number(value: float | None) -> str:
    """Write a figure as people read it: three or four digits that matter."""
    if value is None:
        return ""
    if value == round(value) or abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.3g}"
