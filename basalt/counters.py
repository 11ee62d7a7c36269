"""What processes count."""

COUNTERS = (
    "events_in",
    "weight_words_read",
    "synaptic_operations",
    "neuron_updates",
    "state_reads",
    "state_writes",
    "dense_macs",
    "dense_mac_bits",
    "graded_products",
    "graded_product_bits",
    "lookups",
    "spikes_out",
    "hops",
    "cycles",
    "saturations",
)
"""What every process may count (counts.json). A weight word is one weight (8 bit); a state is one neuron's or memory's
variable (16 to 24 bit). Models of a near-memory core also count rows of its memories and cycles of its data paths
(`basalt/near_memory/counters.py`)."""
