// picture.js: the graph as it stands, as an SVG or PNG to be kept.

function pictureOf(drawing) {
  const { width, height, positions, sizes, labels } = drawing.layout;
  const svg = document.createElementNS(SVG, "svg");
  const [w, h] = [ceil(width) + 24, ceil(height) + 24];
  setAll(svg, { xmlns: SVG, width: w, height: h, viewBox: `-12 -12 ${w} ${h}`, "font-family": "system-ui, sans-serif" });
  const style = (element) => getComputedStyle(element);
  addShape(svg, "rect", { x: -12, y: -12, width: w, height: h, fill: style(drawing.panel).backgroundColor });
  const write = (x, y, text, element, anchor = "start") => {
    const { color, fontSize, fontWeight } = style(element);
    if (text) addShape(svg, "text", { x, y, fill: color, "font-size": fontSize, "font-weight": fontWeight, "text-anchor": anchor }, text);
  };
  for (const { line } of drawing.edges) {
    const { stroke, strokeWidth } = style(line);
    addShape(svg, "path", { d: line.getAttribute("d"), fill: "none", stroke, "stroke-width": strokeWidth });
  }
  drawing.edges.forEach(({ label, texts }, i) => {
    if (!label) return;
    const lines = [`${texts[0].textContent} ${texts[1].textContent}`.trim(), texts[2].textContent];
    lines.forEach((text, k) => write(labels[i][0], labels[i][1] - 4 + 15 * k, text, label, "middle"));
  });
  drawing.boxes.forEach(({ box }, i) => {
    const [[x, y], [wide, high]] = [positions[i], sizes[i]];
    const { backgroundColor, borderColor, borderRadius, borderTopWidth } = style(box);
    addShape(svg, "rect", {
      x: x - wide / 2, y: y - high / 2, width: wide, height: high, rx: parseFloat(borderRadius),
      fill: backgroundColor, stroke: borderColor, "stroke-width": borderTopWidth,
    });
    const rows = [...box.children].filter((row) => style(row).display !== "none");
    rows.forEach((row, k) => {
      const at = y + 18 * (k - (rows.length - 1) / 2) + 4;
      const [first, second] = row.children;
      if (rows.length === 1) return write(x, at, first.textContent, first, "middle");
      write(x - wide / 2 + 9, at, first.textContent, first);
      return write(x + wide / 2 - 9, at, second.textContent, second, "end");
    });
  });
  return svg;
}

function save(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}

function savePicture(drawing, type) {
  const svg = pictureOf(drawing);
  const text = new XMLSerializer().serializeToString(svg);
  if (type === "svg") return save(new Blob([text], { type: "image/svg+xml" }), "graph.svg");
  const image = new Image();
  image.onload = () => {
    const canvas = document.createElement("canvas");
    // Twice as sharp, unless that is more than canvases hold.
    const scale = Math.min(2, 8000 / Math.max(image.width, image.height));
    setAll(canvas, { width: ceil(image.width * scale), height: ceil(image.height * scale) });
    canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
    canvas.toBlob((blob) => save(blob, "graph.png"), "image/png");
  };
  image.src = `data:image/svg+xml,${encodeURIComponent(text)}`;
  return undefined;
}
