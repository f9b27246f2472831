// items.js: what is drawn of a graph: nodes, and in the place of a layer's parameters one box while these are folded.

const BOX = [142, 66];
const NUMBER_BOX = [96, 28]; // of a number such as the 2 in a * 2
const LABEL_SIZES = { LR: [118, 32], TB: [82, 47] }; // in two lines, in three

// Items in an order in which operands come first, as {nodes, group}; edges from item to item, each that of an
// operand of a node, or of all the folded operands that a node has in one group.
function itemsOf(nodes, isFolded) {
  const items = [];
  const byGroup = new Map();
  const itemOf = nodes.map((node, i) => {
    const group = isFolded ? node.group : undefined;
    if (group !== undefined && byGroup.has(group)) {
      items[byGroup.get(group)].nodes.push(i);
      return byGroup.get(group);
    }
    const item = items.push({ nodes: [i], group }) - 1;
    if (group !== undefined) byGroup.set(group, item);
    return item;
  });
  const edges = nodes.flatMap(({ operands }, i) => {
    const folded = new Set();
    return operands.flatMap((operand, k) => {
      const tail = itemOf[operand];
      const isGroup = items[tail].group !== undefined;
      if (isGroup && folded.has(tail)) return [];
      if (isGroup) folded.add(tail);
      // What comes from a number has no use for a slope, and what comes from many operands has many.
      const isLabelled = !isGroup && nodes[operand].form !== "number";
      return [{ tail, head: itemOf[i], node: i, k, isLabelled }];
    });
  });
  return { items, edges, itemOf };
}

function placesOf(nodes, { items, edges }, direction) {
  const sizes = items.map(({ nodes: [i] }) => (nodes[i].form === "number" ? NUMBER_BOX : BOX));
  const lines = edges.map((edge) => ({ ...edge, label: edge.isLabelled ? LABEL_SIZES[direction] : [0, 0] }));
  return { sizes, ...layout(sizes, lines, { direction, layerGap: 16, nodeGap: 12 }) };
}
