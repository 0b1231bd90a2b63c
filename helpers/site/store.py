"""The files of a table beside the pages: scripts, which a page may load even where it is opened without a server."""

import base64
import functools
import io
import json
import re

from PIL import Image

TILE = re.compile(r"data:image/png;base64,([A-Za-z0-9+/=]+)")
SMALL = 2_000  # letters of a tile that is left as it is: nothing would be saved


def as_script(name, table):
    """Return the script that hands a Table to the page: cnnTable("02-1", {…})."""
    return f"cnnTable({json.dumps(name)},{smaller(table.to_json())});\n"


def smaller(text):
    """Return a text with its PNG pictures as lossless WebP: the same pixels in fewer bytes."""
    return TILE.sub(lambda tile: _smaller_tile(tile[1]) if len(tile[1]) > SMALL else tile[0], text)


@functools.lru_cache(maxsize=1024)
def _smaller_tile(png):
    kind, data = smallest(base64.b64decode(png))
    return f"data:image/{kind};base64,{base64.b64encode(data).decode()}"


def smallest(png):
    """Return ("webp" or "png", bytes) of a PNG picture, whichever is smaller; the WebP is lossless."""
    store = io.BytesIO()
    Image.open(io.BytesIO(png)).save(store, "WEBP", lossless=True, quality=50, method=2)
    webp = store.getvalue()
    return ("webp", webp) if len(webp) < len(png) else ("png", png)
