"""Whose fault an error of a GPU is: the device's, or of what ran on it."""

import pytest

from tiphys.step import failures
from tiphys.step.failures import ExitCode


@pytest.mark.parametrize(
    "said",
    [
        "CUDA error: uncorrectable ECC error encountered",
        "CUDA error: uncorrectable NVLink error detected during the execution",
        "CUDA error: hardware stack error",
        "CUDA error: unspecified launch failure",
        "CUDA error: all CUDA-capable devices are busy or unavailable",
        "CUDA error: CUDA-capable device(s) is/are busy or unavailable",
        "NVRM: Xid (PCI:0000:3b:00): 79, pid=7, GPU has fallen off the bus.",
        "NVMLError_GpuIsLost: GPU is lost",
    ],
)
def test_a_fault_of_the_hardware_is_a_bad_device(said):
    text = f"{said}\nCUDA kernel errors might be asynchronously reported at some other API call"
    assert failures.exit_code(RuntimeError(text)) is ExitCode.BAD_DEVICE


@pytest.mark.parametrize(
    "said",
    [
        "CUDA error: device-side assert triggered",
        "CUDA error: an illegal memory access was encountered",
        "CUDA error: misaligned address",
        "CUDA error: out of memory",
        "CUDA driver error: out of memory",
        "CUDA out of memory. Tried to allocate 20.00 MiB.",
        "CUDA error: no kernel image is available for execution on the device",
        "CUDA error: invalid device ordinal",
        "CUDA error: the provided PTX was compiled with an unsupported toolchain.",
        "CUDA driver error: invalid argument",
    ],
)
def test_a_fault_of_the_program_or_its_image_is_no_bad_device(said):
    assert failures.exit_code(RuntimeError(said)) is ExitCode.FAILED
