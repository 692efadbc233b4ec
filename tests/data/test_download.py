from __future__ import annotations

import hashlib
import socket
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest

from sgl_rec.data.download import download
from sgl_rec.errors import UserError

BODY = bytes(range(256)) * 5000  # more than one block
SUM = hashlib.sha256(BODY).hexdigest()


def refuse(url: str, folder: Path, message: str, **limits: Any) -> None:
    with pytest.raises(UserError, match=message):
        download(url, folder / "file", **limits)
    assert list(folder.iterdir()) == []


def test_whole_file(server: Any, tmp_path: Path) -> None:
    server.files["/a"] = BODY
    assert download(f"{server.address}/a", tmp_path / "file", sha256=SUM, max_bytes=len(BODY)) == SUM
    assert (tmp_path / "file").read_bytes() == BODY


def test_wrong_sum(server: Any, tmp_path: Path) -> None:
    server.files["/a"] = BODY[:-1]
    refuse(f"{server.address}/a", tmp_path, f"sha256 must be {SUM}, got", sha256=SUM)


def test_truncated(server: Any, tmp_path: Path) -> None:
    def cut(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(BODY)))
        handler.end_headers()
        handler.wfile.write(BODY[:1000])

    server.files["/a"] = cut
    refuse(f"{server.address}/a", tmp_path, rf"{len(BODY)} bytes, got 1000; it was cut off")


def test_oversize_announced(server: Any, tmp_path: Path) -> None:
    server.files["/a"] = BODY
    refuse(f"{server.address}/a", tmp_path, rf"at most 1000 bytes, got {len(BODY)}", max_bytes=1000)


def test_oversize_without_announcement(server: Any, tmp_path: Path) -> None:
    def endless(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.end_headers()
        handler.wfile.write(BODY)

    server.files["/a"] = endless
    refuse(f"{server.address}/a", tmp_path, "at most 1000 bytes, got more", max_bytes=1000)


def test_not_found(server: Any, tmp_path: Path) -> None:
    refuse(f"{server.address}/a", tmp_path, "answered 404")


def test_refused(tmp_path: Path, server: Any) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        refuse(f"http://127.0.0.1:{unused.getsockname()[1]}/a", tmp_path, "could not be fetched.*refused")


def test_silent(tmp_path: Path, server: Any) -> None:
    with socket.socket() as mute:
        mute.bind(("127.0.0.1", 0))
        mute.listen()
        address = f"http://127.0.0.1:{mute.getsockname()[1]}/a"
        refuse(address, tmp_path, "could not be fetched.*timed out", timeout=0.2)


def test_no_http(server: Any, tmp_path: Path) -> None:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.wfile.write(b"220 ftp ready\r\n")

    server.files["/a"] = answer
    refuse(f"{server.address}/a", tmp_path, "could not be fetched")


def test_redirects_stay_on_the_web(server: Any, tmp_path: Path) -> None:
    def to(target: str) -> Any:
        def answer(handler: BaseHTTPRequestHandler) -> None:
            handler.send_response(302)
            handler.send_header("Location", target)
            handler.send_header("Content-Length", "0")
            handler.end_headers()

        return answer

    (tmp_path / "secret").write_text("x")
    server.files |= {"/a": BODY, "/b": to("/a"), "/c": to((tmp_path / "secret").as_uri()), "/d": to("/d")}
    (tmp_path / "out").mkdir()
    download(f"{server.address}/b", tmp_path / "b", sha256=SUM)
    refuse(f"{server.address}/c", tmp_path / "out", "answered 302")
    refuse(f"{server.address}/d", tmp_path / "out", "answered 302")


@pytest.mark.parametrize("url", ["file:///etc/hosts", "ftp://x/y", "x"])
def test_other_addresses(tmp_path: Path, url: str) -> None:
    refuse(url, tmp_path, "must be http")
