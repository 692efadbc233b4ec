"""One file over HTTP, whole and as it should be, or not at all."""

from __future__ import annotations

import hashlib
import http.client
import logging
import urllib.error
import urllib.request
from pathlib import Path

from sgl_rec.errors import UserError, must_be

logger = logging.getLogger("sgl_rec")

BLOCK = 1 << 20


def download(
    url: str, path: Path, *, sha256: str | None = None, max_bytes: int = 1 << 30, timeout: float = 20.0
) -> str:
    """Fetch ``url`` (http or https, redirects followed to those alone) into ``path``; returns its sha256.

    Args:
        sha256: what the bytes must hash to; None where it is not known.
        max_bytes: a longer answer is given up.
        timeout: seconds without an answer, or without a further byte.

    Raises: UserError when the address cannot be reached or refuses, the answer ends early, is too long or has
        another checksum. ``path`` is not there afterwards.
    """
    if not url.startswith(("http://", "https://")):
        raise must_be("download", "address", "http:// or https://", url)
    logger.info("fetching %s", url)
    try:
        digest = _copy(url, path, max_bytes=max_bytes, timeout=timeout)
        if sha256 and digest != sha256:
            raise must_be(url, "sha256", sha256, digest, "the file is damaged or another version")
        return digest
    except urllib.error.HTTPError as error:
        path.unlink(missing_ok=True)
        raise UserError(f"{url}: the server answered {error.code} {error.reason}") from error
    except (OSError, http.client.HTTPException, ValueError) as error:
        path.unlink(missing_ok=True)
        if isinstance(error, UserError):
            raise
        reason = getattr(error, "reason", None) or error or type(error).__name__
        raise UserError(f"{url}: could not be fetched ({reason})") from error


def _opener() -> urllib.request.OpenerDirector:
    """Only http and https, also behind a redirect (``build_opener`` would add ftp: and file:)."""
    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler,
        urllib.request.HTTPHandler,
        urllib.request.HTTPSHandler,
        urllib.request.HTTPDefaultErrorHandler,
        urllib.request.HTTPErrorProcessor,
        urllib.request.HTTPRedirectHandler,
        urllib.request.UnknownHandler,
    ):
        opener.add_handler(handler())
    return opener


def _copy(url: str, path: Path, *, max_bytes: int, timeout: float) -> str:
    request = urllib.request.Request(url, headers={"User-Agent": "sgl-rec", "Accept-Encoding": "identity"})
    digest, received = hashlib.sha256(), 0
    with _opener().open(request, timeout=timeout) as answer, path.open("wb") as stream:
        announced = answer.headers.get("Content-Length")
        expected = int(announced) if announced and announced.isdigit() else None
        if expected is not None and expected > max_bytes:
            raise must_be(url, "the file", f"at most {max_bytes} bytes", expected)
        while block := answer.read(BLOCK):
            received += len(block)
            if received > max_bytes:
                raise must_be(url, "the file", f"at most {max_bytes} bytes", "more")
            digest.update(block)
            stream.write(block)
    if expected is not None and received != expected:
        raise must_be(url, "the answer", f"{expected} bytes", received, "it was cut off; try again")
    return digest.hexdigest()
