"""Soft labels from MPNet teachers, trained on a GPU with PyTorch.

Two programs, each with `--help`, make the files of `training/soft_labels/`:

    python -m training.teachers.sentiment
    python -m training.teachers.reputation

They need torch, tokenizers and safetensors beside the edge service's requirements, and a GPU with 80 GB for ten
teachers at once. Only `keys` and `order` work without torch.
"""
