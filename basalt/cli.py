"""The command line `basalt`, and the one way in which every command of ours starts and ends.

The commands live beside the work they do: this module only names them. Their modules import nothing heavy
at the top, so the help answers at once.
"""

import os
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Annotated, Any, NoReturn

import typer

from basalt import __version__, streams
from basalt.errors import BasaltError, exhausted
from basalt.extras import lacking
from basalt.limits import check_limits
from basalt.shown import MESSAGE_LONGEST, shown


@dataclass(frozen=True)
class Command:
    """One sub-command: the function `function` of `module`, and examples for its help.

    A name of two words is a command of a group: "ablate dual-memory".
    """

    name: str
    module: str
    function: str
    examples: tuple[str, ...]

    def load(self) -> Callable[..., Any]:
        """The function that does the work."""
        found: Callable[..., Any] = getattr(import_module(self.module), self.function)
        return found


COMMANDS = (
    Command(
        "train",
        "basalt.train.main",
        "train",
        ("basalt train", "basalt train lif_digits --seed 2", "basalt train runs/dmp_digits --resume"),
    ),
    Command(
        "import",
        "basalt.convert.nir.command",
        "import_",
        (
            "basalt import model.nir --data test.npz --writer norse --dt 1ms",
            "basalt import model.nir --data test.npz --writer snntorch --reset snntorch-zero --scale search",
            "basalt import model.nir --writer nir --dt 100us --reset hard --output runs/mine",
            "basalt import network.net --data test.npz --dt 1ms",
        ),
    ),
    Command(
        "export",
        "basalt.convert.export",
        "export",
        ("basalt export", "basalt export runs/lif_digits", "basalt export runs/lif_digits --nir lif_digits.nir"),
    ),
    Command("verify", "basalt.deploy.main", "verify", ("basalt verify", "basalt verify runs/dmp_digits --samples 500")),
    Command(
        "run",
        "basalt.deploy.main",
        "run",
        (
            "basalt run",
            "basalt run spoken_dmp_s1",
            "basalt run runs/lif_digits --backend float --samples 100",
            "basalt run model.net --input spikes.npz --output result",
        ),
    ),
    Command(
        "price",
        "basalt.deploy.main",
        "price",
        ("basalt price", "basalt price runs/dmp_digits/deploy-fixed --table textbook-45nm --strict"),
    ),
    Command(
        "schedule",
        "basalt.deploy.commands.schedule",
        "schedule",
        (
            "basalt schedule --inputs 700 --neurons 128 --states 8 --spikes 0 1 2 5",
            "basalt schedule published --spikes 10 --off operator_fusion",
            "basalt schedule core.toml --neurons 256 --states 0 --recurrent 3 --spikes 20",
            "basalt schedule vision --inputs 128 --hopfield modern --patterns 64 --spikes 2 --held",
        ),
    ),
    Command(
        "map",
        "basalt.deploy.commands.map",
        "map_",
        (
            "basalt map",
            "basalt map runs/dmp_digits --mesh 2x4 --cycles 2000",
            "basalt map model.net --rate 0.05 --core core.toml --share --json",
        ),
    ),
    Command(
        "compare",
        "basalt.study.compare.command",
        "compare",
        ("basalt compare runs/spoken_dsnn runs/spoken_dmp --core speech", "basalt compare runs/a runs/b --samples 100"),
    ),
    Command("list", "basalt.deploy.main", "list_", ("basalt list", "basalt list models")),
    Command(
        "recipe",
        "basalt.train.explain",
        "recipe",
        (
            "basalt recipe dmp_digits",
            "basalt recipe --explain",
            "basalt recipe --explain training.rate_penalty",
            "basalt recipe --explain dmp",
        ),
    ),
    Command("upgrade", "basalt.train.upgrade", "upgrade", ("basalt upgrade runs/dmp_digits", "basalt upgrade runs/*")),
    Command("publish", "basalt.train.publish", "publish", ("basalt publish runs/smnist_d60_s1",)),
    Command(
        "evaluate",
        "basalt.train.evaluate",
        "evaluate",
        ("basalt evaluate", "basalt evaluate runs/dmp_digits --data nmnist --data-dir data"),
    ),
    Command(
        "ablate dual-memory",
        "basalt.study.dual_memory.command",
        "dual_memory",
        (
            "basalt ablate dual-memory --quick",
            "basalt ablate dual-memory --task psmnist --accelerator cuda --dry-run",
            "basalt ablate dual-memory --parts grid,interval --seeds 5 --workers 2",
        ),
    ),
    Command(
        "ablate memory-vision",
        "basalt.study.memory_vision.command",
        "memory_vision",
        (
            "basalt ablate memory-vision --quick",
            "basalt ablate memory-vision --task mnist --accelerator cuda --workers 4 --data-dir data",
            "basalt ablate memory-vision --models lif,full --seeds 5 --dry-run",
        ),
    ),
    Command(
        "study lif-roles",
        "basalt.study.lif_roles.command",
        "lif_roles",
        (
            "basalt study lif-roles --quick",
            "basalt study lif-roles --tasks spoken,camera-5 --seeds 5 --workers 4 --accelerator cuda --dry-run",
            "basalt study lif-roles --variants all --tasks recall",
        ),
    ),
    Command(
        "study price",
        "basalt.study.price.study",
        "price_study",
        ("basalt study price studies/lif-roles", 'basalt study price studies/lif-roles --only "*-s1" --core speech'),
    ),
    Command(
        "ablate near-memory",
        "basalt.study.near_memory.study",
        "near_memory",
        ("basalt ablate near-memory", "basalt ablate near-memory runs/spoken_dmp --samples 300"),
    ),
)

GROUPS = {
    "ablate": "Change one thing at a time, in networks or in hardware, and check a paper's conclusions.",
    "study": "What the parts of a neuron do, on many tasks: accuracy, robustness and cost.",
}
"""What the groups of commands are for."""


def lines(examples: tuple[str, ...]) -> str:
    """Examples as the closing lines of a help text, one per line."""
    return "\n\n".join(["Examples:", *(f"  [cyan]{example}[/cyan]" for example in examples)])


def show_version(wanted: bool) -> bool:
    """Print the version and end, where `--version` was given."""
    if wanted:
        typer.echo(f"basalt {__version__}")
        raise typer.Exit
    return wanted


def start(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version.", callback=show_version, is_eager=True)
    ] = False,
) -> None:
    """Take a spiking network from training to a running, priced deployment.

    The way through: [cyan]train[/cyan] writes a run, [cyan]export[/cyan] turns it into integers,
    [cyan]verify[/cyan] proves that they spike as the trained network does, [cyan]run[/cyan] deploys them in
    Lava and prices every event. Each takes up where the one before ended, so none needs an argument.
    """


def build() -> typer.Typer:
    """The whole command line; imports the modules of all commands."""
    shape: dict[str, Any] = {
        "no_args_is_help": True,
        "add_completion": False,
        "rich_markup_mode": "rich",
        "context_settings": {"help_option_names": ["-h", "--help"]},
    }
    app = typer.Typer(**shape)
    app.callback(epilog="More on one command: [cyan]basalt run --help[/cyan]")(start)
    groups = {name: typer.Typer(**shape) for name in GROUPS}
    for name, group in groups.items():
        app.add_typer(group, name=name, help=GROUPS[name])
    for command in COMMANDS:
        *parent, name = command.name.split()
        place = groups[parent[0]] if parent else app
        place.command(name, epilog=lines(command.examples))(command.load())
    return app


def run_app(app: Callable[[], Any]) -> None:
    """Run a command line, and end the process as a user expects.

    Exit codes: 0 it worked · 1 an error, in one sentence on stderr · 2 wrong use · 130 stopped by Ctrl-C.
    An exception that is no `BasaltError` is a defect of ours: it keeps its traceback. BASALT_DEBUG=1 shows
    that of a `BasaltError` too. Output that nobody takes (`basalt.streams`) ends no work.
    """
    standard = streams.prepare()
    try:
        check_limits()
        app()
    except BasaltError as error:
        if os.environ.get("BASALT_DEBUG"):
            traceback.print_exc()
        end(f"error: {error}", 1)
    except KeyboardInterrupt:
        end("Stopped.", 130)
    except SystemExit as stop:
        if stop.code == 130:
            end("Stopped.", 130)
        if standard is not None and not stop.code:
            end(*standard.verdict())
        raise
    except Exception as error:
        sentence = exhausted(error) or lacking(error)
        if sentence is not None:
            end(f"error: {sentence}", 1)
        traceback.print_exc()
        end("This is a defect in Basalt: please report it with the lines above (see CONTRIBUTING.md).", 1)


def end(message: str, code: int) -> NoReturn:
    """Print `message`, if there is one, on stderr and exit with `code`."""
    if message:
        print(shown(message, MESSAGE_LONGEST), file=sys.stderr)
    raise SystemExit(code)


def main() -> None:
    """The console script `basalt`."""
    run_app(build())


if __name__ == "__main__":
    main()
