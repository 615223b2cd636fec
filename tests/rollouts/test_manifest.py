"""The manifest for Kubernetes says what this project has, and all pods see the folder that it writes to."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

from teachrl.bench.suite import load_suite
from teachrl.cli.folders import check_lasting
from teachrl.config.yaml_files import parse, read_text

CLUSTER = Path("experiments/cluster")


def test_the_manifest_fits_this_project() -> None:
    manifest: Any = parse(read_text(CLUSTER / "kuberay.yaml"), "kuberay.yaml")
    spec = manifest["spec"]
    teachrl, bench, run, suite, *options = shlex.split(spec["entrypoint"])
    assert (teachrl, bench, run) == ("teachrl", "bench", "run")
    chosen = dict(zip(options[::2], options[1::2], strict=True))
    assert chosen["--budget"] in load_suite(suite.removeprefix("/home/ray/teachrl/")).budgets
    assert "WORKDIR /home/ray/teachrl\n" in (CLUSTER / "Dockerfile").read_text()
    check_lasting(Path(chosen["--output"]), "--output")
    cluster = spec["rayClusterSpec"]
    for group in (cluster["headGroupSpec"], *cluster["workerGroupSpecs"]):
        pod = group["template"]["spec"]
        (mount,) = pod["containers"][0]["volumeMounts"]
        assert chosen["--output"].startswith(f"{mount['mountPath']}/")
        assert mount["name"] == pod["volumes"][0]["name"]


def test_versions_are_those_of_the_constraints() -> None:
    pinned = dict(line.split("==") for line in Path("constraints.txt").read_text().splitlines() if "==" in line)
    image = (CLUSTER / "Dockerfile").read_text()
    assert f'rayVersion: "{pinned["ray"]}"' in (CLUSTER / "kuberay.yaml").read_text()
    assert f"rayproject/ray:{pinned['ray']}-py311" in image
    assert f"torch=={pinned['torch'].partition('+')[0]} " in image
