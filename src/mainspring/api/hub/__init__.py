"""Reads of the Hugging Face Hub, so that ``huggingface_hub`` works with HF_ENDPOINT set to this server."""
