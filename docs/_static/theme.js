// Tells the explorers in a page which colours it has: their frames cannot see it.
const tell = (frame) => frame.contentWindow.postMessage({ theme: document.body.dataset.theme }, "*");
const frames = () => document.querySelectorAll('iframe[title="pygrad explorer"]');
const tellAll = () => frames().forEach(tell);

addEventListener("DOMContentLoaded", () => {
  for (const frame of frames()) frame.addEventListener("load", () => tell(frame));
  tellAll();
  new MutationObserver(tellAll).observe(document.body, { attributeFilter: ["data-theme"] });
});
