"""Jobs share what the machine has."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch

from adapterstilts.modeling.cpu.cores import cores
from adapterstilts.stages.engines.machine import environments, fitting_jobs
from adapterstilts.stages.training_spec import plan_training
from tests.stages.conftest import World


def test_threads_add_up_to_the_cores_and_are_no_more_than_were_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OMP_NUM_THREADS")
    for jobs in (1, 2, 7):
        given = environments(jobs, "cpu")
        assert len(given) == jobs and sum(int(one["OMP_NUM_THREADS"]) for one in given) <= max(jobs, cores())
    assert environments(1, "cpu")[0]["OMP_NUM_THREADS"] == str(cores())
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    assert environments(1, "cpu")[0]["OMP_NUM_THREADS"] == "1"


def test_there_are_as_many_jobs_as_fit_into_memory_and_it_is_said(world: World) -> None:
    stage = plan_training(world.planner, [world.recipe("mlqa")], "train-target")
    setup = world.planner.setup
    assert fitting_jobs(1, [(stage, setup)]) == (1, "") and fitting_jobs(5, []) == (1, "")
    jobs, why = fitting_jobs(10_000, [(stage, setup)])
    assert 1 <= jobs < 10_000 and why.startswith(f"--jobs 10000: {jobs} at a time, because a stage takes about ")
    # 17 values a token, layer and unit of 4 bytes: the tiny backbone has two layers of 32.
    large = replace(setup, tokens_per_batch=10**9)
    jobs, why = fitting_jobs(2, [(stage, setup), (stage, large)])
    assert jobs == 1 and f"a stage takes about {10**9 * 17 * 2 * 32 * 4 / 1024**3 + 0.7:.1f} GB" in why


def test_each_gpu_has_a_job_also_where_micro_batches_have_to_become_smaller(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = plan_training(world.planner, [world.recipe("mlqa")], "train-target")
    large = replace(world.planner.setup, device="cuda", tokens_per_batch=10**9)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda number: SimpleNamespace(total_memory=16 * 1024**3))
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    assert fitting_jobs(2, [(stage, large)]) == (2, "")
    assert [one["CUDA_VISIBLE_DEVICES"] for one in environments(2, "cuda")] == ["0", "1"]
    jobs, why = fitting_jobs(3, [(stage, large)])
    assert jobs == 2 and why.endswith("and of memory of a GPU 16.0 GB are free")
