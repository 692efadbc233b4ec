"""``python -m sgl_rec`` is the command ``sgl-rec``."""

from __future__ import annotations

from sgl_rec.cli.main import main

if __name__ == "__main__":
    main()
