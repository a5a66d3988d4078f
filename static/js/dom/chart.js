/** Small time charts on uPlot, in the theme's colours. The library is loaded when the first chart is drawn. */

const loaded = () => import("../../vendor/uplot/uPlot.esm.js");

export class Chart {
  #element;
  #options;
  #plot = null;
  #data = [[], []];
  #loading = false;

  /**
   * @param {HTMLElement} element its `color` is the line's colour; its width is followed
   * @param {{height: number, bars?: boolean, axes?: boolean, label: string}} options
   */
  constructor(element, options) {
    this.#element = element;
    this.#options = options;
    new ResizeObserver(() => this.#resize()).observe(element);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.#remake());
    document.addEventListener("themechange", () => this.#remake());
  }

  /** Show columns [[seconds...], [values...]]. */
  show(data) {
    this.#data = data;
    if (this.#plot) this.#plot.setData(data);
    else this.#make();
  }

  async #make() {
    if (this.#loading || !this.#element.clientWidth) return;
    this.#loading = true;
    const { default: UPlot } = await loaded();
    this.#loading = false;
    if (!this.#plot) this.#plot = new UPlot(this.#settings(UPlot), this.#data, this.#element);
  }

  #remake() {
    this.#plot?.destroy();
    this.#plot = null;
    this.#make();
  }

  #resize() {
    const width = this.#element.clientWidth;
    if (!this.#plot) this.#make();
    else if (width && width !== this.#plot.width) this.#plot.setSize({ width, height: this.#options.height });
  }

  #settings(UPlot) {
    const { height, bars, axes, label } = this.#options;
    const line = getComputedStyle(this.#element).color;
    const axis = { ...this.#axis(), show: Boolean(axes) };
    const series = { label, stroke: line, points: { show: false } };
    return {
      width: this.#element.clientWidth,
      height,
      legend: { show: false },
      cursor: { show: false },
      padding: axes ? [8, 18, 0, 0] : [3, 1, 3, 1],
      scales: { y: { range: (_, __, top) => [0, Math.max(1, top * 1.1)] } },
      axes: [{ ...axis, size: 26, values: clockTimes }, { ...axis, size: 34, incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000] }],
      series: [{}, bars ? { ...series, fill: fade(line, 0.8), width: 0, paths: UPlot.paths.bars({ size: [0.7, 24] }) } : { ...series, fill: fade(line), width: 1.5 }],
    };
  }

  #axis() {
    const style = getComputedStyle(this.#element.parentElement);
    return {
      stroke: style.color,
      font: `11px ${style.fontFamily}`,
      grid: { stroke: fade(style.color, 0.16), width: 1 },
      ticks: { show: false },
    };
  }
}

const CLOCK = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });

function clockTimes(_, splits) {
  return splits.map((seconds) => CLOCK.format(seconds * 1000));
}

/** rgb(…) with an alpha. */
function fade(colour, alpha = 0.18) {
  return colour.replace(/^rgba?\(([^,]+),([^,]+),([^,)]+).*$/, `rgba($1,$2,$3,${alpha})`);
}
