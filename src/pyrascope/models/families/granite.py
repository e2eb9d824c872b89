"""Granite Vision and Granite Docling."""

from .record import Family

GRANITE = Family(
    types=("granite4_vision",),
    small={
        "granite4_vision": {
            "downsample_rate": "2/4",
            "deepstack_layer_map": [[-2, 0]],
            "spatial_target_layers": [1, 2, 3, 4],
            "text_config": {"num_hidden_layers": 6},
            "vision_config": {"hidden_size": 64},
            "qformer_config": {"hidden_size": 64, "encoder_hidden_size": 64},
        },
    },
)
DOCLING = Family(types=("granite_docling",), style="masked tiles")
