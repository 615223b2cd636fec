"""Small neural networks, trees of tensors and isolated random generators."""
