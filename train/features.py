"""How well a layer's features tell the classes apart: mean spikes of its neurons, and their silhouette."""

import numpy as np
import torch
from jaxtyping import Float, Int

from basalt.train.batches import CPU, in_order
from basalt.train.data.events import Samples
from basalt.train.networks import Network


@torch.no_grad()
def features(
    network: Network, events: Samples, layer: str | None = None, device: torch.device = CPU
) -> Float[np.ndarray, "samples neurons"]:
    """Mean spikes per step of each neuron of a layer before the last step, in exact integers, as deployed.

    Args:
        layer: its name; left out, the last before the read-out.
    """
    name = layer or network.hidden[-1].name
    found = [
        network.trace(x).spikes[name][..., :-1].float().mean(-1).cpu().numpy()
        for x, _ in in_order(events, 128 if device.type == "cpu" else 1024, device)
    ]
    return np.concatenate(found)


def silhouette(
    points: Float[np.ndarray, "samples size"], labels: Int[np.ndarray, "samples"], most: int = 5000, seed: int = 1
) -> float:
    """Mean of (b − a)/max(a, b), a a point's mean distance to its class and b that to the nearest other class.

    From −1 to 1, with Euclidean distances. Of more points, `most` are drawn, since its time grows with their square.

    Source: Rousseeuw, J. Comput. Appl. Math. 20, 1987; computed by scikit-learn.
    """
    from sklearn.metrics import silhouette_score

    return float(silhouette_score(points, labels, sample_size=min(most, len(points)), random_state=seed))


def embedded(points: Float[np.ndarray, "samples size"], seed: int = 1) -> Float[np.ndarray, "samples 2"]:
    """The points in two dimensions, by t-SNE as arXiv 2603.08730 reports silhouettes: perplexity 30, begun from PCA."""
    from sklearn.manifold import TSNE

    perplexity = min(30.0, (len(points) - 1) / 3)
    made: np.ndarray = TSNE(perplexity=perplexity, init="pca", random_state=seed).fit_transform(points)
    return made
