"""The Python API: the commands as functions. Their keywords are the fields of `commands.options`."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ParamSpec

from adapterstilts.commands.options import (
    BackboneOptions,
    ComparedTasks,
    CompareOptions,
    ComparisonOptions,
    ExportModelOptions,
    IntermediateOptions,
    IntermediateTasks,
    Language,
    LanguageOptions,
    LoadOptions,
    MethodsOptions,
    PredictOptions,
    PulledFolder,
    PullOptions,
    PushedRun,
    PushOptions,
    RecommendedTarget,
    RecommendOptions,
    SearchedTask,
    SearchOptions,
    ServedModels,
    ServeOptions,
    SharedReference,
    StudyName,
    StudyOptions,
    StudySize,
    TrainedModelReference,
    TransferOptions,
    TransferTasks,
    TranslatedTask,
    TranslationOptions,
    VerifyOptions,
    given_values,
)
from adapterstilts.errors import UsageError
from adapterstilts.reporting.notebooks import in_notebook, show_results
from adapterstilts.settings import Strict
from adapterstilts.signatures import takes

if TYPE_CHECKING:
    from adapterstilts.commands.doctor import BackboneReport
    from adapterstilts.commands.export_model import ExportedModel
    from adapterstilts.commands.load import Model
    from adapterstilts.commands.plan import CommandPlan
    from adapterstilts.commands.predict import Predictions
    from adapterstilts.commands.pull import SharedModel
    from adapterstilts.commands.push import PushResult
    from adapterstilts.commands.recommend import Recommendation
    from adapterstilts.commands.results import MethodCost, TrainResult, TransferResult
    from adapterstilts.commands.search import FoundModel
    from adapterstilts.commands.translate import TranslationResult
    from adapterstilts.commands.verify import Verification
    from adapterstilts.stages.reporter import Reporter
    from adapterstilts.studies.definition import Study
    from adapterstilts.studies.results import StudyResult

P = ParamSpec("P")


@takes(IntermediateTasks, IntermediateOptions)
def train_intermediate(
    tasks: IntermediateTasks, options: IntermediateOptions, *, reporter: Reporter | None = None
) -> TrainResult:
    """Trains one model on an intermediate task in English, or on several, or takes the finished run from the store.

    Several tasks share everything but their heads: one adapter, or with `method="full"` one backbone. What else they
    share, such as learning rate and batch size, is by default what suits the first.

    Raises:
        AstiltsError: See the message; each says what to change.
    """
    from adapterstilts.commands.train_intermediate import run_together

    return run_together(tasks.names, options, _or_silent(reporter))


@takes(IntermediateTasks, IntermediateOptions)
def train_separately(
    tasks: IntermediateTasks, options: IntermediateOptions, *, reporter: Reporter | None = None
) -> list[TrainResult]:
    """Trains a model on each intermediate task, one after the other, as `train_intermediate` does for each alone.

    Options about sampling have no meaning here.

    Raises:
        AstiltsError: See the message; each says what to change.
    """
    from adapterstilts.commands.train_intermediate import run_separately

    return run_separately(tasks.names, options, _or_silent(reporter))


@takes(Language, LanguageOptions)
def train_language(language: Language, options: LanguageOptions, *, reporter: Reporter | None = None) -> TrainResult:
    """Trains a language adapter by masked language modelling, or takes the finished run from the store.

    Raises:
        AstiltsError: See the message; each says what to change.
    """
    from adapterstilts.commands.train_language import run_language

    return run_language(language.language, options, _or_silent(reporter))


@takes(TransferTasks, TransferOptions)
def transfer(tasks: TransferTasks, options: TransferOptions, *, reporter: Reporter | None = None) -> TransferResult:
    """Trains target tasks in English from intermediate tasks, and scores them in every language.

    Returns:
        For each target a row without intermediate task (unless `baseline=False`), a row per source or, with a
        composition that takes several, for all of them, and with `select=True` the selected row and the oracle's.

    Raises:
        AstiltsError: See the message; each says what to change.
    """
    from adapterstilts.commands.transfer import run_transfer

    return run_transfer(tasks.from_, tasks.to, options, _or_silent(reporter))


@takes(ComparedTasks, ComparisonOptions, CompareOptions)
def compare(
    tasks: ComparedTasks, grid: ComparisonOptions, options: Strict, *, reporter: Reporter | None = None
) -> StudyResult:
    """Compares intermediate tasks, methods and baselines on targets, each stage made once; missing ones are trained.

    Returns:
        Cells with their gains over the row without an intermediate task, and what they say together.
        `adapterstilts.reporting.studies.writing.write_report` makes a page of it.

    Raises:
        AstiltsError: See the message; each says what to change.
    """
    from adapterstilts.studies.compare import comparison

    return _study(comparison(tasks, grid), options, None, _or_silent(reporter))


@takes(StudyName, StudySize, StudyOptions)
def study(name: StudyName, size: StudySize, options: Strict, *, reporter: Reporter | None = None) -> StudyResult:
    """Makes what is missing of a study, of the package or of a file, and returns what it says.

    Raises:
        AstiltsError: See the message; each says what to change.
    """
    from adapterstilts.studies.definition import load_study

    return _study(load_study(name.name), options, size.size, _or_silent(reporter))


def _study(described: Study, options: Strict, size: str | None, reporter: Reporter) -> StudyResult:
    from adapterstilts.commands.engine import chosen_engine
    from adapterstilts.studies.run import plan_study, run_study

    work = plan_study(described, given_values(options), size=size, note=reporter.note)
    return run_study(work, reporter, engine=chosen_engine(options))  # type: ignore[arg-type]


@takes(RecommendedTarget, RecommendOptions)
def recommend(
    target: RecommendedTarget, options: RecommendOptions, *, reporter: Reporter | None = None
) -> Recommendation:
    """Ranks intermediate runs for a target by a few of its English training examples, without training any.

    Of other languages, neither labels nor texts are read.

    Raises:
        AstiltsError: See the message; each says what to change.
    """
    from adapterstilts.commands.recommend import run_recommend

    return run_recommend(target.to, options, _or_silent(reporter))


@takes(TranslatedTask, TranslationOptions)
def translate(
    translated: TranslatedTask, options: TranslationOptions, *, reporter: Reporter | None = None
) -> list[TranslationResult]:
    """Translates the English training rows of a task, or test rows into English, one file for each language.

    Raises:
        AstiltsError: See the message; each says what to change.
    """
    from adapterstilts.commands.translate import run_translation

    return run_translation(translated.task, options, _or_silent(reporter))


@takes(TrainedModelReference, PredictOptions)
def predict(model: TrainedModelReference, options: PredictOptions, *, reporter: Reporter | None = None) -> Predictions:
    """Answers rows of a file with a trained model, and writes them with its answers to another file.

    Without `out`, the answers are printed. `load` gives a model that answers what a program has in memory.

    Raises:
        AstiltsError: See the message; each says what to change.
    """
    from adapterstilts.commands.predict import run_predict

    return run_predict(model.reference, options, _or_silent(reporter), lambda text: print(text, end=""))


@takes(TrainedModelReference, LoadOptions)
def load(model: TrainedModelReference, options: LoadOptions, *, reporter: Reporter | None = None) -> Model:
    """Loads a trained model, once, as an object whose `predict` answers texts.

    Raises:
        AstiltsError: It cannot be had, or has no head that answers texts.
    """
    from adapterstilts.commands.load import load_model

    return load_model(model.reference, options, _or_silent(reporter).note)


@takes(ServedModels, ServeOptions)
def serve(served: ServedModels, options: ServeOptions, *, reporter: Reporter | None = None) -> None:
    """Answers requests over HTTP with trained models, until the process is told to end.

    It returns once SIGTERM or SIGINT (Ctrl-C) has come and everything that was taken has been answered, and is to be
    called in the main thread.

    Raises:
        AstiltsError: See the message; each says what to change.
    """
    from adapterstilts.commands.serve import run_serve

    run_serve(served.references, options, _or_silent(reporter))


@takes(TrainedModelReference, ExportModelOptions)
def export_model(
    model: TrainedModelReference, options: ExportModelOptions, *, reporter: Reporter | None = None
) -> ExportedModel:
    """Writes a trained model so that `transformers`, or any runtime of ONNX, loads it without adapterstilts.

    Raises:
        AstiltsError: It cannot be had, or gives other scores there than here.
    """
    from adapterstilts.commands.export_model import run_export_model

    return run_export_model(model.reference, options, _or_silent(reporter))


@takes(MethodsOptions)
def methods(options: MethodsOptions) -> list[MethodCost]:
    """The tuning methods, with what each trains and stores on a backbone, of which only the configuration is read.

    Raises:
        AstiltsError: See the message; each says what to change.
    """
    from adapterstilts.commands.methods import list_methods

    return list_methods(options)


@takes(BackboneOptions)
def doctor(options: BackboneOptions) -> BackboneReport:
    """What works on a backbone, and why the rest does not; of it only configuration and tokenizer are read.

    Raises:
        AstiltsError: There is no such backbone, or it does not read text.
    """
    from adapterstilts.commands.doctor import examine

    return examine(**dict(options))


@takes(PushedRun, PushOptions)
def push(pushed: PushedRun, options: PushOptions, *, reporter: Reporter | None = None) -> PushResult:
    """Shares a trained model on the Hub or in a registry, in its library's own format and with a card.

    Raises:
        AstiltsError: See the message; each says what to change.
    """
    from adapterstilts.commands.push import run_push

    return run_push(pushed.run, options, _or_silent(reporter).note)


@takes(PulledFolder, PullOptions)
def pull(pulled: PulledFolder, options: PullOptions, *, reporter: Reporter | None = None) -> SharedModel:
    """Gets a shared model, or one of the store, as a folder that its library loads.

    Raises:
        AstiltsError: It cannot be had, or is not safe to read.
    """
    from adapterstilts.commands.pull import run_pull

    return run_pull(pulled.reference, pulled.folder, options, _or_silent(reporter).note)


@takes(SharedReference, PullOptions)
def info(shared: SharedReference, options: PullOptions, *, reporter: Reporter | None = None) -> SharedModel:
    """What a shared model is: trained on what, with what, and what it scores.

    Raises:
        AstiltsError: It cannot be had, or is not safe to read.
    """
    from adapterstilts.commands.pull import run_info

    return run_info(shared.reference, options, _or_silent(reporter).note)


@takes(SearchedTask, SearchOptions)
def search(searched: SearchedTask, options: SearchOptions, *, reporter: Reporter | None = None) -> list[FoundModel]:
    """Shared models in registries and on the Hub.

    Raises:
        AstiltsError: A place cannot be reached.
    """
    from adapterstilts.commands.search import run_search

    return run_search(searched.task, options, _or_silent(reporter).note)


@takes(SharedReference, VerifyOptions)
def verify(shared: SharedReference, options: VerifyOptions, *, reporter: Reporter | None = None) -> Verification:
    """A shared model's published scores, measured again.

    Raises:
        AstiltsError: It cannot be had, is not safe to read, or published no scores.
    """
    from adapterstilts.commands.verify import run_verify

    return run_verify(shared.reference, options, _or_silent(reporter))


def plan(command: Callable[P, Any], *args: P.args, **kwargs: P.kwargs) -> CommandPlan:
    """The stages that a command would run, which of them the store has, and what the others would take.

    Nothing is trained or scored. An example: `plan(transfer, "squad", "mlqa", profile="mini")`.

    Args:
        command: `train_intermediate`, `train_separately`, `transfer`, `compare` or `study`.
        args: What it would be given.
        kwargs: Its keywords.

    Raises:
        AstiltsError: What the command itself would raise before it starts, or it is none of these.
    """
    from adapterstilts.planners import PLANNERS

    name = getattr(command, "__name__", str(command))
    if name not in PLANNERS or globals().get(name) is not command:
        raise UsageError(f"{name} has no plan.", remedy=f"Give one of the functions {', '.join(PLANNERS)}.")
    given = {name: value for name, value in kwargs.items() if name != "reporter"}  # a plan takes no time to report on
    return PLANNERS[name](*args, **given)


def _or_silent(reporter: Reporter | None) -> Reporter:
    """The reporter that is given; without one, bars in a notebook, and elsewhere nothing."""
    from adapterstilts.stages.reporter import Silent

    if reporter is None and in_notebook():
        from adapterstilts.reporting.progress import Progress

        return Progress(shown=True)
    return Silent() if reporter is None else reporter


show_results()
