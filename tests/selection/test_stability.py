"""Agreement of lists, with numbers worked out by hand."""

import numpy as np
import pytest

from fleetcast.selection.stability import Agreement, all_pairs, describe_stability, mean_agreement, probed


def test_equal_lists_agree_wholly():
    assert mean_agreement([(["a", "b"], ["b", "a"])], n_columns=10) == Agreement(jaccard=1, kuncheva=1, n_pairs=1)


def test_jaccard_and_kuncheva_of_two_lists():
    """Two of four in common: 2/6; of ten columns chance gives 1.6 of at most 4."""
    found = mean_agreement([("abcd", "cdef")], n_columns=10)
    assert found.jaccard == pytest.approx(2 / 6, abs=1e-4)
    assert found.kuncheva == pytest.approx((2 - 1.6) / (4 - 1.6), abs=1e-4)


def test_lists_of_different_lengths():
    found = mean_agreement([("ab", "bcdef")], n_columns=20)
    assert found.jaccard == pytest.approx(1 / 6, abs=1e-4)
    assert found.kuncheva == pytest.approx((1 - 0.5) / (2 - 0.5), abs=1e-4)


def test_random_lists_agree_by_chance_alone():
    random = np.random.default_rng(0)
    lists = [set(map(str, random.choice(500, 100, replace=False))) for _ in range(20)]
    found = mean_agreement(all_pairs(lists), n_columns=500)
    assert found.n_pairs == 190
    assert abs(found.kuncheva) < 0.02
    assert found.jaccard > 0.1


def test_mean_is_over_pairs():
    found = mean_agreement(all_pairs(["ab", "bc", "ab"]), n_columns=4)
    assert found.jaccard == pytest.approx((1 / 3 + 1 + 1 / 3) / 3, abs=1e-4)


def test_lists_of_all_columns_agree():
    assert mean_agreement([("ab", "ab")], n_columns=2).kuncheva == 1


@pytest.mark.parametrize("pairs", [[], [((), ("a",))], all_pairs(["a"])])
def test_nothing_to_compare_is_unknown(pairs):
    assert mean_agreement(pairs, n_columns=5) is None


def test_one_in_six_models_is_probed_and_at_least_two():
    assert probed(12) == [0, 6]
    assert probed(36) == [0, 6, 12, 18, 24, 30]
    assert probed(1) == [0]


def test_what_is_compared_with_what():
    """Three models; two probes of them: another seed, then two folds for the first and one for the second."""
    own = [{"a": 0.5, "b": 0.5}, {"c": 1.0}, {"a": 1.0}]
    again = [{"a": 1.0}, {"x": 1.0}, {"x": 1.0}, {"c": 1.0}, {"y": 1.0}]
    found = describe_stability([*own, *again], [3, 2], n_kept=10, n_columns=2)
    assert found["variants"] == {"jaccard": 0.1667, "kuncheva": 0.213, "n_pairs": 3}
    assert found["seeds"]["jaccard"] == pytest.approx((1 / 2 + 1) / 2)
    assert found["folds"] == {"jaccard": 1.0, "kuncheva": 1.0, "n_pairs": 1}
    assert found["halves"]["jaccard"] == 0.0


def test_one_model_has_no_other_variant_to_agree_with():
    found = describe_stability([{"a": 1.0}, {"a": 1.0}], [1], n_kept=10, n_columns=2)
    assert found["variants"] is found["folds"] is found["halves"] is None
    assert found["seeds"]["kuncheva"] == 1.0
