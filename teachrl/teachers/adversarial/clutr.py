"""CLUTR: a teacher that chooses points of a level VAE's latent space, and is paid the regret of two students there."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field
from torch.nn import functional

from teachrl.errors import UsageError
from teachrl.files import StateTree
from teachrl.level_vae.decoding import LevelDecoder, load_decoder
from teachrl.nn.networks import Learner, tensor
from teachrl.records.curriculum import Curriculum
from teachrl.records.level_scores import RoundResult
from teachrl.tasks.spaces import Vector
from teachrl.teachers.adversarial.clutr_policy import LatentPolicy, LatentPolicySettings, Proposal
from teachrl.teachers.adversarial.regret import Kind, RunningScale, regrets
from teachrl.teachers.base import Plan, TeacherConfig, TeacherContext
from teachrl.teachers.rounds import RoundTeacher

Numbers = NDArray[np.float64]


class ClutrConfig(TeacherConfig):
    """Settings of `ClutrTeacher`."""

    vae: str | None = Field(None, description="the file of a level VAE for these mazes, from `teachrl vae train`")
    regret: Kind = Field("flexible", description="standard: antagonist over protagonist; flexible: best over other")
    latent_policy: Literal["learned", "random"] = Field(
        "learned", description="who chooses latents: a learning policy, or draws from the VAE's own prior"
    )
    decoder: Literal["frozen", "finetuned"] = Field(
        "frozen", description="whether the decoder stays as it is or learns with the policy (an ablation)"
    )
    latent_bound: float = Field(4.0, gt=0, description="latents are between minus this and this")
    context_size: int = Field(50, ge=1, description="numbers of noise that the policy sees")
    learning_rate: float = Field(1e-4, gt=0, description="step size of the policy, and of a finetuned decoder")
    epochs: int = Field(5, ge=1, description="passes over each round's levels")
    entropy_coefficient: float = Field(0.0, ge=0, description="weight of the mean entropy of the latent's numbers")
    normalize_regret: bool = Field(False, description="whether rewards are divided by their running deviation")


class ClutrTeacher(RoundTeacher):
    """Each round, one latent an environment becomes a level; both students play it; the policy is paid their regret.

    The decoder comes from a recurrent VAE of sorted level sequences, trained beforehand on random levels
    (`teachrl.level_vae`), and is frozen. Decoding is greedy and gives valid levels only.

    Source: Azad et al. 2023, "CLUTR: Curriculum Learning via Unsupervised Task Representation Learning"
    (arXiv 2210.10243). Ablations: a VAE of unsorted sequences (another file), ``decoder: finetuned``,
    ``latent_policy: random``.

    Presets: ``default``; ``released``, what the authors' scripts pass (standard regret).

    Deviations: latents are rescaled to the declared bounds and their log-probabilities with them (the released code
    explores the unit cube alone); levels that no episode ended on are left out of the policy's update; a finetuned
    decoder draws its tokens and follows the policy gradient once a round, with probabilities that are not masked; the
    random policy draws from the standard normal prior, clipped to the bounds.
    """

    Config = ClutrConfig
    takes_levels = True
    students = ("protagonist", "antagonist")
    presets = {"default": {}, "released": {"regret": "standard"}}
    rules = {
        "latent": "Made from a latent that the policy chose after {updates:.0f} updates; it has {walls:.0f} walls.",
        "prior": "Made from a latent drawn from the prior; it has {walls:.0f} walls.",
    }
    saved = ("_policy", "_scale", "_updates", "_rounds", "_latents", "_levels")

    def __init__(self, context: TeacherContext, config: ClutrConfig) -> None:
        super().__init__(context, config)
        self.settings = config
        if config.vae is None:
            raise UsageError(
                "teacher 'clutr' needs a level VAE: train one with `teachrl vae train -o FILE.npz` and set "
                "teacher.options.vae to that file"
            )
        self._decoder: LevelDecoder = load_decoder(config.vae, context.space)
        policy = LatentPolicySettings(
            config.context_size,
            self._decoder.latent_size,
            config.latent_bound,
            learning_rate=config.learning_rate,
            epochs=config.epochs,
            entropy_coefficient=config.entropy_coefficient,
        )
        self._policy = LatentPolicy(context.rng, policy)
        self._finetuning = Learner(
            self._decoder.module, lambda weights: torch.optim.Adam(weights, lr=config.learning_rate, eps=1e-5)
        )
        self._scale = RunningScale()
        self._updates = self._rounds = 0
        self._proposal: Proposal | None = None
        self._latents: Numbers = np.zeros((0, self._decoder.latent_size))
        self._levels: Vector = np.zeros((0, context.space.size))

    def plan(self, n: int) -> Plan:
        if self.settings.latent_policy == "learned":
            self._proposal = self._policy.propose(self.rng, n)
            self._latents = self._policy.latents(self._proposal)
        else:
            bound = self.settings.latent_bound
            self._latents = np.clip(self.rng.standard_normal((n, self._decoder.latent_size)), -bound, bound)
        self._levels = self._decoder.decode(self._latents, self.rng if self._finetunes else None)
        self._rounds += 1
        name = "prior" if self._proposal is None else "latent"
        walls = self._levels[:, :-3].sum(axis=1)
        reasons = tuple({"updates": self._updates, "walls": float(w)} for w in walls)
        return Plan(self._levels.copy(), (name,) * n, self._rounds, reasons)

    @property
    def _finetunes(self) -> bool:
        return self.settings.decoder == "finetuned"

    def update_round(self, results: Sequence[RoundResult]) -> None:
        rewards = regrets(results[0], results[1], len(self._levels), self.settings.regret)
        known = np.flatnonzero(np.isfinite(rewards))
        if not len(known):
            return
        rewards = rewards[known]
        if self.settings.normalize_regret:
            self._scale.observe(rewards)
            rewards = rewards / self._scale.scale
        if self._proposal is not None:
            chosen = Proposal(*(part[known] for part in vars(self._proposal).values()))
            self._policy.learn(chosen, rewards)
        if self._finetunes:
            self._finetune(known, rewards)
        self._updates += 1

    def _finetune(self, known: NDArray[np.intp], rewards: Numbers) -> None:
        """One step of the decoder along the policy gradient of the tokens that it drew."""
        sequences, module = self._decoder.sequences, self._decoder.module
        tokens = torch.from_numpy(sequences.encode(self._levels[known], self.rng))
        inputs = functional.pad(tokens, (1, 0), value=sequences.go)
        ends = (tokens != 0).sum(1, keepdim=True)
        targets = functional.pad(tokens, (0, 1), value=0).scatter(1, ends, sequences.end)
        logits, _ = module(tensor(self._latents[known]), inputs)
        log_probs = functional.log_softmax(logits, dim=2).gather(2, targets[..., None])[..., 0]
        advantages = tensor((rewards - rewards.mean()) / (rewards.std() + 1e-5))
        self._finetuning.descend(-(advantages * (log_probs * (targets != 0)).sum(1)).mean())

    def curriculum(self) -> Curriculum:
        """The levels of the last round."""
        return Curriculum(samples=tuple(level.tolist() for level in self._levels), random_ratio=0.0)

    def state(self) -> StateTree:
        parts = None if self._proposal is None else {k: v.copy() for k, v in vars(self._proposal).items()}
        return {
            **super().state(),
            "decoder": self._finetuning.state() if self._finetunes else None,
            "digest": None if self._finetunes else self._digest(),
            "proposal": parts,
        }

    def restore(self, state: StateTree) -> None:
        if state["digest"] is not None and state["digest"] != self._digest():
            raise UsageError(
                f"{self.settings.vae} holds another level VAE than the one that this run began with: put that one "
                "back, or start anew with --overwrite"
            )
        super().restore(state)
        if state["decoder"] is not None:
            self._finetuning.restore(state["decoder"])
        self._proposal = None if state["proposal"] is None else Proposal(**state["proposal"])

    def _digest(self) -> str:
        """What tells this decoder's weights from others."""
        weights: dict[str, Any] = self._decoder.weights()
        return hashlib.sha256(b"".join(np.asarray(weights[k]).tobytes() for k in sorted(weights))).hexdigest()
