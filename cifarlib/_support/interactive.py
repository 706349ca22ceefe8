"""Sliders and menus beside what they change; a still view where nobody can move them."""

from __future__ import annotations

import os
from base64 import b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any

from cifarlib.errors import CourseError

if TYPE_CHECKING:
    from ipywidgets import Widget


def can_be_moved() -> bool:
    """Say whether widgets may be shown: not in a headless run, nor without ipywidgets."""
    if os.environ.get("CIFARLIB_QUIET") == "1":
        return False
    try:
        import ipywidgets  # noqa: F401
    except ImportError:
        return False
    return True


def look(width: int) -> dict[str, Any]:
    """Return the arguments of a widget that make it this wide, in letters, with room for a name."""
    return {"style": {"description_width": "11em"}, "layout": {"width": f"{width}em"}}


@dataclass(frozen=True)
class Explorer:
    """Controls and the view they change.

    It shows itself as a widget where a front end can draw one, and as the view elsewhere.

    Attributes:
        controls: the sliders and menus, by the name of the setting.
        draw: takes the settings; returns a table or figure, or raises a CourseError that is shown.
        bundle: turns that into data and metadata by MIME type, as IPython wants them.
        view: the widget that holds the view as HTML.
        box: the widget around all of them.
    """

    controls: Mapping[str, Widget]
    draw: Callable[..., Any]
    bundle: Callable[[Any], tuple[dict, dict]]
    view: Widget
    box: Widget

    def shown(self) -> Any:
        """Return the table or figure for the controls as they stand.

        Raises:
            CourseError: the settings do not go together.
        """
        return self.draw(**{name: control.value for name, control in self.controls.items()})

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> tuple:
        still, metadata = self._still()
        return self.box._repr_mimebundle_() | still, metadata

    def _still(self) -> tuple[dict, dict]:
        try:
            return self.bundle(self.shown())
        except CourseError as error:
            return {"text/plain": str(error), "text/html": f"<p>{escape(str(error))}</p>"}, {}

    def redraw(self, change: object = None) -> None:
        """Put the view for the controls as they stand into its widget."""
        data, _ = self._still()
        picture = b64encode(data.get("image/png", b"")).decode()
        image = f'<img alt="{escape(data["text/plain"])}" src="data:image/png;base64,{picture}">'
        self.view.value = data.get("text/html", image)


def explorer(
    controls: Mapping[str, Widget],
    draw: Callable[..., Any],
    bundle: Callable[[Any], tuple[dict, dict]],
) -> Explorer:
    """Return controls beside a view that is drawn anew when one of them changes: an `Explorer`."""
    import ipywidgets

    view = ipywidgets.HTML()
    box = ipywidgets.HBox(
        [ipywidgets.VBox(list(controls.values())), view], layout={"flex_flow": "row wrap"}
    )
    made = Explorer(controls, draw, bundle, view, box)
    for control in controls.values():
        control.observe(made.redraw, names="value")
    made.redraw()
    return made
