import numpy as np
import pytest

from fleetcast.sequence.confusion import BinaryF1, MacroF1, Matthews

rng = np.random.default_rng(0)
Y = rng.integers(0, 2, (300, 1)).astype(np.float32)
P = np.clip(Y * 0.2 + rng.uniform(0, 0.9, (300, 1)), 0, 1).astype(np.float32)


def counts() -> tuple[int, int, int, int]:
    pairs = [(bool(y), bool(p > 0.5)) for y, p in zip(Y[:, 0], P[:, 0], strict=True)]
    return tuple(pairs.count(kind) for kind in ((True, True), (False, True), (True, False), (False, False)))


def in_batches(metric) -> float:
    for at in range(0, 300, 70):  # uneven batches
        metric.update_state(Y[at : at + 70], P[at : at + 70])
    return float(metric.result())


def test_macro_f1_is_the_mean_of_both_classes_over_all_rows() -> None:
    hit, false_up, missed, true_down = counts()
    up = 2 * hit / (2 * hit + false_up + missed)
    down = 2 * true_down / (2 * true_down + false_up + missed)
    assert in_batches(MacroF1("f")) == pytest.approx((up + down) / 2, abs=1e-6)
    assert in_batches(BinaryF1("f")) == pytest.approx(up, abs=1e-6)


def test_matthews_is_the_correlation_of_labels_and_predictions() -> None:
    assert in_batches(Matthews("m")) == pytest.approx(np.corrcoef(Y[:, 0], P[:, 0] > 0.5)[0, 1], abs=1e-5)


def test_always_up_is_worth_little_to_macro_f1_and_nothing_to_matthews() -> None:
    ones = np.ones_like(Y)
    macro, binary, matthews = MacroF1("a"), BinaryF1("b"), Matthews("c")
    for metric in (macro, binary, matthews):
        metric.update_state(Y, ones)
    assert float(macro.result()) < 0.5 < float(binary.result())
    assert float(matthews.result()) == 0
