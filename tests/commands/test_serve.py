"""Servers over real HTTP: answers to the digit, limits, wrong input, and how they end."""

from __future__ import annotations

import http.client
import json
import random
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from threading import Thread
from typing import Any

import psutil
import pytest

import adapterstilts
from adapterstilts.commands.prediction_files import with_answer
from adapterstilts.commands.serve import name_models
from adapterstilts.errors import UsageError
from adapterstilts.mini.generators.span_qa import span_qa
from tests.commands.servers import Server, predicted, serving

CLIENTS = 32
LONG = "Ann sleeps in the garden and Bob reads a book . " * 40


def records(language: str, size: int) -> dict[str, list[dict[str, Any]]]:
    """Rows for a classifier, for two that find answers, on other backbones, and for a tagger."""
    rows = span_qa(split="test", language=language, size=size)
    return {
        "mnli": [{"premise": row["context"].split(".")[0], "hypothesis": row["question"]} for row in rows],
        "squad_v2": [{"context": row["context"], "question": row["question"]} for row in rows],
        "own": [{"context": row["context"], "question": row["question"]} for row in rows],
        "udpos": [{"tokens": row["context"].split()[: 4 + number]} for number, row in enumerate(rows)],
    }


@pytest.fixture(scope="module")
def store(answering: dict[str, Any]) -> Path:
    store: Path = answering["store"]
    return store


@pytest.fixture(scope="module")
def server(store: Path) -> Iterator[Server]:
    with serving("mnli", "squad_v2", "udpos", "own=squad", "--no-calibrate", store=store) as found:
        yield found


@pytest.fixture(scope="module")
def small(store: Path) -> Iterator[Server]:
    """A server that takes little."""
    limits = ("--max-bytes", "4000", "--max-texts", "3", "--max-characters", "2500", "--max-waiting", "2")
    with serving("mnli", *limits, "--no-calibrate", store=store) as found:
        yield found


def test_answers_are_those_of_predict_to_the_digit(server: Server, store: Path, tmp_path: Path) -> None:
    """Whatever arrives together, for whichever models, in requests of whatever sizes."""
    asked: list[tuple[str, dict[str, Any], Any]] = []
    for language in ("de", "zh"):
        for model, rows in records(language, 12).items():
            answers = predicted({"own": "squad"}.get(model, model), rows, tmp_path, store=store, calibrate=False)
            asked += [(model, row, answer) for row, answer in zip(rows, answers, strict=True)]
    wrong: list[Any] = []
    answered = [0] * CLIENTS

    def client(number: int) -> None:
        draws = random.Random(number)
        for model in draws.sample(["mnli", "squad_v2", "own", "udpos"], 4):
            mine = draws.sample([one for one in asked if one[0] == model], draws.randint(1, 5))
            status, content = server.predict(model=model, inputs=[row for _, row, _ in mine])
            given = [with_answer(row, one) for one, (_, row, _) in zip(content["results"], mine, strict=True)]
            if status != 200 or given != [answer for *_, answer in mine]:
                wrong.append((number, model, content))
            answered[number] += 1

    threads = [Thread(target=client, args=(number,)) for number in range(CLIENTS)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert wrong == [] and answered == [4] * CLIENTS and len(asked) == 96


def test_models_say_what_they_are_and_who_shares_batches(server: Server) -> None:
    status, content, _ = server.send("GET", "/models")
    found = {one["name"]: one for one in content["models"]}
    assert status == 200 and set(found) == {"mnli", "squad_v2", "udpos", "own"}
    assert found["mnli"]["shares_batches_with"] == ["squad_v2", "udpos"] and found["own"]["shares_batches_with"] == []
    assert found["mnli"]["labels"] == ["entailment", "neutral", "contradiction"]
    assert (found["own"]["task"], found["own"]["kind"], found["own"]["reads"]) == (
        "squad",
        "span_qa",
        ["context", "question"],
    )
    assert found["udpos"]["method"] == "seq_bn" and found["udpos"]["backbone"] == "mini" != found["own"]["backbone"]
    assert not found["mnli"]["calibrated"] and "uncalibrated" in found["mnli"]["calibration"]
    assert any(
        "udpos on mini, 0.1 MB more in memory; shares batches with mnli, squad_v2" in line for line in server.said
    )


def test_it_says_how_it_is_and_how_it_is_asked(server: Server) -> None:
    assert server.send("GET", "/health")[:2] == (200, {"status": "ok", "models": 4, "waiting": 0})
    status, content, _ = server.send("GET", "/openapi.json")
    assert status == 200 and set(content["paths"]) == {"/predict", "/models", "/health"}
    assert {"200", "400", "404", "413", "422", "429", "503"} <= content["paths"]["/predict"]["post"]["responses"].keys()
    assert set(content["components"]["schemas"]["Question"]["properties"]) == {"model", "language", "inputs", "columns"}
    status, page, _ = server.send("GET", "/docs")
    assert status == 200 and "://" not in page.replace("http://www.w3.org", "")  # nothing from another place
    assert server.send("GET", "/static-offline-docs/swagger-ui-bundle.js")[0] == 200


@pytest.mark.parametrize(
    ("model", "inputs"),
    [
        ("mnli", [["Ann sleeps.", "Ann is awake."]]),
        ("mnli", [{"text": "Ann sleeps.", "text_pair": "Ann is awake."}]),
        ("squad_v2", [["Who sleeps?", "Ann sleeps."]]),
        ("udpos", ["Ann sleeps ."]),
        ("udpos", [["Ann", "sleeps", "."], "Ann sleeps ."]),
    ],
)
def test_inputs_have_the_forms_that_load_takes(model: str, inputs: list[Any], server: Server, store: Path) -> None:
    status, content = server.predict(model=model, inputs=inputs)
    given = [one if isinstance(one, dict | str) or model == "udpos" else tuple(one) for one in inputs]
    expected = adapterstilts.load(model, store=store, calibrate=False).predict(given)
    assert status == 200 and content["results"] == expected and content["cut"] == []


def test_columns_and_languages_can_be_said(server: Server) -> None:
    question = {"model": "mnli", "inputs": [{"a": "Ann sleeps.", "b": "Ann is awake.", "c": ""}], "language": "de"}
    status, content = server.predict(**question, columns={"text": ["b", "a"]})
    _, plain = server.predict(model="mnli", inputs=[["Ann is awake.", "Ann sleeps."]])
    assert (
        status == 200
        and content["results"] == plain["results"]
        and (content["language"], plain["language"]) == ("de", "en")
    )


def test_what_is_cut_is_said(server: Server) -> None:
    status, content = server.predict(model="mnli", inputs=[["Ann sleeps.", "Who?"], [LONG, "Ann is awake."]])
    assert status == 200 and content["cut"] == [1] and len(content["results"]) == 2
    assert server.predict(model="squad_v2", inputs=[["Who sleeps?", LONG]])[1]["cut"] == []  # read in windows


def test_words_that_got_one_tag_together_are_said(server: Server) -> None:
    inputs = ["Ann sleeps .", "แมรี่ทำงานที่บริษัทแห่งหนึ่งในเบอร์ลิน", "玛丽睡觉。", ["玛丽", "睡觉", "。"]]
    status, content = server.predict(model="udpos", inputs=inputs)
    assert status == 200 and content["unspaced"] == [1]
    assert [len(one["tags"]) for one in content["results"]] == [3, 1, 5, 3]


@pytest.mark.parametrize(
    ("body", "status", "says"),
    [
        ({"model": "mnlli", "inputs": ["a"]}, 404, "Unknown model 'mnlli'. Did you mean 'mnli'"),
        ({"inputs": ["a"]}, 422, "There are 4 models"),
        ({"model": "mnli"}, 422, "inputs: Field required"),
        ({"model": "mnli", "inputs": ["a"], "input": 3}, 422, "input: Extra inputs"),
        ({"model": "mnli", "inputs": [3]}, 422, "inputs.0"),
        ({"model": "mnli", "inputs": [["a", "b", "c"]]}, 422, "Input 0 is ['a', 'b', 'c']"),
        ({"model": "squad_v2", "inputs": [{"context": "Ann sleeps."}]}, 422, "question"),
        ({"model": "squad_v2", "inputs": [["", "Ann sleeps."]]}, 422, "its question is empty"),
        ({"model": "udpos", "inputs": ["a", ""]}, 422, "input 1"),
        ({"model": "mnli", "inputs": ["a"], "language": "xx"}, 422, "Unknown language 'xx'"),
        ({"model": "mnli", "inputs": [{"a": "b"}], "columns": {"question": "a"}}, 422, "no meaning for this model"),
        (b'{"model": ', 400, "The request is no JSON"),
        (b'{"inputs": ' + b"[" * 2000, 400, "parsing the body"),
        (b"\xff\xfe", 400, "The request is no JSON"),
        (b'{"inputs": ' + b"9" * 3000 + b"}", 422, "inputs"),
        (b"[]", 422, "no JSON object"),
        (rb'{"model": "squad_v2", "inputs": [{"\ud800": "a"}]}', 422, "looks like 'question'; it has \ud800"),
        (rb'{"model": "mnli", "inputs": [{"a": "b"}], "columns": {"\ud800": "a"}}', 422, "no meaning for this model"),
        (b'{"model": "mnli", "inputs": [["a", "b"], {"text_a": "a", "text_b": NaN}]}', 422, "is not text but nan"),
    ],
)
def test_wrong_requests_are_explained(body: Any, status: int, says: str, server: Server) -> None:
    found, content, headers = server.send("POST", "/predict", body)
    assert headers["content-type"] == "application/json" and content["remedy"]
    assert found == status and says in f"{content['error']} {content['remedy']}"


def test_no_request_is_no_fault_and_unknown_addresses_are_said(server: Server) -> None:
    assert server.predict(model="mnli", inputs=[])[1]["results"] == []
    assert server.send("GET", "/predict")[0] == 405 and server.send("GET", "/nothing")[:2] == (
        404, {"error": "Not Found", "remedy": None},
    )  # fmt: skip
    assert server.send("POST", "/predict", b"inputs=a", **{"Content-Type": "text/plain"})[0] == 422


def test_a_wrong_request_is_no_fault_of_those_beside_it(server: Server) -> None:
    found: list[int] = []
    questions = [{"model": "squad_v2", "inputs": [["" if number % 2 else "Who?", "Ann."]]} for number in range(16)]
    threads = [Thread(target=lambda one=one: found.append(server.predict(**one)[0])) for one in questions]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert sorted(found) == [200] * 8 + [422] * 8


def test_large_requests_are_refused(small: Server) -> None:
    assert small.predict(inputs=["a"])[0] == 200  # the only model needs no name
    for body, says in (
        ({"inputs": ["a" * 5000]}, "larger than 4,000 bytes"),
        ({"inputs": ["a"] * 4}, "4 texts, more than 3"),
        ({"inputs": ["a", ["b" * 2000, "c" * 501]]}, "Input 1 has 2,501 characters"),
    ):
        status, content, _ = small.send("POST", "/predict", body)
        assert status == 413 and says in content["error"] and content["remedy"]


@pytest.mark.parametrize("size", [5000, 40_000_000])
@pytest.mark.parametrize("chunked", [True, False])
def test_whoever_sends_too_much_is_told_so_once_all_is_sent(size: int, chunked: bool, small: Server) -> None:
    """Where its length is said, and where it is not."""
    connection = http.client.HTTPConnection("127.0.0.1", small.port, timeout=60)
    body = [b'{"inputs": ["', b"a" * size, b'"]}']
    headers = {"Content-Type": "application/json"}
    if chunked:
        connection.request(
            "POST", "/predict", iter(body), headers | {"Transfer-Encoding": "chunked"}, encode_chunked=True
        )
    else:
        connection.request("POST", "/predict", b"".join(body), headers)
    answer = connection.getresponse()
    assert answer.status == 413 and "larger than 4,000 bytes" in json.loads(answer.read())["error"]
    connection.close()


def test_whoever_asks_before_sending_too_much_need_not_send_it(small: Server) -> None:
    with socket.create_connection(("127.0.0.1", small.port), timeout=60) as connection:
        connection.sendall(
            b"POST /predict HTTP/1.1\r\nHost: here\r\nContent-Type: application/json\r\n"
            b"Content-Length: 5000\r\nExpect: 100-continue\r\n\r\n"
        )
        assert connection.makefile("rb").readline().startswith(b"HTTP/1.1 413")


def test_more_than_may_wait_are_told_to_come_again(small: Server) -> None:
    text = "Ann sleeps in the garden . " * 20
    found: list[tuple[int, dict[str, str]]] = []

    def client() -> None:
        for _ in range(4):
            status, _, headers = small.send("POST", "/predict", {"inputs": [text] * 3})
            found.append((status, headers))

    threads = [Thread(target=client) for _ in range(16)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert {status for status, _ in found} == {200, 429} and len(found) == 64
    assert all(int(headers["retry-after"]) >= 1 for status, headers in found if status == 429)
    assert small.predict(inputs=["a"])[0] == 200


@pytest.mark.slow
@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 0), (signal.SIGINT, 130)])
def test_what_was_taken_is_answered_before_it_ends(number: int, code: int, store: Path) -> None:
    with serving("mnli", "--no-calibrate", store=store) as server:
        _, expected = server.predict(inputs=["Ann sleeps."] * 200)
        found: list[tuple[int, Any]] = []
        threads = [Thread(target=lambda: found.append(server.predict(inputs=["Ann sleeps."] * 200))) for _ in range(12)]
        for one in threads:
            one.start()
        while server.send("GET", "/health")[1]["waiting"] + len(found) < 12:
            pass
        assert server.end(number) == code
        for one in threads:
            one.join()
        assert found == [(200, expected)] * 12
        with pytest.raises(OSError):
            server.predict(inputs=["a"])


@pytest.mark.slow
def test_a_signal_to_all_processes_is_no_other(store: Path) -> None:
    """As service managers send it: what was taken is answered by copies, too."""
    with serving("mnli", "--processes", "2", "--no-calibrate", store=store) as server:
        _, expected = server.predict(inputs=[LONG] * 200)
        found: list[tuple[int, Any]] = []
        threads = [Thread(target=lambda: found.append(server.predict(inputs=[LONG] * 200))) for _ in range(8)]
        for one in threads:
            one.start()
        while server.send("GET", "/health")[1]["waiting"] + len(found) < 8:
            pass
        for process in psutil.Process(server.process.pid).children():
            process.send_signal(signal.SIGTERM)
        assert server.end() == 0
        for one in threads:
            one.join()
        assert found == [(200, expected)] * 8


def test_several_processes_answer_as_one_and_end_with_it(store: Path, tmp_path: Path) -> None:
    rows = records("de", 12)["mnli"]
    expected = predicted("mnli", rows, tmp_path, store=store, calibrate=False)
    with serving("mnli", "squad_v2", "--processes", "2", "--no-calibrate", store=store) as server:
        found: dict[int, Any] = {}

        def client(number: int) -> None:
            found[number] = server.predict(model="mnli", inputs=[rows[number % 12]])

        threads = [Thread(target=client, args=(number,)) for number in range(48)]
        for one in threads:
            one.start()
        for one in threads:
            one.join()
        for number, (status, content) in found.items():
            assert status == 200
            assert with_answer(rows[number % 12], content["results"][0]) == expected[number % 12]
        main = psutil.Process(server.process.pid)
        processes = main.children()
        computed = [one.cpu_times().user for one in (main, *processes)]
        assert len(found) == 48 and len(processes) == 2 and all(computed)  # one is that which listens
        assert server.end() == 0
        assert not any(one.is_running() for one in processes)


@pytest.mark.slow
@pytest.mark.parametrize("which", ["front", "copy", "main"])
def test_if_one_of_its_processes_is_killed_all_end(which: str, store: Path) -> None:
    with serving("mnli", "--processes", "2", "--no-calibrate", store=store) as server:
        main = psutil.Process(server.process.pid)
        processes = main.children()
        is_front = ["serving.front" in " ".join(one.cmdline()) for one in processes]
        front, copy = processes[is_front.index(True)], processes[is_front.index(False)]
        {"front": front, "copy": copy, "main": main}[which].kill()
        assert server.process.wait(60) == (-signal.SIGKILL if which == "main" else 1)
        assert psutil.wait_procs([front, copy], timeout=60)[1] == []
        said = server.process.stderr
        assert which == "main" or "The process that listens has ended with code" in said
        assert "Traceback" not in said


def test_a_port_that_is_taken_is_said_before_models_are_loaded(store: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        with pytest.raises(UsageError, match=r"Address already in use. Give another port"):
            adapterstilts.serve("mnli", port=other.getsockname()[1], store=store)


def test_names_are_given_or_the_references_themselves() -> None:
    assert name_models(["mnli", "topics=news@6f0c1d", "./here"]) == {
        "mnli": "mnli", "topics": "news@6f0c1d", "./here": "./here",
    }  # fmt: skip
    for wrong, says in (
        (["a", "a"], "Two models are called 'a'"),
        (["a="], "'a=' is no model"),
        (["=a"], "is no model"),
    ):
        with pytest.raises(UsageError, match=says):
            name_models(wrong)


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"language": "xx"}, "Unknown language"),
        ({"task": "mnli"}, "there are 2 models"),
        ({"port": 70000}, "port"),
        ({"processes": 2, "threads": 2}, "of several processes, each has one thread"),
    ],
)
def test_wrong_options_are_refused(given: dict[str, Any], says: str) -> None:
    with pytest.raises(UsageError, match=says):
        adapterstilts.serve(["mnli", "squad"], **given)


def test_without_its_libraries_it_names_the_extra() -> None:
    code = "import sys; sys.modules['fastapi'] = None\nfrom adapterstilts.cli import main\nmain(['serve', 'mnli'])"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert result.returncode == 1 and "pip install 'adapterstilts[serve]'" in result.stderr
    assert "fastapi is not installed" in result.stderr and threading.active_count() >= 1
