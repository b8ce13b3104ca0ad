"""A loopback Hub that can be written to: repositories, branches, LFS, commits, pull requests, tokens, and faults."""

from __future__ import annotations

import json
import re
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any
from urllib.parse import parse_qs, quote, unquote, urlsplit

from tests.hub_repositories import LFS, RefusalError, Repository
from tests.hub_server import Handler, HubServer


@dataclass
class Fault:
    """What goes wrong with some of the requests.

    Attributes:
        pattern: Of `METHOD /PATH?QUERY`, anywhere in it.
        skip: Requests that match and are served before.
        times: Requests that it strikes.
        status: Answered in place of what was asked for, with `message`.
        drop: Where the connection is cut: in the `request`, before the `answer`, or in the `body` of the answer.
        seconds: To wait before the answer.
        meanwhile: What happens at the same time.
    """

    pattern: str
    skip: int = 0
    times: int = 1
    status: int = 0
    message: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    drop: str = ""
    seconds: float = 0.0
    meanwhile: Callable[[], object] = lambda: None

    def strikes(self, request: str) -> bool:
        if not re.search(self.pattern, request) or self.times == 0:
            return False
        if self.skip > 0:
            self.skip -= 1
            return False
        self.times -= 1
        self.meanwhile()
        return True


@dataclass(frozen=True)
class Asked:
    line: str
    headers: dict[str, str]


class WritableHub(HubServer):
    """Repositories in memory, beside the folders that it serves as others.

    Args:
        users: Token to name; a user writes to repositories `NAME/...`.
    """

    def __init__(self, users: dict[str, str]) -> None:
        super().__init__({}, WritableHandler)
        self.users = users
        self.own: dict[str, Repository] = {}
        self.objects: dict[str, bytes] = {}
        self.faults: list[Fault] = []
        self.asked: list[Asked] = []
        self.page = 1_000
        self.listings: dict[str, list[Any]] = {}
        self.lock = threading.RLock()

    def lines(self, pattern: str) -> list[str]:
        """The requests that match."""
        return [one.line for one in self.asked if re.search(pattern, one.line)]

    def add(self, name: str, *, private: bool = False) -> Repository:
        self.own[name] = Repository(name, private)
        return self.own[name]

    def handle_error(self, request: Any, client_address: Any) -> None:
        pass


class WritableHandler(Handler):
    server: WritableHub
    fault: Fault | None = None

    def _serve(self) -> None:
        line = f"{self.command} {self.path}"
        with self.server.lock:
            self.server.asked.append(Asked(line, dict(self.headers)))
            self.fault = next((fault for fault in self.server.faults if fault.strikes(line)), None)
        fault = self.fault or Fault("")
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length // 2 if fault.drop == "request" else length)
        if fault.drop == "request":
            return self._cut()
        if fault.seconds:
            time.sleep(fault.seconds)
        try:
            if fault.status:
                raise RefusalError(fault.status, "", fault.message or f"scripted {fault.status}")
            with self.server.lock:
                answer = self._routed(body)
            return None if answer is None else self._send_json(answer)
        except RefusalError as refusal:
            headers = {**fault.headers, "X-Error-Code": refusal.code, "X-Error-Message": refusal.message}
            return self._send(refusal.status, json.dumps({"error": refusal.message}).encode(), headers)

    def _cut(self) -> None:
        self.close_connection = True
        self.connection.shutdown(socket.SHUT_RDWR)

    def _send(self, status: int, data: bytes, headers: dict[str, str]) -> None:
        drop = self.fault.drop if self.fault else ""
        if drop == "answer":
            return self._cut()
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if "Content-Length" not in headers:
            self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data[: len(data) // 2] if drop == "body" else data)
        return self._cut() if drop == "body" else None

    def _routed(self, body: bytes) -> Any:
        """The answer as JSON, or None where it is sent already."""
        split = urlsplit(self.path)
        parts = [unquote(part) for part in split.path.strip("/").split("/")]
        query = parse_qs(split.query)
        if any(f"/{name}/" in f"{unquote(split.path)}/" for name in self.server.repositories):
            return self._answer(body)
        match parts:
            case ["_lfs", oid] if self.command == "PUT":
                return self._store(oid, body)
            case ["_cdn", oid]:
                return self._send_range(self.server.objects[oid], {})
            case ["api", "whoami-v2"]:
                return {"type": "user", "name": self._user(needed=True)}
            case ["api", "validate-yaml"]:
                return {"errors": [], "warnings": []}
            case ["api", "repos", "create"]:
                return self._create(json.loads(body))
            case ["api", "models"]:
                return self._found(query)
            case ["api", "models", owner, name, *rest]:
                return self._model(f"{owner}/{name}", rest, query, body)
            case [owner, name, "info", "lfs", *rest]:
                return self._lfs(f"{owner}/{name.removesuffix('.git')}", rest, json.loads(body))
            case [owner, name, "resolve", revision, *path]:
                return self._resolved(f"{owner}/{name}", revision, "/".join(path))
        raise RefusalError(404, "", "no such route")

    def _user(self, *, needed: bool = False) -> str | None:
        token = (self.headers.get("Authorization") or "").removeprefix("Bearer ")
        if token and token not in self.server.users:
            raise RefusalError(401, "", "Invalid credentials in Authorization header")
        if needed and not token:
            raise RefusalError(401, "", "Invalid username or password.")
        return self.server.users.get(token)

    def _repository(self, name: str, *, write: bool = False) -> Repository:
        user = self._user()
        repository = self.server.own.get(name)
        if repository is None or (repository.private and user != name.split("/")[0]):
            raise RefusalError(404 if user else 401, "RepoNotFound", "Repository not found")
        if write and self._user(needed=True) != name.split("/")[0]:
            raise RefusalError(403, "", f"{user} has no right to write to {name}")
        return repository

    def _create(self, wanted: dict[str, Any]) -> dict[str, str] | None:
        user = self._user(needed=True)
        owner = wanted.get("organization") or user
        name = f"{owner}/{wanted['name']}"
        if owner != user:
            raise RefusalError(403, "", f"{user} has no right to create models under {owner}")
        answer = {"url": f"{self.server.url}/{name}"}
        if name in self.server.own:
            return self._send(409, json.dumps(answer).encode(), {})
        self.server.add(name, private=bool(wanted.get("private")))
        return answer

    def _found(self, query: dict[str, list[str]]) -> list[dict[str, Any]]:
        user = self._user()
        found = []
        for name, repository in self.server.own.items():
            info = repository.info()
            seen = not repository.private or name.split("/")[0] == user
            if seen and set(query.get("filter", [])) <= set(info["tags"]):
                found.append(info)
        found.sort(key=lambda info: -info["downloads"])
        return found[: int(query.get("limit", ["1000"])[0])]

    def _model(self, name: str, rest: list[str], query: dict[str, list[str]], body: bytes) -> Any:
        pull = "create_pr" in query
        repository = self._repository(name, write=self.command == "POST" and not pull)
        match rest:
            case []:
                return repository.info()
            case ["revision", revision]:
                return repository.info(revision)
            case ["refs"]:
                branches = [{"name": one, "ref": f"refs/heads/{one}", "targetCommit": commit}
                            for one, commit in repository.branches.items()]  # fmt: skip
                return {"branches": branches, "converts": [], "tags": []}
            case ["tree", revision]:
                return self._tree(repository, revision, int(query.get("cursor", ["0"])[0]))
            case ["preupload", revision]:
                return self._preupload(repository, revision, json.loads(body))
            case ["branch", branch]:
                repository.branch(branch, json.loads(body).get("startingPoint", "main"))
                return {}
            case ["commit", revision]:
                lines = [json.loads(line) for line in body.splitlines()]
                commit = repository.apply(lines, revision, pull, self.server.objects)
                answer = {
                    "success": True,
                    "commitOid": commit,
                    "commitUrl": f"{self.server.url}/{name}/commit/{commit}",
                }
                return answer | {"pullRequestUrl": f"{self.server.url}/{name}/discussions/{len(repository.pulls)}"}
        raise RefusalError(404, "", "no such route")

    def _tree(self, repository: Repository, revision: str, start: int) -> Any:
        tree = repository.commits[repository.commit_of(revision)]
        folders = {"/".join(path.split("/")[:-1]) for path in tree} - {""}
        entries: list[Any] = [{"type": "directory", "path": path, "oid": "0" * 40, "size": 0} for path in folders]
        entries += [blob.entry(path) for path, blob in sorted(tree.items())]
        entries = self.server.listings.get(repository.name, entries)
        end = start + self.server.page
        if end >= len(entries):
            return entries[start:]
        link = f'<{self.server.url}{urlsplit(self.path).path}?recursive=True&cursor={end}>; rel="next"'
        return self._send(200, json.dumps(entries[start:end]).encode(), {"Link": link})

    def _preupload(self, repository: Repository, revision: str, asked: dict[str, Any]) -> dict[str, Any]:
        tree = repository.commits[repository.commit_of(revision)]
        return {
            "files": [
                {"path": file["path"], "uploadMode": "lfs" if file["path"].endswith(LFS) else "regular",
                 "shouldIgnore": False}
                | ({"oid": tree[file["path"]].oid} if file["path"] in tree else {})
                for file in asked["files"]
            ]
        }  # fmt: skip

    def _lfs(self, name: str, rest: list[str], asked: dict[str, Any]) -> dict[str, Any]:
        self._user(needed=True)
        if rest == ["verify"]:
            if len(self.server.objects.get(asked["oid"], b"")) != asked["size"]:
                raise RefusalError(404, "", "no such object")
            return {}
        objects = []
        for one in asked["objects"]:
            actions = {
                "upload": {"href": f"{self.server.url}/_lfs/{one['oid']}?X-Signature=secret", "header": {}},
                "verify": {"href": f"{self.server.url}/{name}.git/info/lfs/verify"},
            }
            objects.append(one | ({} if one["oid"] in self.server.objects else {"actions": actions}))
        return {"transfer": "basic", "objects": objects}

    def _store(self, oid: str, body: bytes) -> dict[str, Any]:
        if sha256(body).hexdigest() != oid:
            raise RefusalError(400, "", "the checksum is another")
        self.server.objects[oid] = body
        return {}

    def _resolved(self, name: str, revision: str, path: str) -> None:
        repository = self._repository(name)
        commit = repository.commit_of(revision)
        blob = repository.commits[commit].get(path)
        if blob is None:
            raise RefusalError(404, "EntryNotFound", "Entry not found")
        if not blob.lfs:
            return self._send_range(blob.data, {"X-Repo-Commit": commit, "ETag": f'"{blob.oid}"'})
        self.server.objects.setdefault(blob.sha256, blob.data)
        # Another host, as the Hub's: the token must not go there.
        place = f"{self.server.url.replace('127.0.0.1', 'localhost')}/_cdn/{quote(blob.sha256)}?Signature=secret"
        linked = {"X-Linked-Etag": f'"{blob.sha256}"', "X-Linked-Size": str(len(blob.data))}
        return self._send(302, b"", {"X-Repo-Commit": commit, "Location": place, **linked})

    def _send_range(self, data: bytes, headers: dict[str, str]) -> None:
        wanted = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range") or "")
        if not wanted:
            length = {"Content-Length": str(len(data))} if self.command == "HEAD" else {}
            return self._send(200, data, headers | length)
        start = int(wanted[1])
        if start >= len(data):
            raise RefusalError(416, "", "range not satisfiable")
        return self._send(206, data[start:], {**headers, "Content-Range": f"bytes {start}-{len(data) - 1}/{len(data)}"})
