"""Templates of lm-eval: which there are, and what they read of a row."""

from __future__ import annotations

import pytest

from adapterstilts.stages.answering.harness import TEMPLATES, prompted
from adapterstilts.tasks.catalogue import Catalogue

CATALOGUE = Catalogue.load(())


def test_a_template_reads_the_columns_of_the_release() -> None:
    pair = {"text_a": "A.", "text_b": "B.", "label": "neutral"}
    assert TEMPLATES["xnli"].document_of(pair) == {"premise": "A.", "hypothesis": "B.", "label": 1}
    same = {"text_a": "A.", "text_b": "B.", "label": "1"}
    assert TEMPLATES["pawsx"].document_of(same) == {"sentence1": "A.", "sentence2": "B.", "label": 1}
    row = {"context": "One. Two. Three. Four and five.", "question": "", "choices": ["Six.", "Seven."], "label": 1}
    story = TEMPLATES["xstorycloze"].document_of(row)
    # However it is cut, the template makes one text of it again.
    assert " ".join(story[f"input_sentence_{number}"] for number in range(1, 5)) == row["context"]
    assert (story["sentence_quiz1"], story["sentence_quiz2"], story["answer_right_ending"]) == ("Six.", "Seven.", 2)


def test_rows_without_a_label_are_asked_about_too() -> None:
    """A benchmark's rows whose labels are hidden: no likelihood depends on the answer that stands in their place."""
    pair = {"text_a": "A.", "text_b": "B."}
    for name, label in (("xnli", "neutral"), ("pawsx", "1")):
        hidden, known = (TEMPLATES[name].document_of({**pair, "label": one}) for one in ("", label))
        assert hidden["label"] == 0 and {**hidden, "label": 1} == known
    row = {"context": "One.", "question": "Why?", "choices": ["1", "2", "3", "4"]}
    hidden, known = (TEMPLATES["belebele"].document_of({**row, "label": one}) for one in (-1, 0))
    assert hidden == known


def test_labels_are_those_of_the_recipes() -> None:
    for name, template in TEMPLATES.items():
        labels = CATALOGUE.recipe(name).options.get("labels", ())
        assert set(template.labels) == set(labels), name


def test_only_languages_with_a_template_are_asked_in() -> None:
    pytest.importorskip("lm_eval")
    assert prompted(CATALOGUE.recipe("xnli"), ("de", "xx", "zh")).templates == {"de": "xnli_de", "zh": "xnli_zh"}
    assert prompted(CATALOGUE.recipe("mlqa"), ("de",)).templates == {}
    assert prompted(CATALOGUE.recipe("belebele"), ("zh-Hant",)).templates == {"zh-Hant": "belebele_zho_Hant"}


def test_every_language_of_a_task_has_a_template() -> None:
    """As the documentation says; what a later version lacks is said where it is asked for."""
    pytest.importorskip("lm_eval")
    for name in TEMPLATES:
        task = CATALOGUE.recipe(name)
        assert tuple(prompted(task, task.languages).templates) == tuple(task.languages), name


def test_names_of_templates_are_those_in_their_files() -> None:
    pytest.importorskip("lm_eval")
    from lm_eval.tasks._yaml_loader import load_yaml

    for name, template in TEMPLATES.items():
        task = CATALOGUE.recipe(name)
        for language in (task.languages[0], task.languages[-1]):
            assert load_yaml(template.path(task, language))["task"] == template.named(task, language)
