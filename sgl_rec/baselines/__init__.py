"""What every table needs beside us: ``Interactions`` in, a fitted ``Scorer`` out."""

from __future__ import annotations

from sgl_rec.registry import Registry

BASELINES = Registry(
    "baseline",
    {
        "popularity": "sgl_rec.baselines.popularity:Popularity",
        "content_knn": "sgl_rec.baselines.content_knn:ContentKnn",
        "item_knn": "sgl_rec.baselines.item_knn:ItemKnn",
        "ease": "sgl_rec.baselines.ease:Ease",
        "implicit_als": "sgl_rec.baselines.implicit_als:implicit_als",
        "implicit_bpr": "sgl_rec.baselines.implicit_bpr:implicit_bpr",
        "gf_cf": "sgl_rec.baselines.spectral:gf_cf",
        "cheby_cf": "sgl_rec.baselines.spectral:cheby_cf",
    },
    "sgl_rec.baselines",
)
