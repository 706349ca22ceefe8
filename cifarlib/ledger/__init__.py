"""The ledger: what the reports claim, what was measured, and how the two compare.

In: results that notebooks record. Out: bands, verdicts, tables, and the figures in sentences.
Read first: `claims` (what a system is), `result_store` (what a result is), `bands`.

| module | holds |
|---|---|
| `claims` | systems and claims, from `records/claims.toml` |
| `result_store` | `record` and `results`: `records/results.jsonl` |
| `merging` | taking a run's results into the committed ledger |
| `bands` | the recorded values of one figure, and where one more run would fall |
| `verdicts` | whether recorded runs bear out a claim |
| `paired_difference` | what a change was worth, over pairs of seeds |
| `comparison` | claims beside measurements: tables and sentences |
| `own_results` | a reader's own results beside the recorded bands |
| `reproduction_status` | how each system stands, why, and what would settle it |
| `overview` | all of them in one table, for the command line |
| `costs` | parameters, and the time that training took |
| `recipes` | the reports' own recipes, as far as they can be trained from their settings |
| `prose` | figures in sentences, each tied to a claim or a band |

`band`, `claim`, `state`: see the glossary in `docs/glossary.md`.
"""

from cifarlib._support.environment import environment
from cifarlib.ledger.bands import Band, band
from cifarlib.ledger.claims import (
    Claim,
    System,
    all_systems,
    claim,
    claims_file,
    own_systems,
    system,
    systems,
)
from cifarlib.ledger.comparison import compare, compare_with_band
from cifarlib.ledger.costs import cost
from cifarlib.ledger.own_results import own_table
from cifarlib.ledger.paired_difference import paired_gain
from cifarlib.ledger.result_store import record, results, session_results
from cifarlib.ledger.verdicts import agrees, state

__all__ = [
    "Band",
    "Claim",
    "System",
    "agrees",
    "all_systems",
    "band",
    "claim",
    "claims_file",
    "compare",
    "compare_with_band",
    "cost",
    "environment",
    "own_systems",
    "own_table",
    "paired_gain",
    "record",
    "results",
    "session_results",
    "state",
    "system",
    "systems",
]
