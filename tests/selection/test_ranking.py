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
    selected = aggregate([{"b": 0.5, "a": 0.5}], n_columns=1)
    assert [column.name for column in selected] == ["a"]


def test_shares_add_up_over_models():
    selected = aggregate([{"a": 0.5, "b": 0.4}, {"b": 0.3, "c": 0.6}], n_columns=2)
    assert [column.name for column in selected] == ["b", "c"]
    assert selected[0] == SelectedColumn(name="b", gain=0.7, n_models=2)


def test_model_with_more_gain_counts_no_more_than_another():
    tops = [top_columns(np.array([9e9, 0.0]), ["a", "b"]), top_columns(np.array([0.0, 1.0]), ["a", "b"])]
    assert {column.gain for column in aggregate(tops, n_columns=2)} == {1.0}


def test_fewer_columns_than_asked_for_are_all_given():
    assert len(aggregate([{"a": 1.0}], n_columns=10)) == 1
