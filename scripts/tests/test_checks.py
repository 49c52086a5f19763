"""Each check of the repository fails on what it is there to find, and passes on what is right."""

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

SCRIPTS = Path(__file__).resolve().parent.parent
ROOT = SCRIPTS.parent


def load(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, SCRIPTS / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


size = load("check_size")
repository = load("check_repository")
members = load("check_members")
host = load("check_host")
lock_entry = load("lock_entry")


def sizes(text: str, name: str = "libs/a/src/a.py") -> list[str]:
    return [offence.what for offence in size.check_python(name, text)]


def test_file_at_the_limit_passes_and_one_line_more_fails():
    assert sizes("x = 1\n" * 400) == []
    assert sizes("x = 1\n" * 401) == ["file of 401 lines, the limit is 400: split it by concept"]


def test_test_file_may_have_600_lines():
    assert sizes("x = 1\n" * 600, "libs/a/tests/test_a.py") == []
    assert len(sizes("x = 1\n" * 601, "libs/a/tests/test_a.py")) == 1


@pytest.mark.parametrize("head", ["def f():", "async def f():", "class C:\n    def f(self):"])
def test_function_of_61_lines_fails_and_of_60_passes(head: str):
    indent = "        " if "class" in head else "    "
    assert sizes(head + "\n" + f"{indent}x = 1\n" * 59) == []
    assert sizes(head + "\n" + f"{indent}x = 1\n" * 60) == ["f has 61 lines, the limit is 60"]


def test_name_that_says_nothing_is_refused():
    assert len(sizes("x = 1\n", "libs/a/src/utils.py")) == 1


def test_long_service_readme_fails(tmp_path: Path):
    readme = tmp_path / "services" / "a" / "README.md"
    readme.parent.mkdir(parents=True)
    readme.write_text("line\n" * 61)
    assert [offence.path for offence in size.check(tmp_path)] == ["services/a/README.md"]


REGISTRY = "https://pypi." + "org/simple"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("README.md", f"see {REGISTRY}"),
        ("web/.npmrc", "registry=" + "http://mirror"),
        ("requirements.lock", "--index-url" + " http://mirror"),
        ("web/package-lock.json", '"resolved"' + ': "https://mirror/x.tgz"'),
    ],
)
def test_address_of_a_registry_is_found_with_its_line(name: str, text: str):
    found = list(repository.faults_in(name, f"first\n{text}\n"))
    assert found
    assert all(fault.startswith(f"{name}:2: ") for fault in found)


def test_lock_files_without_addresses_pass():
    assert (
        list(repository.faults_in("package-lock.json", '{"integrity": "sha512-x", "funding": {"url": "https://x"}}'))
        == []
    )


def member(directory: Path, dependencies: str, source: str) -> Path:
    (directory / "src").mkdir(parents=True)
    (directory / "pyproject.toml").write_text(f'[project]\nname = "foretick-a"\ndependencies = [{dependencies}]\n')
    (directory / "src" / "a.py").write_text(source)
    return directory


def test_sibling_that_is_imported_but_not_declared_is_found(tmp_path: Path):
    faults = members.check_siblings(member(tmp_path / "a", "", "from foretick.common.units import NS_PER_S\n"))
    assert faults == ["a: imports foretick-common without declaring it"]


def test_sibling_that_is_declared_but_not_imported_is_found(tmp_path: Path):
    faults = members.check_siblings(member(tmp_path / "a", '"foretick-quant"', "import foretick.a.b\n"))
    assert faults == ["a: declares foretick-quant but never imports it"]


@pytest.mark.parametrize("source", ["import foretick.quant.kernel\n", "from foretick import quant\n"])
def test_declared_and_imported_sibling_passes(tmp_path: Path, source: str):
    assert members.check_siblings(member(tmp_path / "a", '"foretick-quant"', source)) == []


@pytest.mark.parametrize("printed", [None, "v18.20.0", "v20.18.3", "something else"])
def test_node_that_will_not_do_is_found(printed: str | None):
    assert host.node_fault(printed)


def test_node_and_python_at_the_floor_pass():
    assert host.node_fault("v20.19.0") is None
    assert host.node_fault("v22.3.0") is None
    assert host.python_fault((3, 11, 0)) is None


def test_old_python_is_found():
    assert "3.11" in host.python_fault((3, 10, 12))


def test_lock_entry_is_the_package_with_all_its_hashes_and_nothing_else():
    entry = "uv==0.1 \\\n    --hash=sha256:aa \\\n    --hash=sha256:bb\n"
    lock = f"ur==1 \\\n    --hash=sha256:00\n{entry}    # via x\nuvicorn==2\n"
    assert lock_entry.entry_of("uv", lock) == entry


def test_package_that_is_not_locked_is_an_error():
    with pytest.raises(KeyError):
        lock_entry.entry_of("uv", "uvicorn==2\n")


def run_ruff(path: str, text: str) -> str:
    command = [sys.executable, "-m", "ruff", "check", "--output-format", "concise", "--stdin-filename", path, "-"]
    return subprocess.run(command, cwd=ROOT, input=text, capture_output=True, text=True, check=False).stdout


@pytest.mark.parametrize(
    "text",
    [
        "from time import monotonic\n\nprint(monotonic())\n",
        "import time\n\nNOW = time.time()\n",
        "from datetime import UTC, datetime\n\nNOW = datetime.now(UTC)\n",
        "import os\n\nHOME = os.environ['HOME']\n",
        "import random\n\nX = random.random()\n",
        "import numpy as np\n\nX = np.random.normal()\n",
    ],
)
def test_clock_chance_and_environment_are_banned_in_services_and_allowed_in_runtime(text: str):
    assert "TID251" in run_ruff("services/features/src/foretick/features/domain/x.py", text)
    assert "TID251" not in run_ruff("libs/common/src/foretick/common/runtime/x.py", text)


def test_seeded_randomness_is_allowed():
    text = (
        "import random\n\nimport numpy as np\n\nA = random.Random(1).random()\nB = np.random.default_rng(1).normal()\n"
    )
    assert "TID251" not in run_ruff("services/features/src/foretick/features/domain/x.py", text)


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of every member's sources, to be spoilt."""
    copy = tmp_path_factory.mktemp("tree")
    for package in sorted(ROOT.glob("*/*/src/foretick/*")):
        if package.is_dir() and package.name != "__pycache__":
            shutil.copytree(package, copy / "foretick" / package.name, ignore=shutil.ignore_patterns("__pycache__"))
    return copy


@pytest.mark.parametrize(
    ("module", "line", "contract"),
    [
        ("features/domain/spoilt.py", "import asyncio", "Contracts, domain and parsers"),
        ("ingest/adapters/binance/parse.py", "import time", "Contracts, domain and parsers"),
        ("quant/spoilt.py", "import foretick.common.runtime.bus", "Engines of market and quant"),
        ("gateway/domain/spoilt.py", "import foretick.features.ports", "Services never import each other"),
        ("market/spoilt.py", "import foretick.ingest.ports", "Libraries never import services"),
        ("common/spoilt.py", "import foretick.market.book", "Libraries are layered"),
        ("gateway/domain/spoilt.py", "import foretick.gateway.handlers", "One direction inside a service"),
        ("features/handlers/spoilt.py", "import foretick.features.settings", "Only the entry and the wiring"),
    ],
)
def test_import_in_the_wrong_direction_breaks_its_contract(tree: Path, module: str, line: str, contract: str):
    spoilt = tree / "foretick" / module
    before = spoilt.read_text() if spoilt.exists() else None
    try:
        spoilt.write_text((before or "") + f"\n{line}\n")
        program = Path(sys.executable).parent / "lint-imports"
        done = subprocess.run(
            [program, "--config", ROOT / "pyproject.toml", "--no-cache"], cwd=tree, capture_output=True, text=True,
            check=False, env={"PATH": os.environ["PATH"], "PYTHONPATH": str(tree), "NO_COLOR": "1"},
        )  # fmt: skip
    finally:
        if before is None:
            spoilt.unlink()
        else:
            spoilt.write_text(before)
    assert done.returncode == 1
    assert any(shown.startswith(contract) and shown.endswith("BROKEN") for shown in done.stdout.splitlines()), (
        done.stdout
    )
