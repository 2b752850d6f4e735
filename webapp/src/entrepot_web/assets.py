"""The files that browsers load: bundled, hashed, compressed, immutable."""

from __future__ import annotations

import gzip
import hashlib
import mimetypes
import re
from functools import cached_property
from pathlib import Path

from flask import Blueprint, Flask, Response, abort, request

STATIC = Path(__file__).parent / "static"
BUNDLES = {"app.css": "css/*.css"}
_TEXT = {".css", ".js", ".svg", ".txt"}
_FOREVER = "public, max-age=31536000, immutable"
_COMMENT = re.compile(rb"/\*.*?\*/\s*", re.DOTALL)


class Asset:
    """One file as it is served.

    Args:
        name: Its path under ``/static/``.
        content: Its bytes.
    """

    def __init__(self, name: str, content: bytes) -> None:
        self.name = name
        self.content = content
        self.digest = hashlib.sha256(content).hexdigest()[:10]
        self.mime = mimetypes.guess_type(name)[0] or "application/octet-stream"

    @cached_property
    def packed(self) -> bytes | None:
        """The gzip form, made at first use; None for what is compressed already."""
        if Path(self.name).suffix not in _TEXT:
            return None
        return gzip.compress(self.content, 9, mtime=0)


class Assets:
    """All files under ``static/``, with the style sheets joined into one.

    Args:
        folder: Where they lie.
    """

    def __init__(self, folder: Path = STATIC) -> None:
        self._folder = folder
        self._known: dict[str, Asset] = {}
        for path in sorted(folder.rglob("*")):
            name = path.relative_to(folder).as_posix()
            if path.is_file() and not name.startswith("css/"):
                self._known[name] = Asset(name, path.read_bytes())
        for name, pattern in BUNDLES.items():
            joined = b"".join(
                part.read_bytes() for part in sorted(folder.glob(pattern))
            )
            self._known[name] = Asset(name, _COMMENT.sub(b"", joined))

    def find(self, name: str) -> Asset | None:
        """Return a file by its name, or None."""
        return self._known.get(name)

    def url(self, name: str) -> str:
        """Return the address under which a file may be cached for ever.

        Raises:
            KeyError: There is no such file; a template names one that isn't there.
        """
        return f"/static/{name}?v={self._known[name].digest}"

    def icon_names(self) -> frozenset[str]:
        """Return the names that `icon` may use."""
        sprite = self._known["vendor/icons.svg"].content.decode()
        return frozenset(re.findall(r'<symbol id="([^"]+)"', sprite))


def install_assets(app: Flask) -> Assets:
    """Serve the files of this package under ``/static/``."""
    assets = Assets()
    routes = Blueprint("assets", __name__)

    @routes.get("/static/<path:name>")
    def static_file(name: str) -> Response:
        found = assets.find(name)
        if found is None:
            abort(404)
        return _respond(found)

    app.register_blueprint(routes)
    app.jinja_env.globals["asset"] = assets.url
    return assets


def _respond(asset: Asset) -> Response:
    packed = (
        asset.packed if "gzip" in request.headers.get("Accept-Encoding", "") else None
    )
    answer = Response(packed or asset.content, mimetype=asset.mime)
    if packed is not None:
        answer.headers["Content-Encoding"] = "gzip"
    if asset.packed is not None:
        answer.headers["Vary"] = "Accept-Encoding"
    fixed = request.args.get("v") == asset.digest or asset.name.endswith(".woff2")
    answer.headers["Cache-Control"] = _FOREVER if fixed else "public, max-age=300"
    answer.set_etag(asset.digest)
    answer.make_conditional(request)
    return answer
