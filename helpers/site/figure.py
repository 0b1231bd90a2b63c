"""The HTML of a live figure: controls, the picture of the start, and a line that says which state is shown."""

import html
import json

from helpers.drawing import svg

from .store import smaller


def live_figure(key, table, command):
    """Return the figure of a Table whose script lies in `_tables/{key}.js`; without JavaScript it shows the start.

    `command` starts the notebook of the page, where the widget has every state.
    """
    start, first = dict(zip(table.names, table.states[0][0], strict=True)), table.picture(0)
    controls = "".join(_control(f"{key}-{name}", name, table.labels[name], options, start[name])
                       for name, options in table.options.items())  # fmt: skip
    width = f"{svg.size(first)[0]:g}px"
    return (
        f'<figure class="cnn-course cnn-live" data-table="{key}">'
        f'<form class="cnn-controls" hidden>{controls}</form>'
        f'<div class="cnn-frame"><div class="cnn-stage"><div class="cnn-view" style="--width:{width}">'
        f"{smaller(first, photos=table.photos)}</div></div></div>"
        '<figcaption><span class="cnn-upright">Held sideways, a phone shows the whole picture. </span>'
        f'<span class="cnn-nearest" role="status"></span> PyTorch has computed {len(table.states)} states '
        f"of this picture in advance. {table.note} For any other, run the notebook: <code>{html.escape(command)}</code>"
        "</figcaption>"
        "</figure>"
    )


def _control(name_id, name, label, options, now):
    """One control: a box to tick, buttons for words, or a slider over the places of numbers in their list."""
    label = html.escape(label)
    if all(isinstance(option, bool) for option in options):
        ticked = " checked" if now else ""
        return f'<label class="cnn-tick"><input type="checkbox" data-name="{name}"{ticked}> {label}</label>'
    values = html.escape(json.dumps(options, ensure_ascii=False))
    if all(isinstance(option, str) for option in options):
        return _buttons(name_id, name, label, options, now)
    place = options.index(now)
    return (
        f'<label class="cnn-slider"><span>{label}</span><input type="range" min="0" max="{len(options) - 1}" '
        f'value="{place}" data-name="{name}" data-values="{values}" aria-valuetext="{_said(now)}">'
        f"<output>{_said(now)}</output></label>"
    )


def _said(value):
    """A number, or a range of numbers, in words."""
    return " to ".join(map(svg.number, value)) if isinstance(value, list) else svg.number(value)


def _buttons(name_id, name, label, options, now):
    parts = [
        f'<label><input type="radio" name="{html.escape(name_id)}" data-name="{name}" value="{html.escape(option)}"'
        f"{' checked' if option == now else ''}><span>{html.escape(option)}</span></label>"
        for option in options
    ]
    return f'<fieldset class="cnn-buttons"><legend>{label}</legend>{"".join(parts)}</fieldset>'
