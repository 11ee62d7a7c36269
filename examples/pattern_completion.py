"""What associative memories recall from corrupted cues, and how many patterns they hold. Takes a few seconds.

python examples/pattern_completion.py
"""

from basalt.study import recall

SIZE, COUNT = 256, 20
MEMORIES = {
    "classical": recall.classical(),
    "classical, integers": recall.deployed("classical", iterations=16),
    "modern": recall.modern(beta=0.25),
    "modern, integers": recall.deployed("modern", beta=0.25),
}

print(f"{COUNT} patterns of {SIZE} elements; elements of the cue drawn anew: cues recalled without an error")
for name, memory in MEMORIES.items():
    found = recall.completion(memory, COUNT, SIZE)
    print(
        f"  {name:20}", *(f"{100 * at:.0f} %: {100 * score.recalled:5.1f} %" for at, score in found.items()), sep="  "
    )

counts = [8, 16, 24, 32, 40, 56, 80, 128]
print(f"Elements right, by number of patterns (theory: the classical memory holds {recall.CAPACITY * SIZE:.0f})")
for name, memory in {"classical": recall.classical(diagonal=False), "modern": recall.modern(beta=0.25)}.items():
    found = recall.capacity(memory, counts, SIZE, draws=3)
    print(f"  {name:20}", *(f"{count}: {100 * score.elements:.1f} %" for count, score in found.items()), sep="  ")
