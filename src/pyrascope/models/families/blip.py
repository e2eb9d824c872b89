"""BLIP-2 and InstructBLIP: learned queries look at the tower's features."""

from .parts.tokens import IMAGE
from .record import Family

TOKEN = {"image_token_index": IMAGE}
BLIP = Family(
    types=("blip-2", "instructblip", "instructblipvideo"),
    small={"blip-2": TOKEN, "instructblip": TOKEN, "instructblipvideo": TOKEN},
)
