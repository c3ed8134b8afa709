"""A model by name: a folder of safetensors, a function in a file, or, if it is allowed, a name on a hub.

No pickle is opened: weights come as safetensors. Code runs only from a file that a person names. `transformers` reads
folders and the hub: pip install 'linviz[models]'.
"""
from __future__ import annotations

import importlib.util
import json
import math
import sys
from pathlib import Path
from typing import Any

from torch import nn

from .token_places import vision_config


def load_model(name: str, download: bool = False) -> nn.Module:
    """The model called `name`, ready to run.

    name      a folder with config.json and *.safetensors; FILE.py:FUNCTION, which is called without arguments and
              returns a module; or a name on the hub
    download  whether the hub may be asked. ValueError, in one sentence, for anything that is no model.

    >>> load_model("no-such/model")
    Traceback (most recent call last):
    ValueError: 'no-such/model' is no folder with a model; to fetch it from the hub, allow it with --download
    """
    path, colon, function = name.rpartition(":")
    if colon and path.endswith(".py"):
        return call_function(Path(path), function)
    folder = Path(name).expanduser()
    if folder.is_dir():
        check_folder_files(folder)
        model = _pretrained(str(folder), local_files_only=True)
        if (colours := stored_colours(folder)) is not None:
            config: Any = vision_config(model)
            config.image_mean, config.image_std = colours
        return model
    if not download:
        raise ValueError(f"{name!r} is no folder with a model; to fetch it from the hub, allow it with --download")
    return _pretrained(name, local_files_only=False)


def stored_colours(folder: Path) -> tuple[list[float], list[float]] | None:
    """Mean and deviation of red, green and blue in a folder's preprocessor_config.json; None where it says none.

    ValueError, in one sentence, where they are not three numbers each, or a deviation is not above zero.
    """
    path = folder / "preprocessor_config.json"
    if not path.is_file():
        return None
    try:
        found = json.loads(path.read_text("utf-8"))
        if found.get("do_normalize") is False:
            return [0.0] * 3, [1.0] * 3
        if "image_mean" not in found or "image_std" not in found:
            return None
        mean, deviation = ([float(x) for x in found[name]] for name in ("image_mean", "image_std"))
    except (ValueError, TypeError, AttributeError) as error:
        raise ValueError(f"{path} cannot be read: image_mean and image_std need three numbers each") from error
    if len(mean) != 3 or len(deviation) != 3 or not all(map(math.isfinite, mean + deviation)) or min(deviation) <= 0:
        raise ValueError(f"{path}: image_mean and image_std need three numbers each, deviations above 0; got {mean} "
                         f"and {deviation}")
    return mean, deviation


def call_function(path: Path, function: str) -> nn.Module:
    """What a function in a file returns; ValueError where there is no such file, function or module."""
    if not path.is_file():
        raise ValueError(f"there is no file {str(path)!r}")
    spec = importlib.util.spec_from_file_location(f"linviz_model_{path.stem}", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module     # dataclasses in the file look for it
    spec.loader.exec_module(module)
    made = getattr(module, function, None)
    if not callable(made):
        raise ValueError(f"{path} has no function {function!r}")
    found = made()
    if not isinstance(found, nn.Module):
        raise ValueError(f"{function} of {path} returned {found!r:.60}, not a torch module")
    return found.eval()


def check_folder_files(folder: Path) -> None:
    """ValueError, in one sentence, where a folder holds no model that can be read without running code."""
    if not (folder / "config.json").is_file():
        raise ValueError(f"{folder} has no config.json, so it is no model of transformers; FILE.py:FUNCTION names a "
                         "function that makes one")
    if not list(folder.glob("*.safetensors")):
        pickled = sorted(path.name for path in folder.iterdir() if path.suffix in (".bin", ".pt", ".pth", ".ckpt"))
        why = f"only {pickled[0]}, a pickle, which can run code when it is opened" if pickled else "no weights"
        raise ValueError(f"{folder} has {why}: save the model with save_pretrained(folder, safe_serialization=True)")


def _pretrained(name: str, local_files_only: bool) -> nn.Module:
    try:
        from transformers import AutoConfig, AutoModel
    except ImportError as error:
        raise ImportError("a model in a folder or on the hub needs transformers: "
                          "pip install 'linviz[models]'") from error
    try:
        options: dict[str, Any] = {"local_files_only": local_files_only, "trust_remote_code": False}
        config = AutoConfig.from_pretrained(name, **options)
        made = AutoModel.from_pretrained(name, config=config, use_safetensors=True, **options)
    except (OSError, ValueError, KeyError) as error:
        said = next(iter(str(error).strip().splitlines()), type(error).__name__)
        raise ValueError(f"{name!r:.200} cannot be loaded: {said:.300}") from error
    model: nn.Module = made.eval()
    return model
