"""The wheel, installed where there is no clone: it deploys, and its worker works."""

from __future__ import annotations

import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from tests.conftest import Place, run_in_process
from tests.prefect_server import MAKE_POOL, PrefectServer
from tests.rights_shop import counted

ROOT = Path(__file__).resolve().parents[2]


def done(*command: str | Path, cwd: Path = ROOT) -> str:
    ended = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel and install it, beside the packages of this environment; give the folder of its commands."""
    place = tmp_path_factory.mktemp("wheel")
    done(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", place)
    (wheel,) = place.glob("*.whl")
    done(sys.executable, "-m", "venv", "--without-pip", place / "env")
    commands = place / "env/bin"
    uv = Path(sys.executable).with_name("uv")
    done(uv, "pip", "install", "--offline", "--no-deps", "--python", commands / "python", wheel)
    (packages,) = (place / "env").glob("lib/python*/site-packages")
    (packages / "dependencies.pth").write_text(sysconfig.get_path("purelib"))
    return commands


@pytest.mark.long
def test_the_wheel_deploys_and_works_where_there_is_no_clone(
    installed: Path, orchestrator: PrefectServer, rights_once: Place, tmp_path: Path
) -> None:
    python, elsewhere = str(installed / "python"), tmp_path / "elsewhere"
    elsewhere.mkdir()
    assert done(python, "-c", "import flows; print(flows.__file__)", cwd=elsewhere).startswith(str(installed.parent))
    assert "refresh, retention, erasure-intake" in done(installed / "sluis", "deployments", cwd=elsewhere)
    orchestrator.prefect(*MAKE_POOL, cwd=elsewhere)

    deployed = orchestrator.prefect("deploy", "--all", python=python, cwd=elsewhere)

    assert deployed.returncode == 0, deployed.stdout + deployed.stderr
    place = Place(tmp_path / "shop")
    shutil.copytree(rights_once.folder, place.folder)
    before = place.fingerprint()
    environment = {**place.environment, "SLUIS_HOME": str(elsewhere)}
    with orchestrator.worker(environment, tmp_path / "worker.log", python):
        for deployment in ("refresh-warehouse/refresh", "apply-retention/retention", "take-requests-in/erasure-intake"):
            started = orchestrator.start(deployment)
            assert started.status_code == 201, started.text
            run = orchestrator.wait_for(started.json()["id"])
            assert run["state"]["name"] == "Completed", run["state"]["message"]
    assert place.fingerprint() != before
    assert counted(place)["sales"] == 14


def test_declarations_are_written_once_and_never_over_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    outcome = run_in_process("deployments", "--output", "json")

    assert outcome.json["deployments"] == ["refresh", "retention", "erasure-intake", "replay", "approve"]
    assert Path("prefect.yaml").read_bytes() == (ROOT / "prefect.yaml").read_bytes()
    Path("prefect.yaml").write_text("mine")

    again = run_in_process("deployments", "--output", "json")

    assert (again.exit_code, again.json["error"]["kind"]) == (2, "usage")
    assert Path("prefect.yaml").read_text() == "mine"
    assert [file.name for file in tmp_path.iterdir()] == ["prefect.yaml"]
