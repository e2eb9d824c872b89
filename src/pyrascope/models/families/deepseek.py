"""DeepSeek-OCR 2 and UnlimitedOCR, whose towers begin with one of SAM."""

from .record import NOT_MASKING, Family

SAM = {"sam_config": {"downsample_channels": [32, 32]}}
DEEPSEEK_OCR = Family(
    types=("deepseek_ocr2",),
    small={
        "deepseek_ocr2": {
            "text_config": {"mlp_layer_types": ["dense", "sparse", "sparse"], "num_experts_per_tok": 2},
            "vision_config": SAM,
        },
    },
)
UNLIMITED_OCR = Family(
    types=("unlimited_ocr",),
    layers=NOT_MASKING,  # without an error
    small={"unlimited_ocr": {"vision_config": SAM}},
)
