"""The weights that were fitted offline are those of the sentences that lie beside them."""

import numpy as np
import pytest

from normalizers import training
from normalizers.text import weights
from normalizers.text.weights import Sentence, naive_bayes, naive_bayes_of_classes, weights_of

SENTENCES = (Sentence(("fire",), "窗帘黑了"), Sentence(("fire", "smoke"), "楼道有烟"), Sentence((), "窗帘洗不干净"))


def test_the_file_holds_what_is_fitted_from_the_sentences() -> None:
    """Run `python -m normalizers.training` after a change of them."""
    anew, found = training.fitted_anew(), weights.offline()
    assert sorted(found) == sorted({name.rpartition(".")[0] for name in anew})
    for name, there in found.items():
        fitted = weights.read(anew, name)
        assert there.labels == fitted.labels
        assert np.array_equal(there.keys, fitted.keys)
        assert np.array_equal(there.label_keys, fitted.label_keys)
        # Logarithms differ in the last bit from processor to processor.
        for one, other in ((there.told, fitted.told), (there.bias, fitted.bias), (there.by_label, fitted.by_label)):
            np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-9)


@pytest.mark.parametrize("fit", [naive_bayes, naive_bayes_of_classes], ids=lambda fit: fit.__name__)
def test_what_was_written_is_read_bit_by_bit(fit: weights.Fit) -> None:
    fitted = fit(SENTENCES)
    read = weights.read(weights.written("x", fitted), "x")
    assert [np.asarray(one).tobytes() for one in read] == [np.asarray(one).tobytes() for one in fitted]


def test_weights_of_other_sentences_are_fitted() -> None:
    """A city's own: one word more, or another label, and the file has nothing for them."""
    relabelled = (Sentence(("smoke",), "窗帘黑了"), *SENTENCES[1:])
    made = [weights_of(naive_bayes, one) for one in (SENTENCES, relabelled)]
    assert [one.labels for one in made] == [("fire", "smoke")] * 2
    assert not np.array_equal(made[0].by_label, made[1].by_label)
