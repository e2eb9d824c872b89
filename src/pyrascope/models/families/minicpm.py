"""MiniCPM-V and MiniCPM-OCR."""

from .parts.tokens import IMAGE
from .record import Family

NAVIT = {"image_token_id": IMAGE, "insert_layer_id": 0, "vision_config": {"insert_layer_id": 0}}
MINICPM = Family(
    types=("minicpm_ocr", "minicpmv4_6", "minicpmv4_7"),
    small={"minicpm_ocr": NAVIT, "minicpmv4_6": NAVIT, "minicpmv4_7": NAVIT},
)
