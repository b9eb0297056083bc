import pytest
import torch
from torch import nn

from X2CTLib.errors import ModelError
from X2CTLib.geometry import View
from X2CTLib.networks.catalogue import build_network
from X2CTLib.networks.connections import MISSING_AXIS, ConnectionB, ConnectionC
from X2CTLib.networks.encoder import DenseLayer
from X2CTLib.networks.generator import Generator, Head
from X2CTLib.networks.normalisation import VolumeNorm
from X2CTLib.networks.single_image import SingleImageNetwork

ARCHITECTURES = {
    "XC+B": {"kind": "x2ct", "views": ["PA", "LATERAL"], "connections": ["A", "B", "C"], "dropout": 0.2},
    "XC+B without CB and CC": {"kind": "x2ct", "views": ["PA", "LATERAL"], "connections": ["A"]},
    "XC+S": {"kind": "x2ct", "views": ["PA"], "connections": ["A", "B"]},
    "XC+S without CB": {"kind": "x2ct", "views": ["LATERAL"], "connections": ["A"]},
    "2DCNN": {"kind": "2dcnn", "views": ["LATERAL"]},
}
"""The networks of tables 1 and 2."""

# The authors' configuration, from the finest resolution to the coarsest: of the encoder, ...
ENCODER_CHANNELS = [64, 128, 256, 512, 512, 704]
DENSE_LAYERS = [6, 12, 24, 16, 6]
GROWTH, BOTTLENECK = 32, 128
# ... of Connection-B, and of the decoders.
SKIP_CHANNELS = [16, 16, 32, 64, 128]
DECODER_CHANNELS = [16, 16, 32, 64, 128, 256]


def millions(module: nn.Module) -> float:
    return sum(parameter.numel() for parameter in module.parameters()) / 1e6


def test_the_full_networks_have_the_papers_parameters():
    assert millions(Generator()) == pytest.approx(61.7, rel=0.01)
    assert millions(Generator([View.PA])) == pytest.approx(29.4, rel=0.01)


def test_the_full_networks_have_the_papers_channels():
    generator = Generator()
    for branch in generator.branches.values():
        assert [branch.encoder.stem.out_channels, *(s.out_channels for s in branch.encoder.stages)] == ENCODER_CHANNELS
        assert [len(stage.dense) for stage in branch.encoder.stages] == DENSE_LAYERS
        layers = [module for module in branch.encoder.modules() if isinstance(module, DenseLayer)]
        assert {(layer.layers[2].out_channels, layer.layers[5].out_channels) for layer in layers} == {
            (BOTTLENECK, GROWTH)
        }
        assert branch.bridge.linear.in_features == ENCODER_CHANNELS[-1]
        assert branch.bridge.shape == (DECODER_CHANNELS[-1], 4, 4, 4)
        matches = [skip.match[0] for skip in reversed(branch.skips)]
        assert [match.in_channels for match in matches] == ENCODER_CHANNELS[:-1]
        assert [match.out_channels for match in matches] == SKIP_CHANNELS
    for decoder in (*generator.branches.values(), generator.fusion):
        ups = [level.up[0] for level in reversed(decoder.levels)]
        assert [up.in_channels for up in ups] == DECODER_CHANNELS[1:]
        assert [up.out_channels for up in ups] == DECODER_CHANNELS[:-1]
    assert generator.head.weight.shape == (1, DECODER_CHANNELS[0], 7, 7, 7)


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_every_network_makes_cubes_and_learns_with_every_parameter(name):
    torch.manual_seed(0)
    network = build_network({**ARCHITECTURES[name], "width": 0.1})
    nn.init.normal_(network.head.weight)
    images = torch.rand(1, len(network.views), network.pixels, network.pixels)
    with torch.autocast("cpu", torch.bfloat16):
        fine = network(images).float()
        fine.square().mean().backward()
        with torch.inference_mode():
            assert network(images, coarse=True).shape == (1, 64, 64, 64)
    assert fine.shape == (1, 128, 128, 128)
    assert [key for key, parameter in network.named_parameters() if parameter.grad is None] == []


@pytest.mark.parametrize(
    ("architecture", "message"),
    [
        ({"kind": "unet", "views": ["PA"]}, "no network of kind 'unet'"),
        ({"views": ["PA"]}, "x2ct, lifting, 2dcnn"),
        ({"kind": "x2ct", "views": ["AP"]}, "PA, LATERAL, not at AP"),
        ({"kind": "x2ct"}, "not at none"),
        ({"kind": "x2ct", "views": "PA"}, "list of names"),
        ({"kind": "x2ct", "views": ["PA", "PA"]}, "not at PA, PA"),
        ({"kind": "2dcnn", "views": ["PA", "LATERAL"]}, "looks at one of"),
        ({"kind": "2dcnn", "views": ["PA"], "dropout": 0.5}, "no 'dropout'"),
        ({"kind": "x2ct", "views": ["PA"], "width": float("nan")}, "width"),
        ({"kind": "x2ct", "views": ["PA"], "dropout": 1}, "dropout"),
        ({"kind": "x2ct", "views": ["PA", "LATERAL"], "connections": ["A", "B"]}, "B and C as one module"),
        ({"kind": "x2ct", "views": ["PA", "LATERAL"], "connections": ["A", "C"]}, "B and C as one module"),
        ({"kind": "x2ct", "views": ["PA"], "connections": ["A", "B", "C"]}, "nothing to fuse"),
    ],
)
def test_networks_that_do_not_exist_are_refused(architecture, message):
    with pytest.raises(ModelError, match=message):
        build_network(architecture)


@pytest.mark.parametrize("name", ["XC+B", "XC+S", "XC+B without CB and CC", "XC+S without CB"])
def test_only_connection_b_tells_where_in_a_radiograph_something_is(name):
    """Mirroring the encoders' maps leaves what Connection-A sees of them, their means, as it was."""
    torch.manual_seed(0)
    network = build_network({**ARCHITECTURES[name], "width": 0.1}).eval()
    images = torch.rand(1, len(network.views), 128, 128)
    with torch.inference_mode():
        straight = network(images, coarse=True)
        for branch in network.branches.values():
            branch.encoder.register_forward_hook(lambda module, inputs, maps: [m.flip(3) for m in maps])
        mirrored = network(images, coarse=True)
    assert torch.allclose(straight, mirrored, atol=1e-4) == ("without" in name)


def test_without_connection_b_one_decoder_begins_with_the_average_of_both_views():
    torch.manual_seed(0)
    network = Generator(width=0.1, connections=["A"]).eval()
    bridged, begun = [], []
    for branch in network.branches.values():
        assert not branch.levels
        branch.bridge.register_forward_hook(lambda module, inputs, volume: bridged.append(volume))
    network.fusion.levels[0].register_forward_pre_hook(lambda module, inputs: begun.append(inputs[0]))
    with torch.inference_mode():
        network(torch.rand(1, 2, 128, 128), coarse=True)
    assert torch.equal(begun[0], (bridged[0] + bridged[1]) / 2)


@pytest.mark.parametrize("coarse", [False, True])
@pytest.mark.parametrize("view", View)
def test_the_2dcnn_keeps_left_posterior_and_up_where_they_are(view, coarse):
    """A bright spot high up and to the right of the image acts on the superior left, or superior posterior, voxels."""
    torch.manual_seed(0)
    network = SingleImageNetwork([view], width=0.25).eval()
    nn.init.normal_(network.head.weight)
    image = torch.rand(1, 1, 256, 256)
    spotted = image.clone()
    spotted[:, :, 36:44, 196:204] += 3
    with torch.inference_mode():
        change = (network(spotted, coarse) - network(image, coarse)).abs()[0]
    seen = change.mean(dim=MISSING_AXIS[view] - 2)
    up, right = divmod(seen.argmax().item(), seen.shape[1])
    assert up / len(seen) == pytest.approx(1 - 40 / 256, abs=0.04)
    assert right / len(seen) == pytest.approx(200 / 256, abs=0.04)


@pytest.mark.parametrize("axis", [3, 4])
def test_connection_b_equals_convolving_the_repeated_map(axis):
    """The shortcut over repeated planes against the plain way: repeat first, then convolve and normalise."""
    torch.manual_seed(0)
    connection, features = ConnectionB(6, 8, axis), torch.randn(2, 6, 16, 16)
    volume = connection.match(features).unsqueeze(axis).repeat_interleave(16, dim=axis)
    for convolution in connection.encode:
        volume = torch.relu(nn.functional.instance_norm(convolution(volume)))
    assert torch.allclose(connection(features), connection.merge(volume), atol=1e-4)


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 1e-5), (torch.bfloat16, 0.03)])
def test_volumes_are_normalised_as_by_torch_and_stay_in_the_fast_memory_format(dtype, tolerance):
    torch.manual_seed(0)
    features = (3 * torch.randn(2, 8, 9, 10, 11) + 2).to(dtype).contiguous(memory_format=torch.channels_last_3d)
    ours, theirs = (features.clone().requires_grad_() for _ in range(2))
    normal, expected = VolumeNorm(8)(ours), nn.functional.instance_norm(theirs.float())
    assert normal.is_contiguous(memory_format=torch.channels_last_3d)
    assert torch.allclose(normal.float(), expected, atol=tolerance)
    for output in (normal, expected):
        output.float().pow(3).sum().backward()
    assert torch.allclose(ours.grad.float(), theirs.grad.float(), atol=10 * tolerance)


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


def test_the_head_is_a_7x7x7_convolution():
    torch.manual_seed(0)
    head, features = Head(5), torch.randn(2, 5, 9, 10, 11)
    nn.init.normal_(head.weight)
    plain = nn.functional.conv3d(features, head.weight, head.bias, padding=3)
    assert torch.allclose(head(features), plain, atol=1e-4)


@pytest.mark.parametrize("name", ["XC+S", "2DCNN"])
def test_the_finest_level_begins_by_adding_nothing(name):
    torch.manual_seed(0)
    network = build_network({**ARCHITECTURES[name], "width": 0.1}).eval()
    images = torch.rand(1, 1, network.pixels, network.pixels)
    with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16):
        coarse, fine = network(images, coarse=True).float(), network(images).float()
    enlarged = nn.functional.interpolate(coarse[None], scale_factor=2, mode="trilinear")[0]
    assert torch.allclose(fine, enlarged, atol=1e-5)
