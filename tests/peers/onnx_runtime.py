"""ONNX Runtime with the same weights in 8 bits; batches are padded to their longest tweet."""

import argparse
import itertools
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import onnxruntime
from tokenizers import Tokenizer

from tests.peers.answering import batches_of_like_length, label_texts


class OnnxRuntime:
    """Parallel sessions with one thread each; several threads per inference were slower."""

    def __init__(self, model: str, tokenizer: str, batch: int, sessions: int) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        providers = ["CPUExecutionProvider"]
        self._sessions = [onnxruntime.InferenceSession(model, options, providers) for _ in range(sessions)]
        self._threads = ThreadPoolExecutor(sessions)
        self._batch = batch
        self._tokenizer = Tokenizer.from_file(tokenizer)
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(128)

    def classify(self, texts: Sequence[str]) -> Sequence[int]:
        ids = [encoding.ids for encoding in self._tokenizer.encode_batch_fast(list(texts))]
        batches = batches_of_like_length(ids, self._batch)
        shares = [batches[first :: len(self._sessions)] for first in range(len(self._sessions))]
        columns = np.empty(len(ids), dtype=int)

        def work(session: onnxruntime.InferenceSession, share: list[list[int]]) -> None:
            for places in share:
                columns[places] = self._infer(session, [ids[place] for place in places])

        list(self._threads.map(work, self._sessions, shares))
        return [int(column) for column in columns]

    def _infer(self, session: onnxruntime.InferenceSession, rows: Sequence[Sequence[int]]) -> list[int]:
        padded = np.array(list(itertools.zip_longest(*rows, fillvalue=0)), dtype=np.int64).T
        logits = session.run(None, {"input_ids": padded, "attention_mask": (padded != 0).astype(np.int64)})[0]
        return [int(row.argmax()) for row in logits]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--model", default=".peers/minilm-int8.onnx")
    parser.add_argument("--tokenizer", default=".peers/checkpoint/tokenizer.json")
    parser.add_argument("--batch", type=int, default=1)
    parser.add_argument("--sessions", type=int, default=1)
    options = parser.parse_args()
    peer = OnnxRuntime(options.model, options.tokenizer, options.batch, options.sessions)
    label_texts(peer.classify, library=f"onnxruntime {onnxruntime.__version__}")


if __name__ == "__main__":
    main()
