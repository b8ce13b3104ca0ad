"""Servers as processes of their own, and what is asked of them."""

from __future__ import annotations

import http.client
import json
import re
import signal
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import adapterstilts
from tests.processes import Command

WAIT = 240


@dataclass
class Server:
    """A server that listens.

    Attributes:
        said: What it wrote until then.
    """

    process: Command
    port: int
    said: list[str]

    def send(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, Any, dict[str, str]]:
        """Status, content and headers of an answer; a body that is no bytes is sent as JSON."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=WAIT)
        data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        connection.request(method, path, data, {"Content-Type": "application/json", **headers})
        response = connection.getresponse()
        text = response.read().decode()
        connection.close()
        told = {name.lower(): value for name, value in response.getheaders()}
        return response.status, json.loads(text) if told.get("content-type") == "application/json" else text, told

    def predict(self, **question: Any) -> tuple[int, Any]:
        """Status and content of an answer to a question."""
        status, content, _ = self.send("POST", "/predict", question)
        return status, content

    def end(self, number: int = signal.SIGTERM) -> int:
        """The exit code after a signal."""
        self.process.send_signal(number)
        return self.process.wait(WAIT)


@contextmanager
def serving(*words: str, store: Path) -> Iterator[Server]:
    """A server on a free port."""
    process = Command("serve", *words, "--port", "0", "--store", str(store))
    try:
        while not (found := re.search(r"^Listening at .*:(\d+),.*\n", process.stderr, re.MULTILINE)):
            with suppress(subprocess.TimeoutExpired):
                raise AssertionError(f"ended with {process.wait(timeout=0.02)}: {process.stderr}")
        yield Server(process, int(found[1]), process.stderr.splitlines())
    finally:
        process.kill()
        process.wait()


def predicted(model: str, records: Sequence[dict[str, Any]], folder: Path, **options: Any) -> list[dict[str, Any]]:
    """The lines that `predict` writes for records."""
    given, out = folder / f"{model}.jsonl", folder / f"{model}.out.jsonl"
    given.write_text("".join(f"{json.dumps(one, ensure_ascii=False)}\n" for one in records), encoding="utf-8")
    adapterstilts.predict(model, input=given, out=out, force=True, **options)
    return [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]
