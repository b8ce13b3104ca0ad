"""Calls to the Hugging Face Hub: repeated where that can help, explained where it cannot, with no secret in a word."""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, TypeVar

from adapterstilts.errors import AstiltsError, HubError
from adapterstilts.scrubbing import scrub
from adapterstilts.sharing.incoming import Note

if TYPE_CHECKING:
    from huggingface_hub import HfApi
    from requests import Response

T = TypeVar("T")

ATTEMPTS = 5
"""How often a call is made before it is given up."""
FIRST_WAIT = 2.0
"""Seconds before the second attempt; each further wait is twice as long."""
LONGEST_WAIT = 300.0
"""Seconds that the Hub may ask to wait for; where it asks for more, the call is given up."""

ANSWER_SECONDS = 30
"""What a question about a repository may take."""
COMMIT = re.compile(r"[0-9a-f]{40}")

_LONGEST = 300
_PASSING = {408, 409, 425, 429, 500, 502, 503, 504}
_ERRNO = re.compile(r"\[Errno -?\d+\] ([A-Za-z ]+)")
_DAMAGED = "Consistency check failed"
_LOG_IN = "Log in with `hf auth login`, or set HF_TOKEN, with a token that has the right to {repository}"
_REMEDIES = {
    401: f"{_LOG_IN}; and check the name: the Hub says the same of one that does not exist.",
    403: f"{_LOG_IN}, or ask its owner for access.",
    404: "Check the names of repository and revision ({repository}); a private one is not seen without "
    "`hf auth login` or HF_TOKEN.",
    409: "Something else is being done to {repository}. Repeat it in a minute.",
    412: "Somebody changed {repository} meanwhile. Repeat it: it then starts from what is there now.",
    429: "Repeat it when the Hub's limit allows; with `hf auth login` or HF_TOKEN the limit is higher.",
    500: "The Hub has trouble (https://status.huggingface.co). Repeat it later; what was transferred is used again.",
}
_UNREACHED = "Check the connection, a proxy, and HF_ENDPOINT, then repeat it; what was transferred is used again."
_OFFLINE = "Unset HF_HUB_OFFLINE, or give the full commit of a repository that is in the cache."


class RefusedError(HubError):
    """The Hub's answer to a call.

    Attributes:
        status: Of HTTP; None where there was no answer.
        code: The Hub's own name for it, such as `RevisionNotFound`.
        lost: Whether the connection broke, so that nobody knows whether the call had its effect.
        damaged: Whether a file that came has not the size that was due.
    """

    def __init__(self, message: str, *, remedy: str, failure: _Failure) -> None:
        super().__init__(message, remedy=remedy)
        self.status, self.code = failure.status, failure.code
        self.lost, self.damaged = failure.lost, failure.damaged


@dataclass(frozen=True)
class _Failure:
    reason: str
    remedy: str
    status: int | None = None
    code: str = ""
    asked_wait: float | None = None
    lost: bool = False
    damaged: bool = False

    @property
    def passing(self) -> bool:
        return self.lost or self.status in _PASSING


def client() -> HfApi:
    """The Hub's own client; its token is that of HF_TOKEN or of `hf auth login`."""
    from huggingface_hub import HfApi

    return HfApi(library_name="adapterstilts")


def call(what: str, action: Callable[[int], T], *, repository: str, note: Note, again_if_lost: bool = True) -> T:
    """Does `action`, several times where the Hub is busy, limits requests, or the connection breaks.

    Args:
        what: Such as `push to OWNER/NAME`, for notes and errors.
        action: Is given the number of the attempt, from 1.
        note: Hears of every wait, and what the Hub's own client has to say.
        again_if_lost: Whether to repeat it where nobody knows whether it had its effect.

    Raises:
        RefusedError: It failed for good, or too often.
    """
    for attempt in range(1, ATTEMPTS + 1):
        failure = None
        try:
            with _client_log(note):
                return action(attempt)
        except AstiltsError:
            raise
        except _expected() as error:
            failure = _explained(error, repository)
        # Outside of `except`, so that the client's error, which holds request and headers, is no part of this one.
        wait = failure.asked_wait if failure.asked_wait is not None else FIRST_WAIT * 2 ** (attempt - 1)
        hopeless = not failure.passing or wait > LONGEST_WAIT or (failure.lost and not again_if_lost)
        if hopeless or attempt == ATTEMPTS:
            tries = f" after {attempt} attempts" if attempt > 1 else ""
            raise RefusedError(f"Could not {what}{tries}: {failure.reason}.", remedy=failure.remedy, failure=failure)
        note(f"waits {wait:g} s for the Hub: {failure.reason}; attempt {attempt + 1} of {ATTEMPTS} to {what}")
        time.sleep(wait)
    raise AssertionError("the last attempt returns or raises")


def _expected() -> tuple[type[Exception], ...]:
    """What the client raises; KeyError and TypeError where an answer has another form than it thinks."""
    from huggingface_hub.errors import XetDownloadError, XetError

    return OSError, ValueError, RuntimeError, KeyError, TypeError, XetError, XetDownloadError


def _explained(error: BaseException, repository: str) -> _Failure:
    """What has failed: the answer of the Hub, the connection, or the reading of what it answered."""
    import requests
    from huggingface_hub.errors import OfflineModeIsEnabled

    # The client wraps what has happened, more than once.
    while getattr(error, "response", None) is None and error.__cause__ is not None:
        error = error.__cause__
    match error:
        case OfflineModeIsEnabled():
            return _Failure("HF_HUB_OFFLINE is set, and the cache has it not", _OFFLINE)
        case requests.RequestException(response=requests.Response() as answer):
            return _answered(answer, error, repository)
        case requests.exceptions.SSLError() | requests.exceptions.ProxyError():
            return _Failure(_words(error), _UNREACHED)
        case requests.ConnectionError() | requests.Timeout() | requests.exceptions.ChunkedEncodingError():
            found = _ERRNO.search(str(error))
            return _Failure(
                f"the connection broke ({found[1] if found else type(error).__name__})", _UNREACHED, lost=True
            )
        case KeyError() | TypeError():
            return _Failure("its answer has not the form that is due", "Check HF_ENDPOINT: is it a Hub?")
    reason = _words(error)
    return _Failure(reason, "Mend what is named, then repeat it.", damaged=_DAMAGED in reason)


def _answered(answer: Response, error: BaseException, repository: str) -> _Failure:
    """The failure that an answer with a status stands for."""
    status = answer.status_code
    said = scrub(str(getattr(error, "server_message", None) or "")).partition("\n")[0].strip().rstrip(".")
    remedy = _REMEDIES.get(500 if status >= 500 else status, "Mend what the Hub names, then repeat it.")
    return _Failure(
        f"{status} {answer.reason or ''}".rstrip() + (f" ({said})" if said else ""),
        remedy.format(repository=repository),
        status=status,
        code=answer.headers.get("X-Error-Code", ""),
        asked_wait=_asked_wait(answer.headers.get("Retry-After", "")),
        damaged=status == 416,
    )


def _asked_wait(value: str) -> float | None:
    """The seconds that `Retry-After` asks for, as a number or a date."""
    if not value:
        return None
    if value.strip().isdecimal():
        return float(value)
    try:
        due = parsedate_to_datetime(value)
    except (ValueError, TypeError):
        return None
    due = due if due.tzinfo else due.replace(tzinfo=timezone.utc)
    return max(0.0, (due - datetime.now(timezone.utc)).total_seconds())


def _words(error: BaseException) -> str:
    """What an error says, in one line."""
    return " ".join(scrub(str(error)).split())[:_LONGEST].rstrip(".") or type(error).__name__


class _Forward(logging.Handler):
    def __init__(self, note: Note) -> None:
        super().__init__()
        self.note = note

    def emit(self, record: logging.LogRecord) -> None:
        self.note(scrub(" ".join(record.getMessage().split())))


@contextmanager
def _client_log(note: Note) -> Iterator[None]:
    """Says what the Hub's client logs, such as its own waits, through `note` instead of as it is."""
    logger = logging.getLogger("huggingface_hub")
    others = [handler for handler in logger.handlers if type(handler) is not _Forward]
    forward = _Forward(note)
    logger.addHandler(forward)
    level = logger.level
    logger.setLevel(logging.WARNING)  # what it waits for is said although libraries are quiet otherwise
    for handler in others:
        handler.addFilter(_nothing)
    try:
        yield
    finally:
        for handler in others:
            handler.removeFilter(_nothing)
        logger.removeHandler(forward)
        logger.setLevel(level)


def _nothing(_: logging.LogRecord) -> bool:
    return False
