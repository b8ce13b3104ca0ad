"""Language modelling for the embedded backbones, and the folders they ship in."""

from __future__ import annotations

import json
import math
import platform
import time
from dataclasses import asdict
from itertools import islice
from pathlib import Path
from typing import Any

import torch
import transformers
from torch.nn.functional import nll_loss
from transformers.models.mixtral.modeling_mixtral import load_balancing_loss_func

from adapterstilts.mini import fingerprint
from adapterstilts.mini.aligned_embeddings import concept_ids
from adapterstilts.mini.initial_decoder import initial_decoder
from adapterstilts.mini.initial_model import initial_model
from adapterstilts.mini.pretraining_batches import IGNORED, PAD, Batch, batches
from adapterstilts.mini.pretraining_settings import PretrainingSettings
from adapterstilts.mini.tokenizer import as_read, build_tokenizer, vocabulary

RESULT = "result.json"
"""What is known of how a backbone was made, beside it."""


def pretrain(settings: PretrainingSettings, folder: Path) -> dict[str, object]:
    """Pretrain a backbone, save it with its tokenizer in `folder`, and return what `result.json` there says."""
    started = time.perf_counter()
    model = initial_decoder(settings) if settings.causal else initial_model(settings)
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimizer = torch.optim.AdamW(
        trained, lr=settings.learning_rate, weight_decay=settings.weight_decay, betas=(0.9, 0.98)
    )
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: _rate(step, settings))
    concepts = concept_ids(as_read(vocabulary(), settings.languages))
    losses: list[float] = []
    for batch in islice(batches(settings), settings.steps):
        loss = prediction_loss(model, batch, concepts, settings)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(trained, 1.0)
        optimizer.step()
        schedule.step()
        optimizer.zero_grad()
        losses.append(loss.item())
        if len(losses) % 100 == 0:
            seconds = time.perf_counter() - started
            print(f"step {len(losses)}/{settings.steps} loss {_recent(losses):.3f} after {seconds:.0f} s", flush=True)
    model.eval().half().save_pretrained(folder)  # half the size; whoever loads it chooses the precision
    build_tokenizer().save_pretrained(folder)
    result: dict[str, object] = {
        "settings": asdict(settings),
        "threads": torch.get_num_threads(),
        "seconds": round(time.perf_counter() - started, 1),
        "parameters": sum(parameter.numel() for parameter in model.parameters()),
        "final_loss": round(_recent(losses), 4),
        "fingerprint": fingerprint(),
        "versions": {
            "python": platform.python_version(), "torch": torch.__version__, "transformers": transformers.__version__,
        },
    }  # fmt: skip
    (folder / RESULT).write_text(json.dumps(result, indent=2) + "\n")
    return result


def made_with(settings: PretrainingSettings, folder: Path) -> bool:
    """Whether a folder has a backbone of these settings, on the lexicons and sources of today."""
    path = folder / RESULT
    if not path.is_file():
        return False
    result = json.loads(path.read_text(encoding="utf-8"))
    wanted = json.loads(json.dumps({"settings": asdict(settings), "fingerprint": fingerprint()}))
    return {**wanted["settings"], **result["settings"]} == wanted["settings"] and (
        result["fingerprint"] == wanted["fingerprint"]
    )


def prediction_loss(model: Any, batch: Batch, concepts: torch.Tensor, settings: PretrainingSettings) -> torch.Tensor:
    """Cross-entropy of forms and of concepts at the chosen positions, the only ones that go through the output layer.

    Args:
        concepts: the concept of each vocabulary entry; a concept is as probable as its forms together.
    """
    mask = (batch.input_ids != PAD).long()
    routed = {"output_router_logits": True} if settings.experts else {}
    found = model.base_model(batch.input_ids, attention_mask=mask, **routed)
    hidden = found.last_hidden_state
    chosen = hidden.gather(1, batch.positions.unsqueeze(-1).expand(-1, -1, hidden.shape[-1]))
    known = batch.labels != IGNORED
    labels = batch.labels[known]
    forms = model.lm_head(chosen)[known].log_softmax(-1)
    by_concept = torch.zeros(len(labels), int(concepts.max()) + 1).index_add(1, concepts, forms.exp())
    concept_loss = nll_loss(by_concept.clamp_min(1e-9).log(), concepts[labels])
    loss = settings.concept_weight * concept_loss + (1 - settings.concept_weight) * nll_loss(forms, labels)
    if settings.experts:
        balance = load_balancing_loss_func(found.router_logits, settings.experts, settings.chosen, mask)
        loss = loss + settings.balance * balance
    return loss


def _recent(losses: list[float]) -> float:
    return sum(losses[-100:]) / len(losses[-100:])


def _rate(step: int, settings: PretrainingSettings) -> float:
    """The learning rate after `step` steps, relative to its peak."""
    warmup = settings.warmup * settings.steps
    if step < warmup:
        return (step + 1) / warmup
    return 0.5 * (1 + math.cos(math.pi * (step - warmup) / (settings.steps - warmup)))
