"""The web application: its addresses, what it refuses, and errors as JSON with a remedy."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from dataclasses import dataclass
from typing import Any

from fastapi import FastAPI, HTTPException, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi_offline import FastAPIOffline
from starlette.exceptions import HTTPException as AnyHTTPException

from adapterstilts import __version__
from adapterstilts.errors import AstiltsError, unknown
from adapterstilts.serving.messages import Answer, Fault, Health, Models, Question
from adapterstilts.serving.waiting import NoPlaceError, Waiting

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
_ABOUT = (
    "Trained models answer texts. What arrives together is computed together, and each answer is to the digit what "
    "`astilts predict` writes."
)
_SEND = 'Send {"model": ..., "inputs": [...]} as application/json; /docs says what an input can be.'
_FORGOTTEN_BYTES = 256 * 1024**2
_FAULTS: dict[int | str, dict[str, Any]] = {
    400: {"model": Fault, "description": "It is no JSON."},
    404: {"model": Fault, "description": "There is no such model."},
    413: {"model": Fault, "description": "The request has more bytes or texts than are taken, or a longer text."},
    422: {"model": Fault, "description": "Its JSON is not a question, or its inputs are not what the model reads."},
    429: {"model": Fault, "description": "Too many requests wait; `Retry-After` says for how many seconds."},
    503: {"model": Fault, "description": "The server is about to end."},
}


@dataclass(frozen=True)
class Limits:
    """What a request may have.

    Attributes:
        bytes: In its body.
        texts: Inputs.
        characters: In all strings of one input together.
    """

    bytes: int
    texts: int
    characters: int


@dataclass(frozen=True)
class Setup:
    """What there is to serve.

    Attributes:
        waiting: Requests that may wait.
    """

    models: Models
    limits: Limits
    waiting: int


class LimitedBody:
    """Refuses requests whose body is too large, also where its length is not said.

    What such a client has left to send is read and forgotten, up to a bound: one that sends all before it reads would
    see its connection closed, and not why.

    Args:
        app: What is asked if it is not.
        most: Bytes.
    """

    def __init__(self, app: Any, *, most: int) -> None:
        self.app = app
        self.most = most

    async def __call__(self, scope: Message, receive: Receive, send: Any) -> None:
        """Counts what comes in."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = dict(scope["headers"])
        told = headers.get(b"content-length", b"0")
        if told.isdigit() and int(told) > self.most:
            if headers.get(b"expect", b"").lower() != b"100-continue":  # which waits to be told to send it
                await _forget(receive)
            await _too_large(self.most)(scope, receive, send)
            return
        count = 0

        async def counted() -> Message:
            nonlocal count
            message = await receive()
            count += len(message.get("body", b""))
            if count > self.most:
                if message.get("more_body"):
                    await _forget(receive)
                raise HTTPException(413, _larger(self.most))
            return message

        await self.app(scope, counted, send)


async def _forget(receive: Receive) -> None:
    """Reads what is left of a body."""
    left, more = _FORGOTTEN_BYTES, True
    while more and left > 0:
        message = await receive()
        left -= len(message.get("body", b""))
        more = message.get("more_body", False)


def _larger(most: int) -> dict[str, str]:
    return {
        "error": f"The request is larger than {most:,} bytes.",
        "remedy": "Send fewer texts at a time, or start the server with a larger --max-bytes.",
    }


def _too_large(most: int) -> Response:
    return _json(413, _larger(most), {"Connection": "close"})


def build_app(offered: Models, waiting: Waiting, limits: Limits) -> FastAPI:
    """The application of some models.

    Args:
        offered: The models.
        waiting: Where requests wait for them.
    """
    app: FastAPI = FastAPIOffline(
        redoc_url=None, title="adapterstilts", version=__version__, description=_ABOUT, responses=_FAULTS
    )
    app.add_middleware(LimitedBody, most=limits.bytes)
    _add_errors(app)
    names = [one.name for one in offered.models]

    @app.post("/predict", response_model=Answer, summary="Answers texts.")
    async def predict(question: Question) -> Response:
        name = _checked(question, names, limits)
        return _json(200, await waiting.ask(question.model_copy(update={"model": name})))

    @app.get("/models", summary="The models that there are.", responses={})
    async def models() -> Models:
        return offered

    @app.get("/health", summary="Whether requests are taken.")
    async def health(response: Response) -> Health:
        response.status_code = 503 if waiting.stopping else 200
        status = "stopping" if waiting.stopping else "ok"
        return Health(status=status, models=len(names), waiting=waiting.count)

    return app


def _checked(question: Question, names: Sequence[str], limits: Limits) -> str:
    """The name of the model that is asked.

    Raises:
        HTTPException: There is no such model, or it is asked too much.
    """
    name = question.model
    if name is None and len(names) > 1:
        raise HTTPException(422, {"error": f"There are {len(names)} models: {', '.join(names)}.",
                                  "remedy": 'Name one of them: {"model": ...}.'})  # fmt: skip
    name = names[0] if name is None else name
    if name not in names:
        error = unknown("model", name, names)
        raise HTTPException(404, {"error": error.message, "remedy": error.remedy})
    if len(question.inputs) > limits.texts:
        count = f"The request has {len(question.inputs):,} texts, more than {limits.texts:,}."
        raise HTTPException(413, {"error": count, "remedy": "Send them in several requests."})
    for number, one in enumerate(question.inputs):
        if (length := _characters(one)) > limits.characters:
            raise HTTPException(413, {"error": f"Input {number} has {length:,} characters, more than "
                                      f"{limits.characters:,}.", "remedy": "Send it in parts."})  # fmt: skip
    return name


def _characters(value: Any) -> int:
    match value:
        case str():
            return len(value)
        case list():
            return sum(map(_characters, value))
        case dict():
            return sum(map(_characters, value.values()))
    return 0


def _json(status: int, content: Any, headers: dict[str, str] | None = None) -> Response:
    text = json.dumps(content, ensure_ascii=False)
    # Halves of surrogate pairs, which names in a request can have and UTF-8 cannot, become escapes of JSON.
    return Response(text.encode("utf-8", "backslashreplace"), status, headers, "application/json")


def _add_errors(app: FastAPI) -> None:
    """Every error is a `Fault`."""

    @app.exception_handler(AstiltsError)
    async def refused(request: Request, error: AstiltsError) -> Response:
        return _json(422, {"error": error.message, "remedy": error.remedy})

    @app.exception_handler(NoPlaceError)
    async def no_place(request: Request, error: NoPlaceError) -> Response:
        text = "The server is about to end." if error.stopping else "Too many requests wait."
        remedy = f"Try again in {error.seconds} s."
        headers = {"Retry-After": str(error.seconds)}
        return _json(503 if error.stopping else 429, {"error": text, "remedy": remedy}, headers)

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: RequestValidationError) -> Response:
        first = error.errors()[0]
        where = ".".join(str(one) for one in first["loc"][1:3])
        if first["type"] == "model_attributes_type":
            said = {"error": "The request is no JSON object, or its Content-Type is not application/json."}
        elif first["type"] == "json_invalid":
            said = {"error": f"The request is no JSON: {first['ctx']['error']}."}
        else:
            said = {"error": f"{where or 'The request'}: {first['msg']}."}
        return _json(400 if first["type"] == "json_invalid" else 422, {**said, "remedy": _SEND})

    @app.exception_handler(AnyHTTPException)
    async def http(request: Request, error: AnyHTTPException) -> Response:
        remedy = _SEND if error.status_code == 400 else None
        content: Any = error.detail if isinstance(error.detail, dict) else {"error": error.detail, "remedy": remedy}
        return _json(error.status_code, content, dict(error.headers or {}))

    @app.exception_handler(Exception)
    async def unexpected(request: Request, error: Exception) -> Response:
        return _json(500, {"error": f"{type(error).__name__}: {error} (this is unexpected)", "remedy": None})
