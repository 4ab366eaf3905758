"""Trailing windows equal plain slices, whatever the chunks."""

import statistics

import numpy as np
import pytest

from fleetcast.data import windows
from fleetcast.data.windows import chunks, mean, standard_deviation, trailing


def test_trailing_windows_end_with_their_bar_and_are_missing_while_history_is_short():
    values = np.random.default_rng(0).normal(size=30)
    t = np.array([0, 3, 4, 17, 29])
    found = trailing(values, t, n_bars=5, reduce=mean)
    assert np.isnan(found[:2]).all()
    assert found[2:] == pytest.approx([values[i - 4 : i + 1].mean() for i in (4, 17, 29)])


def test_series_shorter_than_the_window_gives_nothing():
    assert np.isnan(trailing(np.ones(3), np.array([0, 1, 2]), n_bars=5, reduce=mean)).all()


def test_chunks_cover_every_window_once():
    wide = windows.CHUNK_VALUES // 10
    parts = list(chunks(25, n_bars=wide))
    assert [len(range(25)[part]) for part in parts] == [10, 10, 5]
    assert [place for part in parts for place in range(25)[part]] == list(range(25))


def test_standard_deviation_divides_by_one_less_than_the_window():
    rows = np.random.default_rng(1).normal(size=(4, 7))
    assert standard_deviation(rows) == pytest.approx([statistics.stdev(row) for row in rows.tolist()])


def test_standard_deviation_of_a_constant_is_exactly_zero():
    assert standard_deviation(np.full((1, 20), np.log(0.1))).tolist() == [0.0]
