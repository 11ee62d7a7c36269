"""The page of an import: what became of each node, and what each step costs; one file that loads nothing."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from basalt.shown import shown

STYLE = (
    "body{font:15px/1.5 system-ui,sans-serif;max-width:70rem;margin:2rem auto;padding:0 1rem;color-scheme:light dark}"
    "table{border-collapse:collapse;width:100%;margin:.5rem 0 2rem}th,td{text-align:left;padding:.3rem .6rem;"
    "border-bottom:1px solid color-mix(in srgb,currentColor 20%,transparent);vertical-align:top}"
    "td.n,th.n{text-align:right;font-variant-numeric:tabular-nums}small{opacity:.7}"
    ".scroll{overflow-x:auto}footer{opacity:.7;margin-top:3rem}"
)


def page(content: Mapping[str, Any]) -> str:
    """import.html of what import.json holds."""
    title = f"Import of {content['file']}"
    meaning = content["meaning"]
    step = "not known" if meaning["step_seconds"] is None else f"{1000 * meaning['step_seconds']:g} ms"
    relays = "".join(f" {one}." for one in content["relays"])
    lead = (
        f"Read as {meaning['about']} ({meaning['why']}), reset {meaning['reset']}, a step of {step}. Scales by "
        f"{content['method']}. Each of the {content['delay']} layers is a step later than the one before it.{relays}"
    )
    parts = [
        f"<h1>{text(title)}</h1><p>{text(lead)}</p>",
        "<h2>What each step costs</h2>",
        account(content["account"], content["samples"]),
        divergence(content["first_divergence"]),
        finetune(content["finetune"]),
        activity(content["activity"]),
        "<h2>Nodes</h2>",
        table(
            ("Node", "Type", "Layer", "Outcome", "How"),
            [
                [text(one["node"]), text(one["type"]), text(one["layer"]), one["outcome"], text("; ".join(one["how"]))]
                for one in content["nodes"]
            ],
            (),
        ),
        "<h2>Layers in integers</h2>",
        table(
            ("Layer", "Neurons", "Units for 1.0", "Threshold", "Largest weight", "Clipped", "Rounded to 0"),
            [
                [text(one["layer"]), f"{one['neurons']:,}", span(one["scale"]),
                 span(one["threshold"]),
                 str(one["largest_weight"]), f"{one['clipped']:,}", f"{one['zeroed']:,}"]
                for one in content["layers"]
            ],
            (1, 2, 3, 4, 5, 6),
        ),
        f"<footer>{text(content['command'])} · Basalt {text(content['basalt'])} · {text(content['written'])}</footer>",
    ]  # fmt: skip
    head = f"<!DOCTYPE html><html lang='en'><head><meta charset='utf-8'><title>{text(title)}</title>"
    return f"{head}<style>{STYLE}</style></head><body>{''.join(parts)}</body></html>\n"


def text(word: object) -> str:
    """A word as HTML that only shows itself."""
    return escape(shown(str(word)))


def account(steps: Sequence[Mapping[str, Any]], samples: int) -> str:
    """The rows of the account."""
    if not steps:
        return "<p>There was no data (--data), so nothing was simulated.</p>"
    rows = [
        [
            text(step["name"]) + (" <small>alone</small>" if step["alone"] else ""),
            percent(step["accuracy"]),
            percent(step["equal_decisions"]),
            percent(step["equal_counts"]),
            "; ".join(f"{text(layer)} {percent(share)}" for layer, share in step["differing"].items()),
        ]
        for step in steps
    ]
    head = ("After", "Accuracy", "Equal decisions", "Equal output counts", "Spikes that differ, per spike, by layer")
    return f"<p>{samples:,} samples.</p>" + table(head, rows, (1, 2, 3))


def percent(share: float | None) -> str:
    """A share in percent."""
    return "–" if share is None else f"{100 * share:.2f} %"


def span(both: Sequence[float] | None) -> str:
    """One number, or the smallest and the largest; a dash where there is none."""
    if both is None:
        return "–"
    return " … ".join(f"{one:,.6g}" for one in dict.fromkeys(both))


def divergence(found: Mapping[str, Any] | None) -> str:
    """Where the integers first differ."""
    if found is None:
        return ""
    return (
        f"<p>First difference of the rounded integers: layer {text(found['layer'])}, sample {found['sample']}, neuron "
        f"{found['neuron']}, step {found['step']}: float sent {found['float']}, integers {found['integers']}.</p>"
    )


def finetune(found: Mapping[str, Any] | None) -> str:
    """What each epoch of training did on the samples that were held out."""
    if found is None:
        return ""
    rows = [
        [str(one["epoch"] or "as imported"), percent(one["accuracy"]), f"{one['loss']:.4f}"] for one in found["history"]
    ]
    head = ("Epoch", f"Accuracy of {found['held_out']:,} held-out samples", "Their loss")
    return f"<h2>Fine-tuning</h2><p>{text(found['verdict'])}</p>{table(head, rows, (1, 2))}"


def activity(found: Mapping[str, Any] | None) -> str:
    """What the framework recorded, beside what is computed here."""
    if found is None:
        return ""
    rows = [
        [text(here["layer"]), f"{here['fired']:,}", f"{here['differing']:,}", f"{there['differing']:,}"]
        for here, there in zip(found["float"], found["integers"], strict=True)
    ]
    head = ("Layer", "Spikes recorded", "Differ in the float network", "Differ in integers")
    lead = f"<p>{found['samples']:,} samples. {text(found['verdict'])}</p>"
    return f"<h2>Beside the recorded activity</h2>{lead}{table(head, rows, (1, 2, 3))}"


def table(head: Sequence[str], rows: Sequence[Sequence[str]], numbers: Sequence[int]) -> str:
    """A table of HTML cells; columns of `numbers` are set flush right."""

    def cells(row: Sequence[str], kind: str) -> str:
        marks = (" class='n'" if column in numbers else "" for column in range(len(row)))
        return "<tr>" + "".join(f"<{kind}{mark}>{cell}</{kind}>" for cell, mark in zip(row, marks)) + "</tr>"

    body = "".join(cells(row, "td") for row in rows)
    return f"<div class='scroll'><table>{cells(head, 'th')}{body}</table></div>"
