"""PyTorch with the same weights: eager, one text at a time, or Hugging Face's `pipeline` as in its documentation."""

import argparse
from collections.abc import Sequence

import torch
import transformers
from transformers import AutoModelForSequenceClassification, AutoTokenizer, pipeline

from tests.peers.answering import LABELS, Classify, label_texts

CHECKPOINT = ".peers/checkpoint"


def eager() -> Classify:
    """Return a function that runs the model on one text at a time, at its exact length."""
    tokenizer = AutoTokenizer.from_pretrained(CHECKPOINT)
    model = AutoModelForSequenceClassification.from_pretrained(CHECKPOINT).eval()

    def classify(texts: Sequence[str]) -> list[int]:
        tokens = (tokenizer(text, truncation=True, max_length=128, return_tensors="pt") for text in texts)
        with torch.inference_mode():
            return [int(model(**one).logits.argmax()) for one in tokens]

    return classify


def piped() -> Classify:
    """Return a function that runs the pipeline on all texts at once."""
    classifier = pipeline("text-classification", model=CHECKPOINT, device="cpu")

    def classify(texts: Sequence[str]) -> list[int]:
        return [LABELS.index(found["label"]) for found in classifier(list(texts), truncation=True, max_length=128)]

    return classify


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--pipeline", action="store_true")
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    classify = piped() if options.pipeline else eager()
    label_texts(classify, library=f"torch {torch.__version__}, transformers {transformers.__version__}")


if __name__ == "__main__":
    main()
