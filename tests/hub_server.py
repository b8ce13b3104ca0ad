"""A loopback server that speaks as much of the Hugging Face Hub's protocol as loading data sets and models needs."""

from __future__ import annotations

import hashlib
import json
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import unquote, urlsplit

from adapterstilts.runs.memory import FOLDER

S = TypeVar("S", bound=ThreadingHTTPServer)


class HubServer(ThreadingHTTPServer):
    """Serves folders as repositories.

    Args:
        repositories: `datasets/OWNER/NAME` or `OWNER/NAME` to (commit, folder).
    """

    def __init__(self, repositories: dict[str, tuple[str, Path]], handler: type[Handler]) -> None:
        super().__init__(("127.0.0.1", 0), handler)
        self.repositories = repositories
        self.requests: list[str] = []

    @property
    def url(self) -> str:
        """The endpoint to use instead of the Hub's."""
        return f"http://127.0.0.1:{self.server_address[1]}"


def hub_environment(url: str | None, folder: Path) -> dict[str, str]:
    """The environment of a process whose Hub is at this address, or out of reach where that is None.

    Both caches are in the folder: commits of these repositories are no hashes of what they contain, so that what one
    process learned of a commit is wrong for the next one's.
    """
    hub = {"HF_HUB_OFFLINE": "1"} if url is None else {"HF_ENDPOINT": url, "HF_HUB_OFFLINE": "0"}
    return {
        **os.environ,
        **hub,
        "HF_HOME": str(folder / "hf"),
        "HF_HUB_DISABLE_XET": "1",
        FOLDER: str(folder / "facts"),
    }


@contextmanager
def serve(repositories: dict[str, tuple[str, Path]]) -> Iterator[HubServer]:
    with running(HubServer(repositories, Handler)) as server:
        yield server


@contextmanager
def running(server: S) -> Iterator[S]:
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class Handler(BaseHTTPRequestHandler):
    server: HubServer
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_HEAD(self) -> None:
        self._serve()

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def do_PUT(self) -> None:
        self._serve()

    def _serve(self) -> None:
        self._answer(self.rfile.read(int(self.headers.get("Content-Length") or 0)))

    def log_message(self, *args: Any) -> None:
        pass

    def _answer(self, body: bytes) -> None:
        path = unquote(urlsplit(self.path).path).lstrip("/")
        self.server.requests.append(f"{self.command} {path}")
        api = path.startswith("api/")
        path = path.removeprefix("api/").removeprefix("models/") if api else path
        for name, (commit, folder) in self.server.repositories.items():
            if path == name or path.startswith(f"{name}/"):
                verb, _, rest = path[len(name) + 1 :].partition("/")
                revision, _, inside = rest.partition("/")
                if revision not in (commit, "main", ""):
                    return self._send(404, b"{}", {"X-Error-Code": "RevisionNotFound"})
                if api:
                    return self._send_api(verb, inside, commit, folder, body)
                return self._send_file(folder / inside, commit)
        return self._send(404, b"{}", {"X-Error-Code": "RepoNotFound"})

    def _send_api(self, verb: str, inside: str, commit: str, folder: Path, body: bytes) -> None:
        files = sorted(path for path in folder.rglob("*") if path.is_file())
        if verb in ("", "revision"):
            siblings = [{"rfilename": path.relative_to(folder).as_posix()} for path in files]
            return self._send_json({"id": folder.name, "sha": commit, "siblings": siblings, "tags": []})
        if verb == "paths-info":
            wanted = json.loads(body)["paths"]
            return self._send_json([self._entry(folder / path, folder) for path in wanted if (folder / path).exists()])
        below = folder / inside
        if not below.is_dir():
            return self._send(404, b"{}", {"X-Error-Code": "EntryNotFound"})
        return self._send_json([self._entry(path, folder) for path in sorted(below.rglob("*"))])

    def _entry(self, path: Path, folder: Path) -> dict[str, Any]:
        entry: dict[str, Any] = {"path": path.relative_to(folder).as_posix()}
        if path.is_dir():
            return {**entry, "type": "directory", "oid": "0" * 40, "size": 0}
        data = path.read_bytes()
        return {**entry, "type": "file", "oid": hashlib.sha1(data).hexdigest(), "size": len(data)}

    def _send_file(self, path: Path, commit: str) -> None:
        if not path.is_file():
            return self._send(404, b"", {"X-Error-Code": "EntryNotFound"})
        data = path.read_bytes()
        return self._send(200, data, {"ETag": f'"{hashlib.sha1(data).hexdigest()}"', "X-Repo-Commit": commit})

    def _send_json(self, value: Any) -> None:
        self._send(200, json.dumps(value).encode(), {"Content-Type": "application/json"})

    def _send(self, status: int, data: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)
