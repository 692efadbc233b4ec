"""The views of whole graphs, one graph, node and edge at a time. A graph is its nodes and its directed edges.

The draws are those of the program: a row is known by its number through all graphs of the batch.
"""

from __future__ import annotations

from dataclasses import dataclass

from tests.reference.hash import split_key, uniform_bits

Edges = list[tuple[int, int]]


@dataclass
class OneGraph:
    """Nodes by their numbers in the batch, ascending, and the edges between them in their order."""

    nodes: list[int]
    edges: Edges


def below(bits: int, bound: int) -> int:
    return bits * bound // 2**32


def chosen(rows: list[int], *, share: float, key: int) -> set[int]:
    """floor(share n) of the rows: those that the hash puts first."""
    order = sorted(rows, key=lambda row: (uniform_bits(key, row), row))
    return set(order[: int(share * len(rows))])


def induced(graph: OneGraph, kept: set[int]) -> OneGraph:
    return OneGraph(
        [node for node in graph.nodes if node in kept],
        [(one, other) for one, other in graph.edges if one in kept and other in kept],
    )


def drop_nodes(graphs: list[OneGraph], *, key: int, drop_rate: float) -> list[OneGraph]:
    return [induced(graph, set(graph.nodes) - chosen(graph.nodes, share=drop_rate, key=key)) for graph in graphs]


def masked_nodes(graphs: list[OneGraph], *, key: int, mask_rate: float) -> list[int]:
    return sorted(node for graph in graphs for node in chosen(graph.nodes, share=mask_rate, key=key))


def perturb_edges(graphs: list[OneGraph], *, key: int, drop_rate: float, add_rate: float) -> list[OneGraph]:
    pairs_of = [sorted({(min(edge), max(edge)) for edge in graph.edges}) for graph in graphs]
    rows = {pair: row for row, pair in enumerate(pair for pairs in pairs_of for pair in pairs)}
    result, counter = [], 0
    for graph, pairs in zip(graphs, pairs_of, strict=True):
        dropped = chosen([rows[pair] for pair in pairs], share=drop_rate, key=split_key(key, 0))
        edges = [edge for edge in graph.edges if rows[min(edge), max(edge)] not in dropped]
        size, added = len(graph.nodes), set()
        for _ in range(int(add_rate * len(pairs)) if size > 1 else 0):
            inner = split_key(key, 1)
            first = below(uniform_bits(split_key(inner, 0), counter), size)
            second = below(uniform_bits(split_key(inner, 1), counter), size - 1)
            second += second >= first
            counter += 1
            pair = (graph.nodes[min(first, second)], graph.nodes[max(first, second)])
            if pair not in pairs:
                added.add(pair)
        both = sorted(added) + [(high, low) for low, high in sorted(added)]
        result.append(OneGraph(graph.nodes, edges + both))
    return result


def walk_subgraph(graphs: list[OneGraph], *, key: int, keep_rate: float, moves_per_node: float) -> list[OneGraph]:
    result = []
    for index, graph in enumerate(graphs):
        size = len(graph.nodes)
        if not size:
            result.append(graph)
            continue
        here = graph.nodes[below(uniform_bits(split_key(key, 0), index), size)]
        visited = {here}
        for step in range(int(moves_per_node * size)):
            ways = [other for one, other in graph.edges if one == here]
            if not ways or len(visited) == 1 + int(keep_rate * size):
                break
            here = ways[below(uniform_bits(split_key(key, 1), index, step), len(ways))]
            visited.add(here)
        result.append(induced(graph, visited))
    return result
