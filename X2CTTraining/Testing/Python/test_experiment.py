import pytest

from X2CTLib.errors import InputError
from X2CTTrainingLib.experiment import FOLDER, Schedule, experiment_names, read_tables, scale_names
from X2CTTrainingLib.reconstruction_system import ReconstructionExperiment
from X2CTTrainingLib.systems import SYSTEMS, read_experiment

RECONSTRUCTIONS = [name for name in experiment_names() if read_tables(name)["system"] == "reconstruction"]
"""Those that make a volume."""


@pytest.fixture
def declared(tmp_path):
    """An experiment from the text of its file."""

    def read(text: str, scale: str = "paper") -> ReconstructionExperiment:
        path = tmp_path / "mine.toml"
        path.write_text(text, encoding="utf-8")
        return read_experiment(str(path), scale)

    return read


MINIMAL = 'system = "reconstruction"\nname = "mine"\n'


@pytest.mark.parametrize("scale", scale_names())
@pytest.mark.parametrize("name", RECONSTRUCTIONS)
def test_every_experiment_declares_something_possible(name, scale):
    assert read_experiment(name, scale).system in SYSTEMS


def test_every_row_of_the_papers_tables_has_its_experiment():
    rows = {
        (row.table, row.row): (row.psnr, row.ssim) for name in RECONSTRUCTIONS for row in read_experiment(name).rows
    }
    published = {
        1: [(23.10, 0.461), (23.12, 0.587), (27.29, 0.721), (22.30, 0.525), (26.19, 0.656)],
        2: [(22.46, 0.549), (23.12, 0.587), (24.84, 0.620), (27.29, 0.721)],
        3: [(17.38, 0.347), (25.82, 0.645), (26.05, 0.645), (26.19, 0.656)],
    }
    assert rows == {(table, n): row for table, rows in published.items() for n, row in enumerate(rows, start=1)}


def test_what_a_file_leaves_out_is_as_in_the_paper(declared):
    experiment = declared(MINIMAL)
    losses, optimiser = experiment.losses, experiment.optimiser
    assert (losses.adversarial, losses.reconstruction, losses.projection, losses.conditional) == (0.1, 10, 10, True)
    assert (optimiser.betas, optimiser.batch) == ((0.5, 0.99), 1)
    schedule = Schedule(experiment, epoch_samples=916)
    assert (schedule.steps, schedule.epochs) == (100 * 916, 100)
    assert schedule.at(49 * 916).learning_rate == schedule.at(0).learning_rate == 2e-4
    assert schedule.at(75 * 916).learning_rate == pytest.approx(1e-4)
    assert schedule.at(schedule.steps - 1).learning_rate < 1e-8
    assert schedule.at(50 * 916).begins_stage and not schedule.at(50 * 916 + 1).begins_stage


def test_steps_share_an_epoch_in_batches(declared):
    schedule = Schedule(declared(MINIMAL + "[optimiser]\nbatch = 4\n[[stages]]\nepochs = 3\n"), epoch_samples=10)
    assert (schedule.steps, schedule.epochs) == (8, 3)
    assert schedule.at(2).samples == range(8, 12)


def test_a_scale_changes_what_it_names_and_nothing_else():
    paper, small = (read_experiment("2dcnn", scale) for scale in ("paper", "small"))
    assert small.network.width < paper.network.width
    assert small.network.kind == paper.network.kind == "2dcnn"
    assert small.losses == paper.losses and small.rows == paper.rows


@pytest.mark.parametrize(
    ("text", "named"),
    [
        (MINIMAL + "[optimiser]\nbach = 2\n", "bach"),
        (MINIMAL + "[losses]\nreconstruction = -1\n", "losses.reconstruction"),
        (MINIMAL + "[[stages]]\nepochs = 5\nsteps = 5\n", "stages"),
        (MINIMAL + "[[stages]]\nsteps = 5\nlosses = ['projecton']\n", "projecton"),
        (MINIMAL + "[losses]\nreconstruction = 0\nprojection = 0\nadversarial = 0\n", "no loss"),
        ('name = "mine"\n', "system"),
        ('system = "reconstruction"\n', "name"),
        ('system = "segmentation of cats"\nname = "mine"\n', "system"),
        ("= 3\n", "TOML"),
    ],
)
def test_a_mistake_in_an_experiment_is_named(declared, text, named):
    with pytest.raises(InputError, match=named):
        declared(text)


def test_an_unknown_experiment_is_answered_with_those_that_exist():
    with pytest.raises(InputError, match="x2ct-gan-biplanar"):
        read_experiment("x2ct-gun")
    assert (FOLDER / "x2ct-gan-biplanar.toml").is_file()
