"""Reports of studies: on a terminal, as files, and as one page that needs no network."""

from adapterstilts.reporting.studies.report import study_report
from adapterstilts.reporting.studies.writing import write_report

__all__ = ["study_report", "write_report"]
