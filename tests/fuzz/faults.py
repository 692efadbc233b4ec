"""All bad inputs: importing this lists the faults of every family."""

from __future__ import annotations

from tests.fuzz import faults_configs, faults_files, faults_options, faults_runs, faults_tables
from tests.fuzz.cases import FAULTS, make_case

__all__ = [
    "FAULTS",
    "faults_configs",
    "faults_files",
    "faults_options",
    "faults_runs",
    "faults_tables",
    "make_case",
]
