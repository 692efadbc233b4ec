"""What ranx says, from a process of its own with Numba's compiler off.

Compiled, ranx takes most of a minute before its first figure; interpreted, it is done at once at these sizes.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys


def ranx_scores(
    judged: dict[str, dict[str, int]], run: dict[str, dict[str, float]], names: list[str]
) -> dict[str, float]:
    """Mean of each measure (``"recall@20"``) over the judged users; ids are texts, a higher score is better."""
    done = subprocess.run(
        [sys.executable, __file__],
        input=json.dumps([judged, run, names]),
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | {"NUMBA_DISABLE_JIT": "1"},
    )
    scores: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return scores


def main() -> None:
    import ranx

    judged, run, names = json.load(sys.stdin)
    scores = ranx.evaluate(ranx.Qrels(judged), ranx.Run(run), names)
    scores = scores if isinstance(scores, dict) else {names[0]: scores}
    print(json.dumps({name: float(score) for name, score in scores.items()}))


if __name__ == "__main__":
    main()
