"""Losses: tensors to one value per row, their adapters to a training step, and the weighted sum of them."""

from __future__ import annotations

from sgl_rec.losses.alignment import alignment, uniformity
from sgl_rec.losses.bootstrap import byol
from sgl_rec.losses.clustering import swav
from sgl_rec.losses.contrastive import info_nce
from sgl_rec.losses.hard_negatives import batch_hard, hard_nt_xent, hardest_negatives
from sgl_rec.losses.metric import logistic, margin_contrastive, n_pair, triplet
from sgl_rec.losses.objective import Objective
from sgl_rec.losses.pair_terms import PairStep
from sgl_rec.losses.penalty import l2
from sgl_rec.losses.presets import clip, moco, nt_xent, simcse
from sgl_rec.losses.ranking import bpr
from sgl_rec.losses.redundancy import barlow_twins
from sgl_rec.losses.supervised import supervised_contrastive
from sgl_rec.registry import Registry

LOSSES = Registry(
    "loss",
    {
        "alignment": "sgl_rec.losses.alignment:AlignmentTerm",
        "uniformity": "sgl_rec.losses.alignment:UniformityTerm",
        "bpr": "sgl_rec.losses.terms:BprTerm",
        "info_nce": "sgl_rec.losses.terms:InfoNceTerm",
        "l2": "sgl_rec.losses.terms:L2Term",
        "softmax": "sgl_rec.losses.softmax:SoftmaxTerm",
    },
    "sgl_rec.losses",
)
"""Terms of a step on the graph."""

PAIR_LOSSES = Registry(
    "pair loss",
    {
        "nt_xent": "sgl_rec.losses.pair_terms:NtXentTerm",
        "hard_nt_xent": "sgl_rec.losses.pair_terms:HardNtXentTerm",
        "clip": "sgl_rec.losses.pair_terms:ClipTerm",
        "simcse": "sgl_rec.losses.pair_terms:SimcseTerm",
        "supervised_contrastive": "sgl_rec.losses.pair_terms:SupervisedContrastiveTerm",
        "moco": "sgl_rec.losses.pair_terms:MocoTerm",
        "byol": "sgl_rec.losses.noncontrastive_terms:ByolTerm",
        "swav": "sgl_rec.losses.noncontrastive_terms:SwavTerm",
        "barlow_twins": "sgl_rec.losses.noncontrastive_terms:BarlowTwinsTerm",
        "triplet": "sgl_rec.losses.metric_terms:TripletTerm",
        "margin_contrastive": "sgl_rec.losses.metric_terms:MarginContrastiveTerm",
        "logistic": "sgl_rec.losses.metric_terms:LogisticTerm",
        "n_pair": "sgl_rec.losses.metric_terms:NPairTerm",
    },
    "sgl_rec.pair_losses",
)
"""Terms of a ``PairStep``: two views, or two modalities, of a batch."""

__all__ = [
    "LOSSES",
    "PAIR_LOSSES",
    "Objective",
    "PairStep",
    "alignment",
    "barlow_twins",
    "batch_hard",
    "bpr",
    "byol",
    "clip",
    "hard_nt_xent",
    "hardest_negatives",
    "info_nce",
    "l2",
    "logistic",
    "margin_contrastive",
    "moco",
    "n_pair",
    "nt_xent",
    "simcse",
    "supervised_contrastive",
    "swav",
    "triplet",
    "uniformity",
]
