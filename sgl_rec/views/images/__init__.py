"""Random views of a batch of images: (B, C, H, W) in [0, 1] in, the same out. They need the extra ``vision``."""

from __future__ import annotations

from sgl_rec.registry import Registry

IMAGE_VIEWS = Registry(
    "image view",
    {
        "affine": "sgl_rec.views.images.affine:affine",
        "resized_crop": "sgl_rec.views.images.resized_crop:resized_crop",
        "flip": "sgl_rec.views.images.flip:flip",
        "rotation": "sgl_rec.views.images.rotation:rotation",
        "colour_jitter": "sgl_rec.views.images.colour_jitter:colour_jitter",
        "greyscale": "sgl_rec.views.images.greyscale:greyscale",
        "blur": "sgl_rec.views.images.blur:blur",
        "cutout": "sgl_rec.views.images.cutout:cutout",
        "sobel": "sgl_rec.views.images.sobel:sobel",
    },
    "sgl_rec.image_views",
)
