"""The networks run the plain way, as the paper's release does: the same layers and weights without any shortcut.

Volumes are contiguous, what a view gives is repeated before it is convolved, and each decoder ends in its 7x7x7
convolution. It is what the fast way is measured against, in speed and in what it answers.
"""

import copy

import torch
import torch.nn.functional as F
from torch import nn

from X2CTLib.networks.connections import ConnectionA, ConnectionB
from X2CTLib.networks.generator import Branch, Head
from X2CTLib.networks.normalisation import VolumeNorm
from X2CTTrainingLib.discriminator import Discriminator

ENVIRONMENT = {"THP_MEM_ALLOC_ENABLE": "0"}
"""Of a process in which networks run the plain way."""


class _ConnectionA(ConnectionA):
    def forward(self, features):
        return torch.relu(self.dropout(self.linear(features.mean(dim=(2, 3))))).unflatten(1, self.shape)


class _ConnectionB(ConnectionB):
    def forward(self, features):
        volume = self.match(features).unsqueeze(self.axis).repeat_interleave(features.shape[-1], dim=self.axis)
        for convolution in self.encode:
            volume = torch.relu(F.instance_norm(convolution(volume)))
        return self.merge(volume)


class _Branch(Branch):
    def forward(self, image, levels):
        volumes = super().forward(image, levels)
        self.head(volumes[-1])
        return volumes


class _Head(Head):
    forward = nn.Conv3d.forward


_PLAIN = {
    ConnectionA: _ConnectionA,
    ConnectionB: _ConnectionB,
    Branch: _Branch,
    Head: _Head,
    VolumeNorm: nn.InstanceNorm3d,
}


def plain(network: nn.Module) -> nn.Module:
    """A copy of a generator or discriminator that gives the same, the plain way."""
    copied = copy.deepcopy(network).to(memory_format=torch.contiguous_format)
    for module in list(copied.modules()):
        if isinstance(module, Branch):
            module.__dict__["head"] = copied.head  # lent: its weights are counted once
        elif isinstance(module, Discriminator):
            module.layers.register_forward_pre_hook(lambda layers, inputs: inputs[0].contiguous())
        module.__class__ = _PLAIN.get(type(module), type(module))
    return copied
