"""Encoders of images: (B, C, H, W) in [0, 1] in, one row an image out, ``embedding_dim`` wide."""

from __future__ import annotations

from sgl_rec.registry import Registry

IMAGE_ENCODERS = Registry(
    "image encoder",
    {
        "small_conv": "sgl_rec.encoders.vision.small_conv:SmallConv",
        "transformers": "sgl_rec.encoders.vision.transformers_backbone:transformers_backbone",
        "efficientnet_lite0": "sgl_rec.encoders.vision.efficientnet_lite:EfficientNetLite0",
    },
    "sgl_rec.image_encoders",
)
