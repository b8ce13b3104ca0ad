"""What a caller can ask for: the keywords of the Python API, which are the flags of the command line."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BeforeValidator, Field

from adapterstilts.errors import unknown
from adapterstilts.settings import Pooling, Settings, Strict, validate

ALL = "all"
"""What stands for every name that there can be, in options that take several."""

Names = Annotated[
    tuple[str, ...], BeforeValidator(lambda given: tuple(given.split(",")) if isinstance(given, str) else given)
]
"""Several names; in one string, as on the command line, they are separated by commas."""


class TrainingOptions(Strict):
    """Options of every command that trains. Besides these, every field of `Settings` is a keyword.

    Attributes:
        profile: Named set of defaults: `paper` or `mini`.
        backbone: Hugging Face id, checkpoint folder, or `mini`; default: the profile's.
        revision: Commit of a backbone on the Hub.
        method: Tuning method, `NAME` or `NAME[OPTION=VALUE,...]`; default: the profile's.
        unfreeze_backbone: Train the backbone's own weights beside those of the method.
        data_dir: Folder with the releases' own files, in XTREME's download layout; default: the profile's source.
        store: Folder of the run store.
        seed: Seed of initialisation, dropout and batch order; default: the profile's.
        precision: `auto`, `fp32` or `bf16`.
        load_in_4bit: Keep the frozen backbone in 4 bits (QLoRA: Dettmers et al. 2023); for methods of `peft`, on a GPU.
        pooling: How one vector of a text is read, for pair classification, multiple choice and retrieval: `first` or
            `last` token, or the `mean`; default: what suits the backbone, or the recipe's.
        device: `auto`, `cpu` or `cuda`.
        tokens_per_batch: Padded tokens in one micro-batch: decides memory and speed. Batches and
            expected gradients stay the same, but dropout is drawn in another order.
        max_train_examples: Upper bound on training examples.
        skip_bad_rows: Leave out rows that do not follow their format, and count them, instead of stopping.
        force: Train again even if the store has the result.
        settings: Hyperparameters that override profile and recipe.
    """

    profile: str = "paper"
    backbone: str | None = None
    revision: str | None = None
    method: str | None = None
    unfreeze_backbone: bool = False
    data_dir: Path | None = None
    tasks: tuple[Path, ...] = ()
    store: Path = Path("astilts-runs")
    seed: int | None = Field(None, ge=0, lt=2**32)
    precision: Literal["auto", "fp32", "bf16"] = "auto"
    load_in_4bit: bool = False
    pooling: Pooling | None = None
    device: str = "auto"
    tokens_per_batch: int = Field(8192, ge=1)
    max_train_examples: int | None = Field(None, ge=1)
    skip_bad_rows: bool = False
    force: bool = False
    settings: dict[str, Any] = {}


class IntermediateOptions(TrainingOptions):
    """Options of `train_intermediate`.

    Attributes:
        languages: Languages to train in: English, and others in which there are translations of its rows.
        translations: Folder of translations, as `astilts translate` makes them and XTREME publishes them; default:
            the embedded suite's rows in other languages if it is the source.
        sampling: How often each of several tasks is trained on: `proportional` to their sizes (the default), all
            equally often (`uniform`), sizes to the power of 1 / `temperature`, sizes up to `cap` (`capped`), or
            `weights`.
        temperature: 1 is proportional; the higher, the more equal.
        cap: Features (windows of text), above which a task counts as no larger.
        weights: Each task's share; only how they relate to each other counts.
        mlm_rate: Share of all batches that are masked language modelling, beside the tasks.
        mlm_languages: Languages of its text; English where it is a task by itself and none are given.
    """

    languages: Names | None = None
    translations: Path | None = None
    sampling: Literal["proportional", "uniform", "temperature", "capped", "weights"] | None = None
    temperature: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    cap: int | None = Field(default=None, ge=1)
    weights: dict[str, float] | None = None
    mlm_rate: float | None = Field(default=None, gt=0, lt=1)
    mlm_languages: Names | None = None


class TranslationOptions(Strict):
    """Options of `translate`.

    Attributes:
        to: Languages to translate into.
        model: Sequence-to-sequence model: Hugging Face id or checkpoint folder.
        from_: Languages to translate from; either these or `to` is English.
        revision: Commit of a model on the Hub.
        split: Split to translate; default: `train` from English, `test` into English.
        out: Folder for the files of translations.
        profile: Named set of defaults, which says where rows come from.
        data_dir: Folder with the releases' own files, in XTREME's download layout; default: the profile's source.
        max_train_examples: Upper bound on rows: those that are trained on with the same bound.
        beams: Beams of the search; 1 is greedy.
        tokens_per_batch: Padded tokens in one batch, all beams together.
        precision: `auto`, `fp32` or `bf16`.
        device: `auto`, `cpu` or `cuda`.
        skip_bad_rows: Leave out rows that do not follow their format, and count them, instead of stopping.
        force: Translate again, and write over other translations.
    """

    to: Names = Field(min_length=1)
    model: str
    from_: Names = ("en",)
    revision: str | None = None
    split: Literal["train", "validation", "test"] | None = None
    out: Path = Path("translations")
    profile: str = "paper"
    data_dir: Path | None = None
    max_train_examples: int | None = Field(default=None, ge=1)
    beams: int = Field(default=1, ge=1)
    tokens_per_batch: int = Field(default=4096, ge=1)
    precision: Literal["auto", "fp32", "bf16"] = "auto"
    device: str = "auto"
    skip_bad_rows: bool = False
    force: bool = False


class TransferOptions(TrainingOptions):
    """Options of `transfer`.

    Attributes:
        composition: How intermediate weights enter the target phase, `NAME` or `NAME[OPTION=VALUE,...]`; default: the
            first that the method allows. `fuse`, `average` and `merge` take all sources together.
        head: `new`, or `reuse` to go on with the intermediate head where it has the same form.
        languages: Languages to evaluate, or pairs such as `de-en` (context, question); default: all that target
            and source have.
        benchmark: Whose languages are the default: `xtreme` or `xtreme-r`; default: the first that has the task.
        cross_pairs: Score every pair of context and question language (G-XLT), for targets that have them.
        train_languages: Languages to train the target phase in: English, and others in which there are translations of
            its rows (translate-train).
        translations: Folder of translations, as in `IntermediateOptions`.
        translate_test: Folder of English translations of the test sets, or `mini` for the embedded suite's English
            rows: what is scored instead of other languages' own rows.
        preset: Published way of reading sentence vectors for targets without training: `jiant` or `xtreme`.
        layer: Hidden state to read them from, e.g. `14` or `14/24` of the backbone's depth.
        margin: Score of mined pairs: `ratio`, `absolute` or `distance`.
        split: Split to evaluate; default: `test` where the source has it, else `validation`.
        baseline: Also run without the intermediate phase, and report the difference.
        compare: Baselines to report beside the sources: `full` fine-tuning, continued masked language modelling (`mlm`)
            or some mixed in (`mlm-mixed`), translate-train of the intermediate task (`translate-intermediate`) or of
            the target (`translate-target`), `multi-task`, or `all`. The intermediate runs that they need are trained.
        compare_languages: Languages of their text and translations beside English; default: those evaluated.
        mlm_rate: Share of the batches that are masked language modelling in `mlm-mixed`; default: 0.1.
        select: Also report the row with the best English validation score, and the best zero-shot mean.
        seeds: Repeat the target phase with this many seeds, from `seed` upwards.
        language_adapters: Train the target phase over the English language adapter, and evaluate each language with
            its own (MAD-X: Pfeiffer et al. 2020).
        language_adapter: Language to the key of its run, where the store has several.
        language_fallback: What languages without an adapter are evaluated with: `none`, `en` or another language.
        language_adapter_drop: Last layers of the backbone in which language adapters are left out.
        max_eval_examples: Upper bound on evaluated examples per language; candidates of retrieval and corpora to mine
            stay whole.
    """

    composition: str | None = None
    head: Literal["new", "reuse"] = "new"
    languages: Names | None = None
    split: Literal["test", "validation"] | None = None
    benchmark: Literal["xtreme", "xtreme-r"] | None = None
    cross_pairs: bool = False
    train_languages: Names | None = None
    translations: Path | None = None
    translate_test: Path | None = None
    preset: str | None = None
    layer: int | str | None = None
    margin: Literal["ratio", "absolute", "distance"] | None = None
    baseline: bool = True
    compare: Names | None = None
    compare_languages: Names | None = None
    mlm_rate: float | None = Field(default=None, gt=0, lt=1)
    max_eval_examples: int | None = Field(None, ge=1)
    select: bool = False
    seeds: int = Field(1, ge=1)
    language_adapters: bool = False
    language_adapter: dict[str, str] | None = None
    language_fallback: str | None = None
    language_adapter_drop: int = Field(0, ge=0)


Options = TypeVar("Options", bound=TrainingOptions)


def read_options(model: type[Options], keywords: dict[str, Any]) -> Options:
    """Sorts keywords into options and settings; None stands for "not given".

    Raises:
        UsageError: A keyword is unknown or has a value of the wrong type.
    """
    given = {name: value for name, value in keywords.items() if value is not None}
    known = (model.model_fields.keys() - {"settings"}) | Settings.model_fields.keys()
    for name in given:
        if name not in known:
            raise unknown("option", name, known)
    settings = {name: given.pop(name) for name in list(given) if name in Settings.model_fields}
    return validate(model, {**given, "settings": settings}, where="options")
