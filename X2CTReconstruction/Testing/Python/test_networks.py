import pytest
import torch
from torch import nn

from X2CTLib.geometry import View
from X2CTLib.networks.connections import ConnectionB, ConnectionC
from X2CTLib.networks.encoder import Encoder
from X2CTLib.networks.generator import Generator, Head


def millions(module: nn.Module) -> float:
    return sum(parameter.numel() for parameter in module.parameters()) / 1e6


def test_the_full_networks_have_the_papers_parameters():
    assert millions(Generator()) == pytest.approx(61.7, rel=0.01)
    assert millions(Generator([View.PA])) == pytest.approx(29.4, rel=0.01)


def test_the_encoders_channels():
    assert Encoder().channels == [64, 128, 256, 512, 512, 704]


@pytest.mark.parametrize("views", [[View.PA], list(View)])
def test_128_pixels_give_128_voxels(views):
    generator = Generator(views, width=0.1).eval()
    with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16):
        images = torch.rand(1, len(views), 128, 128)
        assert generator(images).shape == (1, 128, 128, 128)
        assert generator(images, coarse=True).shape == (1, 64, 64, 64)


@pytest.mark.parametrize("axis", [3, 4])
def test_connection_b_equals_convolving_the_repeated_map(axis):
    """The shortcut over repeated planes against the plain way: repeat first, then convolve and normalise."""
    torch.manual_seed(0)
    connection, features = ConnectionB(6, 8, axis), torch.randn(2, 6, 16, 16)
    volume = connection.match(features).unsqueeze(axis).repeat_interleave(16, dim=axis)
    for convolution in connection.encode:
        volume = torch.relu(nn.functional.instance_norm(convolution(volume)))
    assert torch.allclose(connection(features), connection.merge(volume), atol=1e-4)


@pytest.mark.parametrize(("view", "axis"), [(View.PA, 3), (View.LATERAL, 4)])
def test_a_view_lies_along_the_axes_it_sees(view, axis):
    """A spot in a radiograph shows at its place in the two axes seen, half-way along the third."""
    torch.manual_seed(0)
    connection = ConnectionB(4, 8, axis)
    features = torch.zeros(1, 4, 16, 16)
    features[:, :, 13, 5] = 1
    plane = connection(features)[0].select(axis - 1, 8)[:, 2:-2, 2:-2]
    change = (plane - plane.flatten(1).median(dim=1).values[:, None, None]).abs().sum(dim=0)
    row, column = divmod(change.argmax().item(), 12)
    assert abs(row + 2 - 13) <= 1 and abs(column + 2 - 5) <= 1
    assert Generator([view], width=0.1).branches[view.name].skips[0].axis == axis


def test_connection_c_averages():
    assert torch.equal(
        ConnectionC()(torch.zeros(1, 1, 2, 2, 2), torch.ones(1, 1, 2, 2, 2)), torch.full((1, 1, 2, 2, 2), 0.5)
    )


def test_every_parameter_learns():
    torch.manual_seed(0)
    generator = Generator(width=0.1)
    nn.init.normal_(generator.head.weight)
    images = torch.rand(1, 2, 128, 128)
    with torch.autocast("cpu", torch.bfloat16):
        loss = generator(images).float().square().mean() + generator(images, coarse=True).float().square().mean()
    loss.backward()
    without = [name for name, parameter in generator.named_parameters() if parameter.grad is None]
    assert without == []


def test_the_head_is_a_7x7x7_convolution():
    torch.manual_seed(0)
    head, features = Head(5), torch.randn(2, 5, 9, 10, 11)
    nn.init.normal_(head.weight)
    plain = nn.functional.conv3d(features, head.weight, head.bias, padding=3)
    assert torch.allclose(head(features), plain, atol=1e-4)


def test_the_finest_level_begins_by_adding_nothing():
    torch.manual_seed(0)
    generator, images = Generator([View.PA], width=0.1).eval(), torch.rand(1, 1, 128, 128)
    with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16):
        coarse, fine = generator(images, coarse=True).float(), generator(images).float()
    enlarged = nn.functional.interpolate(coarse[None], scale_factor=2, mode="trilinear")[0]
    assert torch.allclose(fine, enlarged, atol=1e-5)
