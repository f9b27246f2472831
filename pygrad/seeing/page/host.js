// host.js: the page around this one, where it has Values for the same leaves: in a notebook. Each hears the other's
// numbers; nothing is told to a page that has sent none.

class Host {
  // show: takes the numbers of all leaves, in their order.
  constructor(show) {
    this.show = show;
    this.known = null; // what both have
  }

  hear(numbers) {
    this.known = numbers.map(Number);
    this.show(this.known);
  }

  tell(numbers) {
    if (!this.known || numbers.every((x, k) => Object.is(x, this.known[k]))) return;
    this.known = numbers;
    parent.postMessage({ numbers: numbers.map(inJson) }, "*");
  }
}

// JSON has neither inf and nan nor, as JavaScript writes it, -0.
const inJson = (x) => (Object.is(x, -0) ? "-0" : Number.isFinite(x) ? x : String(x));
