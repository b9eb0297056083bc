import pytest

from X2CTLib.errors import InputError
from X2CTTrainingLib.adjustments import adjusted, need


def test_what_is_not_adjusted_is_the_experiments():
    tables = adjusted("x2ct-gan-biplanar", length=0.5, learning_rate=1e-3, batch=4, width=0.25, precision="32-true")
    assert [stage["epochs"] for stage in tables["stages"]] == [25, 25]
    assert [stage["learning_rate"] for stage in tables["stages"]] == [
        pytest.approx([1e-3, 1e-3]),
        pytest.approx([1e-3, 0]),
    ]
    assert (tables["optimiser"]["batch"], tables["network"]["width"], tables["run"]["precision"]) == (
        4,
        0.25,
        "32-true",
    )
    assert tables["losses"] == adjusted("x2ct-gan-biplanar")["losses"]


def test_impossible_numbers_are_named():
    with pytest.raises(InputError, match="width"):
        adjusted("x2ct-gan-biplanar", width=40.0)


def test_the_need_is_that_of_the_papers_networks():
    """61.7 million parameters of the generator and 11.1 million of the discriminator (paper, section 4)."""
    paper = need(adjusted("x2ct-gan-biplanar"), cases=1000)
    assert paper.parameters == pytest.approx(61.7e6 + 11.1e6, rel=0.005)
    assert paper.disk_bytes > 1000 * 2 * 128**3
    # Weights, gradients, Adam's two means, and the average of the generator; and what the layers keep.
    assert paper.memory_bytes > 4 * (4 * paper.parameters + 61.7e6)
    narrow = need(adjusted("x2ct-gan-biplanar", width=0.25), cases=1000)
    assert narrow.memory_bytes < paper.memory_bytes / 2
    coarse = need(adjusted("x2ct-gan-biplanar", "small"), cases=1000)
    assert coarse.memory_bytes < narrow.memory_bytes, "half of the resolution"
