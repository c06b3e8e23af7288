"""The chart of docs/images/cost-per-million.svg: a bar for each pipeline, a part of it for each service."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape

from tests.benchmarks.cost import SERVICES, Bill

NAME = "cost-per-million"
_COLOURS = ("#4e79a7", "#f28e2b", "#e15759", "#b07aa1", "#59a14f", "#76b7b2", "#edc948", "#9c755f")
_WIDTH, _LEFT, _BAR, _GAP = 860, 170, 34, 22
_SPACE = _WIDTH - _LEFT - 90  # for the longest bar; its sum stands to the right
_TOP = 50
_FONT = 'font-family="sans-serif" font-size="13"'


def cost_chart(bills: Sequence[Bill], caption: str) -> str:
    """Return the SVG; the same bills give the same text."""
    most = max((each.usd for each in bills), default=0) or 1
    height = _TOP + len(bills) * (_BAR + _GAP) + 60
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" {_FONT}>',
        f'<rect width="{_WIDTH}" height="{height}" fill="#ffffff"/>',
        '<text x="10" y="24" font-size="16">US dollars per million interactions</text>',
    ]
    for number, each in enumerate(bills):
        parts += _bar(each, _TOP + number * (_BAR + _GAP), _SPACE / most)
    parts += _legend(bills, height - 40)
    parts.append(f'<text x="10" y="{height - 10}" fill="#555555" font-size="11">{escape(caption)}</text>')
    return "\n".join([*parts, "</svg>"]) + "\n"


def _bar(each: Bill, y: int, scale: float) -> Iterator[str]:
    yield f'<text x="10" y="{y + 22}">{escape(each.label)}</text>'
    x = float(_LEFT)
    for service, usd in each.by_service().items():
        width = usd * scale
        title = f"<title>{escape(service)}: {usd:.2f}</title>"
        fill = _colour(service)
        yield f'<rect x="{x:.1f}" y="{y}" width="{width:.1f}" height="{_BAR}" fill="{fill}">{title}</rect>'
        x += width
    yield f'<text x="{x + 6:.1f}" y="{y + 22}">{each.usd:.2f}</text>'


def _legend(bills: Sequence[Bill], y: int) -> Iterator[str]:
    used = [name for name in SERVICES.values() if any(name in each.by_service() for each in bills)]
    for number, service in enumerate(used):
        x = 10 + number * 105
        yield f'<rect x="{x}" y="{y}" width="11" height="11" fill="{_colour(service)}"/>'
        yield f'<text x="{x + 15}" y="{y + 10}" font-size="11">{escape(service)}</text>'


def _colour(service: str) -> str:
    return _COLOURS[list(SERVICES.values()).index(service)]
