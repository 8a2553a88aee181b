"""Creates `.peers/minilm-int8.onnx` from `.peers/checkpoint` with ONNX Runtime's own dynamic quantisation."""

from pathlib import Path

import torch
from onnxruntime.quantization import QuantType, quantize_dynamic
from onnxruntime.quantization.shape_inference import quant_pre_process
from transformers import AutoModelForSequenceClassification

FOLDER = Path(".peers")


def main() -> None:
    model = AutoModelForSequenceClassification.from_pretrained(
        FOLDER / "checkpoint", attn_implementation="eager"
    ).eval()
    ids = torch.tensor([[101, 2023, 2003, 102], [101, 2023, 102, 0]])
    free = {0: "batch", 1: "tokens"}
    whole, prepared, small = (FOLDER / name for name in ("minilm.onnx", "minilm-prepared.onnx", "minilm-int8.onnx"))
    torch.onnx.export(
        model,
        (ids, (ids != 0).long()),
        str(whole),
        input_names=["input_ids", "attention_mask"],
        output_names=["logits"],
        dynamic_axes={"input_ids": free, "attention_mask": free, "logits": {0: "batch"}},
        dynamo=False,  # the new exporter fixes the batch size of the example
        opset_version=17,
    )
    quant_pre_process(str(whole), str(prepared), skip_symbolic_shape=True)
    quantize_dynamic(str(prepared), str(small), weight_type=QuantType.QInt8)


if __name__ == "__main__":
    main()
