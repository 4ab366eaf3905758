import csv
import io
import json
import re
from html.parser import HTMLParser

import pytest

from fleetcast.store.manifests import StageFolder
from fleetcast.store.objects import Store
from fleetcast.tuning.artifacts import PLOTS, write_artifacts
from fleetcast.tuning.messages import StudyTrials
from fleetcast.tuning.space import Params, load_space
from found_studies import find_study, plan_of, result_of

FILES = {
    *("study_summary.json", "all_trials.json", "trials_dataframe.csv"),
    *("history.html", "importances.html", "parallel_coordinates.html", "slice.html"),
}


def score(point: Params) -> float:
    return float(point["learning_rate"]) + point["max_depth"] / 50


def write(store: Store, found: StudyTrials) -> dict[str, bytes]:
    """The files that it writes for a family."""
    planned, folder = plan_of(found), StageFolder(store, "result", key="key")
    results = [
        result_of(planned, trial, seconds=1.5) for trial in found.trials if trial.state in ("complete", "pruned")
    ]
    write_artifacts(folder, planned, found, results=results)
    written = folder.commit().outputs
    assert set(written) == {f"{planned.family_id}/{file}" for file in FILES}
    return {file: folder.read(f"{planned.family_id}/{file}") for file in FILES}


@pytest.fixture(scope="module")
def found() -> StudyTrials:
    return find_study(load_space("broad"), 14, score=score, ends=["pruned", "failed"])


@pytest.fixture(scope="module")
def files(found: StudyTrials, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    return write(Store(tmp_path_factory.mktemp("store").as_uri()), found)


class Links(HTMLParser):
    """All that a browser would fetch."""

    def __init__(self) -> None:
        super().__init__()
        self.fetched: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.fetched += [value or "" for name, value in attrs if name in ("src", "href", "xlink:href", "srcset")]
        if tag in ("script", "link", "iframe", "object"):
            self.fetched.append(tag)


def test_the_plots_are_drawn_and_need_no_network(files: dict[str, bytes]) -> None:
    for file, data in files.items():
        if not file.endswith(".html"):
            continue
        page = data.decode()
        parser = Links()
        parser.feed(page)
        assert all(link.startswith(("#", "data:image/png;base64,")) for link in parser.fetched), file
        assert not re.search(r"url\((?!#)|@import", page)
        assert "</svg>" in page
        assert "btc-w5-high" in page
        assert len(data) < 300_000
    assert set(PLOTS) == {file.removesuffix(".html") for file in FILES if file.endswith(".html")}


def test_the_same_study_gives_the_same_bytes(store: Store, found: StudyTrials, files: dict[str, bytes]) -> None:
    assert write(store, found) == files


def test_the_summary_says_how_the_study_went(files: dict[str, bytes], found: StudyTrials) -> None:
    summary = json.loads(files["study_summary.json"])
    assert summary["study"] == found.spec.name
    assert summary["n_by_state"] == {"complete": 12, "pruned": 1, "failed": 1}
    assert summary["cpu_seconds"] == pytest.approx(13 * 1.5)
    assert summary["structure_cpu_seconds"] == pytest.approx(13 * 0.3)
    assert len(summary["best_trials"]) == 10
    values = [trial["value"] for trial in summary["best_trials"]]
    assert values == sorted(values, reverse=True)
    assert summary["starts"] == [found.trials[0].params]
    assert set(summary["importances"]) == set(found.spec.space.parameters)


def test_every_trial_is_listed_and_the_failed_one_says_why(files: dict[str, bytes], found: StudyTrials) -> None:
    trials = json.loads(files["all_trials.json"])
    assert [trial["number"] for trial in trials] == list(range(14))
    assert trials[0]["params"] == found.trials[0].params
    assert trials[0]["result"]["folds"][0]["n_fit"] == 500
    assert trials[12]["state"] == "pruned"
    assert (trials[13]["reason"], "result" in trials[13]) == ("DataError: one class alone", False)
    rows = list(csv.DictReader(io.StringIO(files["trials_dataframe.csv"].decode())))
    assert [row["state"] for row in rows] == ["COMPLETE"] * 12 + ["PRUNED", "FAIL"]
    assert float(rows[3]["params_learning_rate"]) == found.trials[3].params["learning_rate"]
    assert float(rows[3]["value"]) == found.trials[3].value


@pytest.mark.parametrize("n_complete", [0, 2])
def test_too_few_trials_to_draw_are_said(store: Store, n_complete: int) -> None:
    ends = ["failed"] * (3 - n_complete)
    files = write(store, find_study(load_space("listed"), 3, score=score, ends=ends))
    if n_complete == 0:
        assert all(b"No trial was completed" in data for file, data in files.items() if file.endswith(".html"))
    else:
        assert b"Too few trials to say what decides" in files["importances.html"]
        assert b"</svg>" in files["history.html"]
