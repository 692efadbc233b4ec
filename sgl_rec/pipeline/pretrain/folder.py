"""The folder of a run of self-supervision."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from torch import Tensor

from sgl_rec.errors import must_be
from sgl_rec.files import sha256, write_text
from sgl_rec.pipeline.plugins import loaded_plugins
from sgl_rec.pipeline.vouched_folder import VouchedFolder
from sgl_rec.pretrain_config import PretrainConfig, dump_pretrain, parse_pretrain
from sgl_rec.training.checkpoint import Checkpoint


class PretrainFolder(VouchedFolder):
    """``model.safetensors`` has all networks; the samples stay where they are, known by their checksum."""

    resume = "sgl-rec pretrain --resume"

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.kept_file = self.path / "kept.json"

    def check_settings(self) -> None:
        if "modality" not in self.read_settings():
            got, advice = "one of train", "see evaluate and recommend"
            raise must_be(str(self.path), "the run", "one of pretrain", got, advice)
        for name in self.config.plugins:
            if name not in loaded_plugins():
                rule = f"loaded, {name} among them"
                advice = f"say --plugin {name}, or the path of its file"
                raise must_be(str(self.path), "plug-ins", rule, "not that one", advice)

    @cached_property
    def config(self) -> PretrainConfig:
        """Raises: UserError naming the file where it is not as it was."""
        return parse_pretrain(self.read_settings(), where=str(self.config_file))

    @property
    def kept(self) -> str:
        """What the reading of the samples has learnt; empty where that is nothing."""
        if self.name_of(self.kept_file) not in self.manifest["sha256"]:
            return ""
        self.check(self.kept_file)
        return self.kept_file.read_text(encoding="utf-8")

    def write_kept(self, text: str) -> None:
        """``kept.json``, where there is something to be kept."""
        if text:
            write_text(self.kept_file, text)
            self.vouch({self.name_of(self.kept_file): sha256(self.kept_file)})

    def write_config(self, config: PretrainConfig) -> None:
        """``config.toml``, last of what a run begins with."""
        self.write_settings(dump_pretrain(config))

    @property
    def source(self) -> str:
        return self.config.data.source

    def write_model(self, parameters: Mapping[str, Tensor], about: Mapping[str, Any]) -> None:
        """``model.safetensors``: the networks under ``networks.``."""
        model = Checkpoint(values=dict(about))
        model.put("networks", parameters)
        model.save(self.model_file)

    def check_results(self) -> None:
        self.model()
