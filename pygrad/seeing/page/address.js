// address.js: what the reader has set, in the part of the address behind #: a link shows the same.

class Address {
  // parts: {name: {get, set}}, texts; what get() gives "" for is left out. They are set in this order.
  constructor(parts) {
    this.parts = parts;
    // A page within a page, as in a notebook, has no address of its own.
    this.exists = location.protocol !== "about:";
    this.timer = 0;
    this.last = "";
    addEventListener("hashchange", () => location.hash.slice(1) !== this.last && this.read());
  }

  read() {
    this.last = location.hash.slice(1);
    const told = new URLSearchParams(this.last);
    for (const [name, { set }] of Object.entries(this.parts)) if (told.has(name)) set(told.get(name));
  }

  // Soon: browsers refuse an address that changes with every frame.
  write() {
    if (!this.exists || this.timer) return;
    this.timer = setTimeout(() => {
      this.timer = 0;
      const entries = Object.entries(this.parts).map(([name, { get }]) => [name, get()]).filter(([, text]) => text !== "");
      this.last = new URLSearchParams(entries).toString();
      history.replaceState(null, "", this.last ? `#${this.last}` : location.pathname + location.search);
    }, 300);
  }
}

const hasOption = (select, value) => [...select.options].some((option) => option.value === value);

function choose(select, value) {
  if (!hasOption(select, value)) return;
  select.value = value;
  select.dispatchEvent(new Event("change"));
}
