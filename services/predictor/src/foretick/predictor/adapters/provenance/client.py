"""What a result was made with: a hash of our sources, and the versions of the libraries that fit models."""

import hashlib
from functools import cache
from importlib.metadata import version
from importlib.resources import files

from foretick.quant.registry import SCHEMA_HASH, SCHEMA_ID

PACKAGES = ("foretick.quant", "foretick.market", "foretick.predictor")
LIBRARIES = ("numpy", "scikit-learn", "lightgbm", "xgboost-cpu", "numba", "onnx", "optuna")


@cache
def hash_code() -> str:
    """Return the sha256 (hex) over names and contents of the sources that data, features and models come from."""
    digest = hashlib.sha256()
    for package in PACKAGES:
        root = files(package)
        for path in sorted(_sources(root)):
            digest.update(f"{package}/{path}\x00".encode() + root.joinpath(path).read_bytes())
    return digest.hexdigest()


def library_versions() -> dict[str, str]:
    """Return the installed version of each library that a model's bytes depend on."""
    return {name: version(name) for name in LIBRARIES}


def describe_build() -> dict[str, object]:
    """Return what a report says that it was made with: sources, feature schema, libraries."""
    return {
        "code_sha256": hash_code(),
        "schema_id": SCHEMA_ID,
        "schema_hash": SCHEMA_HASH,
        "libraries": library_versions(),
    }


def _sources(root, prefix: str = "") -> list[str]:  # noqa: ANN001 - a Traversable
    found: list[str] = []
    for entry in root.iterdir():
        if entry.is_dir():
            found += _sources(entry, f"{prefix}{entry.name}/")
        elif entry.name.endswith((".py", ".json")):
            found.append(prefix + entry.name)
    return found
