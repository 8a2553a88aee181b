"""Implementation of `starling train`: adaptation, distillation and fine-tuning, one file per concern."""
