"""Files of a repository on the Hub, loose and in archives, from a server on this machine."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import pytest
from datasets import Dataset
from pydantic import ValidationError

from adapterstilts.tasks.recipe import HubSource
from tests.hub_server import HubServer, hub_environment, serve
from tests.package_tasks import recipe

REVISION = "0123456789" * 4
# name: (archive, files, HF_HUB_OFFLINE); each takes what the ones before it left in the cache.
ASKED: dict[str, tuple[str | None, list[str], str]] = {
    "loose": (None, ["a.jsonl", "in/b.jsonl"], "0"),
    "tar": ("release.tar.gz", ["one.jsonl", "two.jsonl"], "0"),
    "zip": ("release.zip", ["one.jsonl"], "0"),
    "again_offline": ("release.tar.gz", ["two.jsonl"], "1"),
    "folder_named": ("twice.tar.gz", ["x/one.jsonl"], "0"),
    "absent_file": (None, ["c.jsonl"], "0"),
    "absent_member": ("release.tar.gz", ["three.jsonl"], "0"),
    "part_of_a_name": ("release.tar.gz", ["ne.jsonl"], "0"),
    "link": ("release.tar.gz", ["link.jsonl"], "0"),
    "link_in_zip": ("release.zip", ["link.jsonl"], "0"),
    "twice": ("twice.tar.gz", ["one.jsonl"], "0"),
    "cut_off": ("cut.tar.gz", ["one.jsonl", "two.jsonl"], "0"),
    "no_archive": ("text.zip", ["one.jsonl"], "0"),
    "offline": ("other.tar.gz", ["one.jsonl"], "1"),
}
CODE = """
import json, sys
from pathlib import Path
from adapterstilts.data.sources.hub_files import fetch
from adapterstilts.errors import AstiltsError
from adapterstilts.tasks.recipe import HubSource
archive, files = json.loads(sys.argv[1])
part = HubSource(path="o/n", revision=sys.argv[2], format="text", archive=archive, splits={"test": files})
try:
    print(json.dumps([Path(path).read_text() for path in fetch(part, tuple(files))]))
except AstiltsError as error:
    print(json.dumps(f"{type(error).__name__}: {error}"))
"""


def tar(path: Path, members: dict[str, str], links: dict[str, str]) -> bytes:
    with tarfile.open(path, "w:gz") as archive:
        for name, text in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(text)
            archive.addfile(info, io.BytesIO(text.encode()))
        for name, target in links.items():
            info = tarfile.TarInfo(name)
            info.type, info.linkname = tarfile.SYMTYPE, target
            archive.addfile(info)
    return path.read_bytes()


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Name in `ASKED` to the texts of the files, or to the error."""
    root = tmp_path_factory.mktemp("hub")
    folder = root / "repository"
    (folder / "in").mkdir(parents=True)
    (folder / "a.jsonl").write_text("a")
    (folder / "in/b.jsonl").write_text("b")
    # Names that lead out of the folder are no danger, because only the wanted files are written, under their own names.
    members = {"raw/one.jsonl": "1", "../two.jsonl": "2", "raw/zero.jsonl": "x" * 100_000}
    whole = tar(folder / "release.tar.gz", members, {"raw/link.jsonl": "/etc/hostname"})
    (folder / "cut.tar.gz").write_bytes(whole[:-40])
    tar(folder / "twice.tar.gz", {"x/one.jsonl": "x", "y/one.jsonl": "y"}, {})
    with zipfile.ZipFile(folder / "release.zip", "w") as archive:
        archive.writestr("raw/", "")
        archive.writestr("raw/one.jsonl", "zipped")
        link = zipfile.ZipInfo("raw/link.jsonl")
        link.external_attr = 0o120777 << 16
        archive.writestr(link, "/etc/hostname")
    (folder / "text.zip").write_text("not an archive")
    with serve({"datasets/o/n": (REVISION, folder)}) as server:
        return {name: ask(server, root / "home", *asked) for name, asked in ASKED.items()}


def ask(server: HubServer, home: Path, archive: str | None, files: list[str], offline: str) -> Any:
    environment = {**hub_environment(server.url, home), "HF_HUB_OFFLINE": offline}
    result = subprocess.run(
        [sys.executable, "-c", CODE, json.dumps([archive, files]), REVISION],
        capture_output=True, text=True, check=False, env=environment,
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    assert not [path for path in home.rglob("tmp*") if path.is_dir()]
    return json.loads(result.stdout.splitlines()[-1])


@pytest.mark.slow
def test_files_are_loose_or_in_an_archive(answers: dict[str, Any]) -> None:
    assert answers["loose"] == ["a", "b"]
    assert answers["tar"] == ["1", "2"] and answers["zip"] == ["zipped"]
    assert answers["folder_named"] == ["x"]


@pytest.mark.slow
def test_what_was_unpacked_needs_no_network(answers: dict[str, Any]) -> None:
    assert answers["again_offline"] == ["2"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "start", "remedy"),
    [
        (
            "absent_file",
            "HubError: Could not get c.jsonl of the data set o/n from the Hugging Face Hub: ",
            "use --profil",
        ),
        (
            "offline",
            "HubError: Could not get other.tar.gz of the data set o/n from the Hugging Face Hub: ",
            "--data-dir",
        ),
        (
            "absent_member",
            "DataError: release.tar.gz of o/n has no file 'three.jsonl'; there are: raw/one",
            "Mend 'spl",
        ),
        ("part_of_a_name", "DataError: release.tar.gz of o/n has no file 'ne.jsonl'", "Mend 'splits' in the recipe."),
        ("link", "DataError: release.tar.gz of o/n has no file 'link.jsonl'", "Mend 'splits' in the recipe."),
        ("link_in_zip", "DataError: release.zip of o/n has no file 'link.jsonl'; there are: raw/one.jsonl.", "Mend"),
        ("twice", "DataError: twice.tar.gz of o/n has several files 'one.jsonl'.", "Name its folder too in 'splits'"),
        ("cut_off", "DataError: cut.tar.gz of o/n cannot be unpacked (", "so that it is downloaded again."),
        ("no_archive", "DataError: text.zip of o/n cannot be unpacked (File is not a zip file).", "Delete /"),
    ],
)
def test_errors_name_the_file_and_the_remedy(answers: dict[str, Any], name: str, start: str, remedy: str) -> None:
    assert answers[name].startswith(start), answers[name]
    assert remedy in answers[name]


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"archive": "a.zip"}, "'archive' needs 'format'"),
        ({"options": {"unit": "line"}}, "'options' needs 'format'"),
        ({"beside": ["en"]}, "'beside' needs 'table'"),
        ({"format": "text", "config": "en"}, "'format' and 'config' do not go together"),
        ({"table": "bucc_pairs", "record": "squad"}, "'table' and 'record' do not go together"),
        ({"splits": {"test": ["a", "b"]}}, "the split 'test' has several files, which need a 'format'"),
    ],
)
def test_fields_of_a_recipe_belong_together(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        HubSource.model_validate({"path": "o/n", "revision": REVISION, "splits": {"test": "test"}, **fields})


READ = """
import json
from adapterstilts.data.bad_rows import BadRows
from adapterstilts.data.sources.hub import HubRows
from adapterstilts.errors import HubError
from adapterstilts.tasks.catalogue import Catalogue
found = []
for split, language in (("train", "sw"), ("validation", "sw"), ("train", "yo")):
    try:
        rows = HubRows().load(Catalogue().recipe("mlm"), split, language, BadRows(skip=False))
        found.append([rows[0]["text"], len(rows)])
    except HubError as error:
        found.append(str(error))
print(json.dumps(found))
"""


@pytest.mark.slow
def test_only_the_first_file_of_a_large_data_set_is_downloaded(tmp_path: Path) -> None:
    source = recipe("mlm").sources.hub
    assert source is not None
    for number in range(2):
        path = tmp_path / f"repository/20231101.sw/train-0000{number}-of-00002.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        articles = [{"id": str(n), "title": "t", "text": f"article {n} of file {number}"} for n in range(600)]
        Dataset.from_list(articles).to_parquet(path)
    (tmp_path / "repository/20231101.yo").mkdir()
    with serve({f"datasets/{source.path}": (source.revision, tmp_path / "repository")}) as server:
        environment = hub_environment(server.url, tmp_path)
        for offline in ("0", "1"):
            result = subprocess.run(
                [sys.executable, "-c", READ], capture_output=True, text=True, check=False,
                env={**environment, "HF_HUB_OFFLINE": offline},
            )  # fmt: skip
            assert result.returncode == 0, result.stderr
            train, validation, absent = json.loads(result.stdout)
            assert train == ["article 500 of file 0", 100] and validation == ["article 0 of file 0", 500]
            assert "20231101.yo/train-00000-of-*.parquet of the data set wikimedia/wikipedia" in absent
        assert any("train-00000-of-00002" in line for line in server.requests)
        assert not any("train-00001" in line for line in server.requests)
