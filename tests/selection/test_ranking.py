"""From gains to one list."""

import numpy as np

from fleetcast.selection.ranking import SelectedColumn, aggregate, top_columns


def test_top_columns_are_shares_of_all_gain_best_first():
    top = top_columns(np.array([1.0, 5.0, 0.0, 4.0]), ["a", "b", "c", "d"], n_top=2)
    assert list(top.items()) == [("b", 0.5), ("d", 0.4)]


def test_columns_without_gain_are_in_no_list():
    assert top_columns(np.zeros(2), ["a", "b"]) == {}


def test_ties_are_broken_by_name():
    assert list(top_columns(np.ones(3), ["b", "c", "a"], n_top=2)) == ["a", "b"]
    selected = aggregate([{"b": 0.5, "a": 0.5}, {"a": 0.5, "b": 0.5}], n_columns=1)
    assert [column.name for column in selected] == ["a"]


def test_places_add_up_over_models():
    selected = aggregate([{"a": 0.5, "b": 0.4}, {"c": 0.6, "b": 0.3}], n_columns=2)
    assert [column.name for column in selected] == ["b", "a"]
    assert selected[0] == SelectedColumn(name="b", score=2 / 62, gain=0.7, n_models=2)
    assert selected[1].score == 1 / 61


def test_model_with_more_gain_counts_no_more_than_another():
    tops = [top_columns(np.array([9e9, 0.0]), ["a", "b"]), top_columns(np.array([0.0, 1.0]), ["a", "b"])]
    assert {column.score for column in aggregate(tops, n_columns=2)} == {1 / 61}


def test_high_in_several_lists_beats_first_in_one():
    several = [{"x": 0.6, "both": 0.2}, {"y": 0.6, "both": 0.2}]
    assert aggregate(several, n_columns=1)[0].name == "both"


def test_fewer_columns_than_asked_for_are_all_given():
    assert len(aggregate([{"a": 1.0}], n_columns=10)) == 1
