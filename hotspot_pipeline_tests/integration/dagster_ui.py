"""The user interface of an installation as a browser uses it: `hotspots ui` on a free port, asked over GraphQL."""

from __future__ import annotations

import json
import socket
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from hotspot_pipeline_tests.integration.installation import FORCE, Installation, Started

LOCATION = "hotspot_pipeline"
NIGHTLY = f"{FORCE}__nightly_crime"
_READY = """
{ workspaceOrError { ... on Workspace { locationEntries {
    name loadStatus locationOrLoadError { ... on RepositoryLocation { repositories { name } }
                                          ... on PythonError { message } } } } } }
"""
_LAUNCH = """
mutation ($params: ExecutionParams!) { launchRun(executionParams: $params) {
    __typename ... on LaunchRunSuccess { run { runId } } ... on PythonError { message } } }
"""
_RUN = """
query ($id: ID!) { runOrError(runId: $id) {
    ... on Run { status startTime endTime tags { key value }
                 stats { ... on RunStatsSnapshot { stepsSucceeded } } } } }
"""


@dataclass
class UserInterface:
    installation: Installation
    started: Started
    port: int

    def ask(self, query: str, **variables: Any) -> dict[str, Any]:
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}/graphql",
            data=json.dumps({"query": query, "variables": variables}).encode(),
            headers={"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=30) as response:
            answer = json.load(response)
        assert not answer.get("errors"), answer["errors"]
        return dict(answer["data"])

    def launch(self, job: str = NIGHTLY) -> str:
        """Launches the job as the button in the UI does; returns the run id."""
        selector = {
            "repositoryLocationName": LOCATION,
            "repositoryName": self._repository(),
            "jobName": job,
        }
        answer = self.ask(_LAUNCH, params={"selector": selector, "mode": "default"})["launchRun"]
        assert answer["__typename"] == "LaunchRunSuccess", answer
        return str(answer["run"]["runId"])

    def state(self, run_id: str) -> Mapping[str, Any]:
        """status, startTime, endTime, tags and n_steps of a run."""
        run = self.ask(_RUN, id=run_id)["runOrError"]
        return {
            **run,
            "tags": {t["key"]: t["value"] for t in run["tags"]},
            "n_steps": run["stats"].get("stepsSucceeded", 0),
        }

    def wait_for_end(self, run_id: str, timeout_s: float = 300.0) -> Mapping[str, Any]:
        wait_until(
            lambda: self.state(run_id)["status"] in ("SUCCESS", "FAILURE", "CANCELED"),
            f"the end of run {run_id}",
            timeout_s,
            about=lambda: f"{self.state(run_id)}\n{self.started.output[-3000:]}",
        )
        return self.state(run_id)

    def _repository(self) -> str:
        for entry in self.ask(_READY)["workspaceOrError"]["locationEntries"]:
            if entry["name"] == LOCATION:
                return str(entry["locationOrLoadError"]["repositories"][0]["name"])
        raise AssertionError(f"no location {LOCATION}")

    def is_ready(self) -> bool:
        try:
            entries = self.ask(_READY)["workspaceOrError"]["locationEntries"]
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            return False
        loaded = [e for e in entries if e["loadStatus"] == "LOADED" and e["locationOrLoadError"]]
        return any(e["locationOrLoadError"].get("repositories") for e in loaded)


def start_ui(installation: Installation) -> UserInterface:
    """Starts `hotspots ui` and waits until it has loaded the definitions."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    found = UserInterface(installation, installation.start("ui", "--port", str(port)), port)
    wait_until(
        found.is_ready,
        "the user interface",
        180.0,
        about=lambda: found.started.output[-3000:],
    )
    return found


def wait_until(
    is_so: Callable[[], bool],
    what: str,
    timeout_s: float,
    about: Callable[[], str] = lambda: "",
    pause_s: float = 0.25,
) -> None:
    """Polls; after `timeout_s` an AssertionError that says what was waited for."""
    deadline = time.monotonic() + timeout_s
    while not is_so():
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {timeout_s:.0f} s for {what}: {about()}")
        time.sleep(pause_s)
