"""The model: bundle, tokenizer, classifier, parallelism, bulk classification, operation counts."""
