"""Without Triton the files of its kernels cannot be imported, and their examples are left out."""

from __future__ import annotations

import importlib.util

collect_ignore_glob = (
    [] if importlib.util.find_spec("triton") else ["sgl_rec/kernels/*_cuda.py", "sgl_rec/kernels/triton_jit.py"]
)
