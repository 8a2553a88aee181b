"""Fine-tuning, adaptation and distillation: what `starling train` does, a file for each concern."""
