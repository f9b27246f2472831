// frame.js: the widget in the notebook: the explorer's page in a frame, which may run its script and nothing else.
// The model has the numbers of the leaves; this hands them on, from the page to Python and back.

// JupyterLab says on its body what colours it has.
const theme = () => ({ true: "light", false: "dark" })[document.body.dataset.jpThemeLight] ?? "auto";

function render({ model, el }) {
  el.innerHTML = model.get("frame");
  const frame = el.querySelector("iframe");
  let heard; // what the page has told last, which it need not hear again
  const tell = () => frame.contentWindow?.postMessage({ numbers: model.get("numbers"), theme: theme() }, "*");
  const tellNews = () => model.get("numbers") !== heard && tell();
  const hear = ({ source, data }) => {
    if (source !== frame.contentWindow || !Array.isArray(data?.numbers)) return;
    heard = data.numbers;
    model.set("numbers", heard);
    model.save_changes();
  };
  frame.addEventListener("load", tell);
  addEventListener("message", hear);
  model.on("change:numbers", tellNews);
  const colours = new MutationObserver(tell);
  colours.observe(document.body, { attributeFilter: ["data-jp-theme-light"] });
  return () => {
    colours.disconnect();
    removeEventListener("message", hear);
    model.off("change:numbers", tellNews);
  };
}

export default { render };
