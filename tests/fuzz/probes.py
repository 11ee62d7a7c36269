"""Files made to mislead, through the command line: exit code, seconds, peak memory, what is said, what is left behind.

python tests/fuzz/probes.py [FOLDER]    # with a folder, its .net, .npz and .toml files too; prints Markdown
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).resolve().parents[2])

import numpy as np
import psutil

from basalt.convert import netx
from basalt.deploy.energy.tables import FOLDER as TABLES
from tests.basalt.test_arrays import BAD, written
from tests.basalt.test_documents import BAD_JSON, BAD_TOML
from tests.conformance.strategies import make_case
from tests.convert import test_hostile_nets as nets
from tests.fuzz.fuzz import synthetic

COMMAND = "import sys; sys.argv[0] = 'basalt'; from basalt.cli import main; main()"
LIMIT = 60
Probe = tuple[str, list[str], Path]


def probes(place: Path, more: Path | None) -> Iterator[Probe]:
    """Names, arguments and a folder for each."""
    yield from given(place, more)
    for name, (change, _) in nets.BEYOND.items():
        folder = fresh(place)
        path = nets.file(folder, change)
        yield f".net: {name}", ["run", str(path), "--dry-run", "--timeout", "10"], folder
    for name, content in BAD.items():
        folder = fresh(place)
        netx.write(folder / "a.net", make_case(3).network)
        written(folder / "test.npz", content)
        yield f".npz: {name}", ["run", str(folder / "a.net"), "--dry-run"], folder
    for index, text in enumerate(BAD_TOML):
        folder = counted(place)
        (folder / "t.toml").write_text(text)
        yield f"TOML {index}", ["price", str(folder), "--table", str(folder / "t.toml")], folder
    for index, text in enumerate(BAD_JSON):
        folder = counted(place)
        (folder / "counts.json").write_text(text)
        yield f"JSON {index}", ["price", str(folder)], folder
    folder = counted(place)
    (folder / "[bold].toml").write_bytes((TABLES / "textbook-45nm.toml").read_bytes())
    yield "a table [bold].toml", ["price", str(folder), "--table", str(folder / "[bold].toml")], folder
    folder = fresh(place)
    os.mkfifo(folder / "a.net")
    yield "a pipe, --timeout 5", ["run", str(folder / "a.net"), "--dry-run", "--timeout", "5"], folder


def given(place: Path, more: Path | None) -> Iterator[Probe]:
    """The same of a folder's files."""
    for path in sorted(more.iterdir()) if more is not None else ():
        folder = counted(place)
        if path.suffix == ".net":
            yield path.name, ["run", str(path), "--dry-run", "--output", str(folder)], folder
            yield f"{path.name}, map", ["map", str(path), "--rate", "0.1", "--output", str(folder)], folder
        if path.suffix == ".npz":
            netx.write(folder / "a.net", make_case(3).network)
            yield path.name, ["run", str(folder / "a.net"), "--dry-run", "--input", str(path)], folder
        if path.suffix == ".toml":
            yield path.name, ["price", str(folder), "--table", str(path)], folder


def fresh(place: Path) -> Path:
    """A folder of its own, with an input of the network's size."""
    folder = Path(tempfile.mkdtemp(dir=place))
    np.savez(folder / "test.npz", spikes=np.zeros((2, make_case(3).network.inputs, 5), np.uint8))
    return folder


def counted(place: Path) -> Path:
    """A result folder."""
    import json

    folder = fresh(place)
    (folder / "counts.json").write_text(json.dumps(synthetic()["counts"]))
    return folder


def left(temporary: Path, session: int) -> int:
    """Entries of the temporary folder, and processes, that a command left."""
    running = [process for process in psutil.process_iter() if process.pid != os.getpid() and of(process, session)]
    return len(list(temporary.iterdir())) + len(running)


def of(process: psutil.Process, session: int) -> bool:
    """Whether a process belongs to a session."""
    try:
        return os.getsid(process.pid) == session and process.status() != psutil.STATUS_ZOMBIE
    except (OSError, psutil.Error):
        return False


def tried(arguments: list[str], folder: Path) -> tuple[int, float, int, str, int]:
    """Exit code, seconds, peak in MB, what was said, and how much is left behind."""
    temporary = folder / "temporary"
    temporary.mkdir(exist_ok=True)
    began = time.monotonic()
    with tempfile.TemporaryFile() as out:
        command = [sys.executable, "-c", COMMAND, *arguments]
        environment = {**os.environ, "TMPDIR": str(temporary)}
        child = subprocess.Popen(command, stdout=out, stderr=out, cwd=folder, env=environment, start_new_session=True)
        while True:
            pid, status, usage = os.wait4(child.pid, os.WNOHANG)
            if pid:
                break
            if time.monotonic() - began > LIMIT:
                child.kill()
            time.sleep(0.02)
        child.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        said = out.read().decode("utf-8", "replace")
    seconds = time.monotonic() - began
    return child.returncode, seconds, usage.ru_maxrss // 1000, said, left(temporary, child.pid)


def main() -> None:
    """Try all; the exit code says whether any misled."""
    more = Path(sys.argv[1]) if len(sys.argv) > 1 else None
    failed = 0
    print("| file | exit code | s | MB | left | said |\n| --- | ---: | ---: | ---: | ---: | --- |")
    with tempfile.TemporaryDirectory() as place:
        for name, arguments, folder in probes(Path(place), more):
            code, seconds, peak, said, gone = tried(arguments, folder)
            last = said.strip().splitlines()[-1] if said.strip() else ""
            acts = any(not letter.isprintable() for letter in said.replace("\n", ""))
            bad = code not in (0, 1) or "Traceback" in said or acts or gone or seconds > LIMIT or peak > 2000
            failed += bool(bad)
            told = last.replace(str(folder), "…").replace("|", "\\|")
            print(
                f"| {name} | {code}{' **!**' if bad else ''} | {seconds:.1f} | {peak} | {gone} | {told[:160]} |",
                flush=True,
            )
    print(f"\n{failed} misled.")
    raise SystemExit(failed > 0)


if __name__ == "__main__":
    main()
