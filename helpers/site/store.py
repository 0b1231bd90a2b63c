"""The files of a table beside the pages: scripts, which a page may load even where it is opened without a server."""

import base64
import functools
import io
import json
import re

from PIL import Image

TILE = re.compile(r"data:image/png;base64,([A-Za-z0-9+/=]+)")
PHOTO = 92  # quality of a WebP picture of which some detail may go: a fifth of the bytes


def as_script(name, table):
    """Return the script that hands a Table to the page: cnnTable("02-1", {…})."""
    return f"cnnTable({json.dumps(name)},{smaller(table.to_json(), photos=table.photos)});\n"


def smaller(text, *, photos=False):
    """Return a text with its PNG pictures as WebP: the same pixels, with `photos` nearly the same, in fewer bytes."""
    return TILE.sub(lambda tile: _smaller_tile(tile[1], photos), text)


@functools.lru_cache(maxsize=1024)
def _smaller_tile(png, photos):
    kind, data = smallest(base64.b64decode(png), photos=photos)
    return f"data:image/{kind};base64,{base64.b64encode(data).decode()}"


def smallest(png, *, photos=False):
    """Return ("webp" or "png", bytes) of a PNG picture, whichever is smaller; the WebP is lossless but for `photos`."""
    store, image = io.BytesIO(), Image.open(io.BytesIO(png))
    if photos:
        clear = "A" in image.getbands() or "transparency" in image.info
        image.convert("RGBA" if clear else "RGB").save(store, "WEBP", quality=PHOTO, method=4)
    else:
        image.save(store, "WEBP", lossless=True, quality=50, method=2)
    webp = store.getvalue()
    return ("webp", webp) if len(webp) < len(png) else ("png", png)
