/** Draws each panel at most once a frame, and hidden pages not at all: what arrives meanwhile costs no memory. */

export class Frames {
  #wanted = new Set();
  #asked = false;
  #request;
  #report;

  constructor(request = (draw) => requestAnimationFrame(draw), report = (error) => reportError(error)) {
    this.#request = request;
    this.#report = report;
  }

  /** Draw with the next frame. The same function asked for twice is called once. */
  ask(draw) {
    this.#wanted.add(draw);
    if (this.#asked) return;
    this.#asked = true;
    this.#request(() => this.#draw());
  }

  #draw() {
    this.#asked = false;
    const draws = [...this.#wanted];
    this.#wanted.clear();
    for (const draw of draws) this.#try(draw);
  }

  /** What one panel throws is reported and does not keep the others from being drawn. */
  #try(draw) {
    try {
      draw();
    } catch (error) {
      this.#report(error);
    }
  }
}
