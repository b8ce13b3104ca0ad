"""What a caller can ask for: each field is a keyword of the Python API and a flag of the command line.

Modules here import pydantic and nothing larger, since a command's help is made of them.
"""

from adapterstilts.commands.options.engine import EngineOptions
from adapterstilts.commands.options.few_shots import FewShotOptions
from adapterstilts.commands.options.own import OwnDataOptions, OwnFileOptions
from adapterstilts.commands.options.prediction import (
    ExportModelOptions,
    LoadOptions,
    PredictOptions,
    TrainedModelOptions,
    TrainedModelReference,
)
from adapterstilts.commands.options.reading import read_all, read_options
from adapterstilts.commands.options.recommendation import RecommendedTarget, RecommendOptions
from adapterstilts.commands.options.runs import (
    ArchivedRuns,
    ArchiveOptions,
    CheckedRuns,
    CleanOptions,
    NamedRun,
    PublishedRuns,
    RemoveOptions,
)
from adapterstilts.commands.options.serving import ServedModels, ServeOptions
from adapterstilts.commands.options.shared import (
    BackboneOptions,
    CatalogueOptions,
    DoctorOptions,
    MethodsOptions,
    StoreOptions,
)
from adapterstilts.commands.options.sharing import (
    PulledFolder,
    PullOptions,
    PushedRun,
    PushOptions,
    RegistryOptions,
    SearchedTask,
    SearchOptions,
    SharedModelOptions,
    SharedReference,
    VerifyOptions,
)
from adapterstilts.commands.options.studies import (
    ComparedTasks,
    CompareOptions,
    ComparisonOptions,
    ReportOptions,
    StudyName,
    StudyOptions,
    StudySize,
    given_values,
)
from adapterstilts.commands.options.submissions import ExportedRuns, ExportOptions, ScoredFolders, ScoreOptions
from adapterstilts.commands.options.training import (
    IntermediateOptions,
    IntermediateTasks,
    Language,
    LanguageOptions,
    TrainingOptions,
)
from adapterstilts.commands.options.transfer import TransferOptions, TransferTasks
from adapterstilts.commands.options.translation import TranslatedTask, TranslationOptions
from adapterstilts.commands.options.values import ALL
from adapterstilts.commands.options.writing import SHARED, as_flags, flag_text

__all__ = [
    "ALL",
    "SHARED",
    "ArchiveOptions",
    "ArchivedRuns",
    "BackboneOptions",
    "CatalogueOptions",
    "CheckedRuns",
    "CleanOptions",
    "CompareOptions",
    "ComparedTasks",
    "ComparisonOptions",
    "DoctorOptions",
    "EngineOptions",
    "ExportModelOptions",
    "ExportOptions",
    "ExportedRuns",
    "FewShotOptions",
    "IntermediateOptions",
    "IntermediateTasks",
    "Language",
    "LanguageOptions",
    "LoadOptions",
    "MethodsOptions",
    "NamedRun",
    "OwnDataOptions",
    "OwnFileOptions",
    "PredictOptions",
    "PublishedRuns",
    "PullOptions",
    "PulledFolder",
    "PushOptions",
    "PushedRun",
    "RecommendOptions",
    "RecommendedTarget",
    "RegistryOptions",
    "RemoveOptions",
    "ReportOptions",
    "ScoreOptions",
    "ScoredFolders",
    "SearchOptions",
    "SearchedTask",
    "ServeOptions",
    "ServedModels",
    "SharedModelOptions",
    "SharedReference",
    "StoreOptions",
    "StudyName",
    "StudyOptions",
    "StudySize",
    "TrainedModelOptions",
    "TrainedModelReference",
    "TrainingOptions",
    "TransferOptions",
    "TransferTasks",
    "TranslatedTask",
    "TranslationOptions",
    "VerifyOptions",
    "as_flags",
    "flag_text",
    "given_values",
    "read_all",
    "read_options",
]
