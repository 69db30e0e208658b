// Charts: draws the table inside each [data-chart], so that both show the same numbers. Colours are
// those that the stylesheets give the keys. parts/chart.html has the markup, charts.css the looks.
(() => {
  const DASHES = ["solid", "dashed", "dotted", [8, 3, 2, 3]];
  const charts = new Map(); // figure → {chart, drawn, hidden}
  const print = matchMedia("print");
  const language = document.documentElement.lang;
  const short = new Intl.NumberFormat(language, { notation: "compact", maximumFractionDigits: 1 });

  const cells = (row) => [...row.querySelectorAll("td")];
  const read = (figure) => ({
    kind: figure.dataset.chart,
    keys: [...figure.querySelectorAll("[data-series]")],
    points: [...figure.querySelectorAll("tbody tr")].map((row) => ({
      label: row.querySelector("th").textContent.trim(),
      short: row.querySelector("th").dataset.short,
      values: cells(row).map((cell) => (cell.dataset.value === undefined ? null : Number(cell.dataset.value))),
      words: cells(row).map((cell) => cell.textContent.trim()),
    })),
  });
  const colour = (key) => getComputedStyle(key.querySelector(".chart-mark")).backgroundColor;

  // What is pointed at, in the words of the table. Elements and no markup: names stay names.
  function tip({ keys, points }, index, hidden) {
    const box = document.createElement("div");
    box.className = "chart-tip";
    const title = document.createElement("strong");
    title.textContent = points[index].label;
    const list = document.createElement("ul");
    keys.forEach((key, column) => {
      if (hidden.has(column)) return;
      const line = document.createElement("li");
      const name = document.createElement("span");
      name.textContent = key.textContent.trim();
      const value = document.createElement("span");
      value.textContent = points[index].words[column];
      line.append(key.querySelector(".chart-mark").cloneNode(), name, value);
      list.append(line);
    });
    box.append(title, list);
    return box;
  }

  function series({ kind, keys, points }, hidden) {
    return keys
      .map((key, column) => ({
        id: String(column),
        name: key.textContent.trim(),
        type: kind === "line" ? "line" : "bar",
        stack: kind === "stack" ? "all" : undefined,
        data: points.map((point) => point.values[column]),
        color: colour(key),
        barMaxWidth: 36,
        symbol: "circle",
        symbolSize: 6,
        showSymbol: points.length < 3,
        lineStyle: { width: 2, type: DASHES[column % DASHES.length] },
        emphasis: { disabled: true },
      }))
      .filter(({ data }, column) => !hidden.has(column) && data.some((value) => value !== null));
  }

  function option(data, hidden, drawing) {
    const style = getComputedStyle(drawing);
    const [text, line] = [style.color, style.borderTopColor];
    const label = { color: text, fontSize: 11, fontFamily: style.fontFamily };
    return {
      animation: false,
      grid: { left: 0, right: 16, top: 12, bottom: 6, outerBoundsMode: "same", outerBoundsContain: "axisLabel" },
      xAxis: {
        type: "category",
        data: data.points.map((point) => point.short),
        boundaryGap: data.kind !== "line",
        axisTick: { show: false },
        axisLine: { lineStyle: { color: line } },
        axisLabel: { ...label, hideOverlap: true },
      },
      yAxis: {
        type: "value",
        minInterval: 1,
        splitNumber: 4,
        splitLine: { lineStyle: { color: line } },
        axisLabel: { ...label, formatter: (value) => short.format(value) },
      },
      tooltip: {
        trigger: "axis",
        confine: true,
        transitionDuration: 0,
        backgroundColor: "transparent",
        borderWidth: 0,
        padding: 0,
        extraCssText: "box-shadow: none",
        axisPointer: { type: data.kind === "line" ? "line" : "shadow", lineStyle: { color: text } },
        formatter: (at) => tip(data, at[0].dataIndex, hidden),
      },
      series: series(data, hidden),
    };
  }

  function draw(figure, again) {
    const drawing = figure.querySelector(".chart-drawing");
    if (!drawing.clientWidth) return; // not shown; its observer calls again when it is
    if (!charts.has(figure)) {
      const box = document.createElement("div");
      box.className = "chart-box";
      drawing.append(box);
      figure.classList.add("chart-ready");
      const chart = echarts.init(box, null, { renderer: "svg" });
      charts.set(figure, { chart, drawn: "", hidden: new Set() });
    }
    const known = charts.get(figure);
    const { chart, hidden } = known;
    const data = read(figure);
    for (const key of data.keys) key.setAttribute("aria-pressed", !hidden.has(Number(key.dataset.series)));
    const fresh = JSON.stringify([data.kind, data.points, data.keys.map((key) => [key.textContent, colour(key)])]);
    if (!again && fresh === known.drawn) return;
    known.drawn = fresh;
    chart.setOption(option(data, hidden, drawing), true);
    // On paper the page is as wide as the paper: the drawing is scaled to it.
    const svg = drawing.querySelector("svg");
    svg.setAttribute("viewBox", `0 0 ${chart.getWidth()} ${chart.getHeight()}`);
  }

  const sizes = new ResizeObserver((entries) => {
    for (const { target } of entries) {
      const figure = target.closest("[data-chart]");
      if (charts.has(figure) && target.clientWidth && !print.matches) {
        charts.get(figure).chart.resize();
        draw(figure, true);
      } else if (figure) {
        draw(figure);
      }
    }
  });

  function drawAll(again = false) {
    for (const [figure, { chart }] of charts) {
      if (figure.isConnected) continue;
      chart.dispose();
      charts.delete(figure);
    }
    for (const figure of document.querySelectorAll("[data-chart]")) {
      draw(figure, again);
      sizes.observe(figure.querySelector(".chart-drawing"));
    }
  }

  document.addEventListener("DOMContentLoaded", () => drawAll());
  document.addEventListener("htmx:afterSettle", () => drawAll());
  new MutationObserver(() => drawAll(true)).observe(document.documentElement, { attributeFilter: ["data-theme"] });

  // A key hides its series, and shows it again.
  document.addEventListener("click", (event) => {
    const key = event.target.closest?.("[data-series]");
    const figure = key?.closest("[data-chart]");
    if (!charts.has(figure)) return;
    const { hidden } = charts.get(figure);
    const column = Number(key.dataset.series);
    if (!hidden.delete(column)) hidden.add(column);
    draw(figure, true);
  });

  // Paper has the numbers too, in light colours.
  const opened = new Set();
  print.addEventListener("change", () => {
    if (print.matches) {
      for (const numbers of document.querySelectorAll(".chart-numbers:not([open])")) {
        numbers.open = true;
        opened.add(numbers);
      }
    } else {
      for (const numbers of opened) numbers.open = false;
      opened.clear();
    }
    drawAll(true);
  });
})();
