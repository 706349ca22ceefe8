"""Learning curves as small drawings for a page: SVG, without a script or a picture file."""

from __future__ import annotations

import math
from typing import Any

from markupsafe import Markup, escape

WIDTH, HEIGHT = 230, 130
LEFT, RIGHT, TOP, BOTTOM = 42, 8, 20, 24  # margins for the labels


def curves(row: dict[str, Any]) -> list[Markup]:
    """Return one drawing for each metric that a result's training followed; [] without any."""
    history = (row.get("training") or {}).get("history") or {}
    names = dict.fromkeys(name.removeprefix("val_") for name in history)
    drawings = []
    for name in names:
        series = {
            kind: values
            for kind, key in (("training", name), ("validation", f"val_{name}"))
            if (values := [v for v in history.get(key, []) if _is_number(v)])
        }
        if series:
            drawings.append(_drawing(name.replace("_", " "), series, _title(row)))
    return drawings


def _title(row: dict[str, Any]) -> str:
    parts = [str(row["id"]), str(row.get("variant", "")), f"seed {row.get('seed', '?')}"]
    return ", ".join(part for part in parts if part)


def _drawing(name: str, series: dict[str, list[float]], title: str) -> Markup:
    values = [v for line in series.values() for v in line]
    low, high = min(values), max(values)
    if low == high:
        low, high = low - 0.5, high + 0.5
    epochs = max(len(line) for line in series.values())

    def place(number: int, value: float) -> tuple[float, float]:
        x = (number - 1) / (epochs - 1) if epochs > 1 else 0.5
        y = (value - low) / (high - low)
        return (
            round(LEFT + x * (WIDTH - LEFT - RIGHT), 1),
            round(HEIGHT - BOTTOM - y * (HEIGHT - TOP - BOTTOM), 1),
        )

    ends = "; ".join(f"{kind} ends at {line[-1]:.3f}" for kind, line in series.items())
    text = f"{title}: {name} over {epochs} epoch{'s' * (epochs > 1)}. {ends}."
    bottom, right = HEIGHT - BOTTOM, WIDTH - RIGHT
    parts = [
        f'<svg role="img" viewBox="0 0 {WIDTH} {HEIGHT}" aria-label="{escape(text)}">',
        f'<path class="axis" d="M{LEFT} {TOP}V{bottom}H{right}"/>',
        f'<text x="{LEFT}" y="12">{escape(name)}</text>',
        f'<text x="{LEFT - 4}" y="{TOP + 8}" text-anchor="end">{high:.3g}</text>',
        f'<text x="{LEFT - 4}" y="{bottom}" text-anchor="end">{low:.3g}</text>',
        f'<text x="{right}" y="{HEIGHT - 8}" text-anchor="end">epoch {epochs}</text>',
    ]
    for kind, line in series.items():
        points = [place(number, value) for number, value in enumerate(line, start=1)]
        d = " ".join(f"{x},{y}" for x, y in points)
        parts.append(f'<polyline class="{kind}" points="{d}"/>')
        if epochs < 12:
            parts += [f'<circle class="{kind}" cx="{x}" cy="{y}" r="2.5"/>' for x, y in points]
    return Markup("".join([*parts, "</svg>"]))


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and math.isfinite(value)
