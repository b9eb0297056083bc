"""The one place that decides where and in which precision the networks run."""

import os

import torch

from X2CTLib.errors import InputError

# Huge pages for large tensors (torch reads this at its first one): a volume of features in fresh small pages costs a
# processor about as much as computing it.
os.environ.setdefault("THP_MEM_ALLOC_ENABLE", "1")


def choose_device(name: str = "auto") -> torch.device:
    """The device of a name: "auto" (CUDA where there is one), "cpu", "cuda", "cuda:1" ...

    Raises:
        InputError: This machine has no such device.
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
        if device.type not in ("cpu", "cuda"):
            raise RuntimeError(device.type)
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        raise InputError(f"This machine cannot compute on '{name}'; use 'cpu' or 'auto'.") from error
    return device


PRECISIONS = {"float32": torch.float32, "bfloat16": torch.bfloat16}


def choose_precision(name: str, device: torch.device) -> torch.dtype:
    """One of `PRECISIONS` by its name; "auto": bfloat16 where the device multiplies it faster than float32.

    Raises:
        InputError: There is no such precision.
    """
    if name in PRECISIONS:
        return PRECISIONS[name]
    if name != "auto":
        raise InputError(f"There is no precision '{name}'; use {', '.join(PRECISIONS)} or auto.")
    if device.type == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported(including_emulation=False) else torch.float32
    # AMX and AVX-512 BF16; other processors emulate bfloat16 slowly.
    capabilities = torch.cpu.get_capabilities()
    fast = capabilities.get("amx_bf16") or capabilities.get("avx512_bf16")
    return torch.bfloat16 if fast else torch.float32
