from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

pytest.importorskip("triton")

from sgl_rec.kernels.triton_jit import key_on, on_device_of, up_to_power_of_2

SHARED_MEMORY = 227 * 1024
"""What a program may take on an H100."""
SCRIPT = Path(__file__).with_name("compile_for_gpu.py")


def test_keys_of_64_bits_and_tensors() -> None:
    device = torch.device("cpu")
    for key in (0, 5, 2**63 - 1, 2**63, 2**64 - 1):
        assert int(key_on(device, key)) % 2**64 == key
    given = torch.tensor([9])
    assert key_on(device, given) is given


def test_powers_of_two() -> None:
    assert [up_to_power_of_2(number) for number in (1, 2, 3, 64, 65)] == [1, 2, 4, 64, 128]
    assert up_to_power_of_2(3, at_least=16) == 16


def test_a_tensor_on_the_cpu_needs_no_device() -> None:
    with on_device_of(torch.zeros(1)):
        pass


SLOW = [pytest.param(part, marks=pytest.mark.slow) for part in ("propagate-widths", "contrast-widths")]


@pytest.mark.parametrize("part", ["thin", "sample", "propagate", "contrast", *SLOW])
def test_every_kernel_compiles_for_an_h100(part: str, tmp_path: Path) -> None:
    """Down to the binary, without a GPU: what the interpreter lets through does not pass here."""
    environment = {name: value for name, value in os.environ.items() if name != "TRITON_INTERPRET"}
    environment["TRITON_CACHE_DIR"] = str(tmp_path)
    environment["PYTHONPATH"] = str(SCRIPT.parents[2])
    command = [sys.executable, str(SCRIPT), part]
    result = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    reports = [json.loads(line) for line in result.stdout.splitlines()]
    assert reports
    for report in reports:
        assert report["shared"] <= SHARED_MEMORY, report
        assert report["floats_added_atomically"] == 0, report
        if report["constants"].get("D") == "64":
            assert report["stack"] == 0, report  # registers are enough
            if report["kernel"] in ("_hop", "_sum_part"):
                assert report["wide_loads"] >= 8, report  # rows are read 16 bytes at once
        if report["kernel"] in ("sum_exponentials", "anchor_gradient", "candidate_gradient"):
            assert report["tensor_cores"] > 0, report
