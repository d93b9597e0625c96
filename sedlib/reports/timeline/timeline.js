"use strict";
{
  const data = JSON.parse(document.getElementById("data").textContent);
  const { classes, events, duration } = data;
  const WAVE = 72, AXIS = 22, SPECTROGRAM = 128, ROW = 56, LANE = 14, MOST_ZOOM = 600; // pixels
  const get = (id) => document.getElementById(id);
  const make = (tag, properties, ...children) => {
    const element = Object.assign(document.createElement(tag), properties);
    element.append(...children);
    return element;
  };
  const decode = (text) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
  const clock = (t, digits = 1) => {
    const tenths = Math.round(t * 10 ** digits) / 10 ** digits;
    const seconds = (tenths % 60).toFixed(digits).padStart(digits ? digits + 3 : 2, "0");
    const minutes = Math.floor(tenths / 60);
    if (minutes < 60) return `${minutes}:${seconds}`;
    return `${Math.floor(minutes / 60)}:${String(minutes % 60).padStart(2, "0")}:${seconds}`;
  };

  // --- colours, which follow the reader's preference ---
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const narrow = matchMedia("(max-width: 700px)");
  const names = "back text muted line chosen wave played cursor miss false-alarm selected";
  const readTheme = () => {
    const style = getComputedStyle(document.documentElement);
    return Object.fromEntries(
      names.split(" ").map((name) => [name, style.getPropertyValue(`--${name}`).trim()]),
    );
  };
  let theme = readTheme();
  const colourOf = (c) => c.colours[dark.matches ? 1 : 0];

  // --- the player: wavesurfer has waveform, overview, cursor, panning and selections ---
  const audio = get("sound");
  audio.src = data.media;
  const regions = WaveSurfer.Regions.create();
  const nonce = document.querySelector("style").nonce;
  const waveColours = () => (
    { waveColor: theme.wave, progressColor: theme.played, cursorColor: theme.cursor }
  );
  const makeOverview = () => WaveSurfer.Minimap.create({
    container: "#overview", height: 40, cspNonce: nonce, dragToSeek: true,
    overlayColor: theme.selected, ...waveColours(),
  });
  let overview = makeOverview();
  const surfer = WaveSurfer.create({
    container: "#tracks", height: WAVE, cspNonce: nonce, media: audio, duration,
    peaks: [Float32Array.from(decode(data.peaks), (v) => v / 255)],
    cursorWidth: 2, autoCenter: false, plugins: [regions, overview], ...waveColours(),
  });
  const wrapper = surfer.getWrapper();
  const pixelsPerSecond = () => wrapper.clientWidth / surfer.getDuration();
  let selection = null, looping = false, chosen = "", position = -1;

  // --- everything below the waveform is one canvas as wide as the view ---
  const canvas = make("canvas", { role: "img" });
  canvas.setAttribute("aria-label", "Spectrogram and events; a table below lists the events.");
  Object.assign(canvas.style, {
    position: "sticky", left: "0", top: "auto", imageRendering: "auto", pointerEvents: "none",
  });
  wrapper.querySelector(".canvases").after(canvas);
  const context = canvas.getContext("2d");
  const rowTop = () => (narrow.matches ? 24 : 0); // room for the name above the row
  const shown = () => classes.filter((c) => !c.hidden);
  const rowHeight = () => ROW + rowTop();
  const tiles = data.spectrogram.tiles.map((source) => {
    const image = new Image();
    image.onload = () => redraw();
    image.src = source;
    return image;
  });
  classes.forEach((c) => {
    c.values = c.scores ? decode(c.scores) : null;
    c.events = events.filter((event) => classes[event.class] === c);
    c.hidden = false;
  });

  let pending = false;
  const redraw = () => {
    if (pending) return;
    pending = true;
    requestAnimationFrame(() => {
      pending = false;
      draw();
    });
  };

  const draw = () => {
    if (!(surfer.getDuration() > 0)) return;
    const width = surfer.getWidth(), height = AXIS + SPECTROGRAM + rowHeight() * shown().length;
    const scale = devicePixelRatio;
    if (canvas.width !== Math.round(width * scale) || canvas.height !== Math.round(height * scale)) {
      canvas.width = Math.round(width * scale);
      canvas.height = Math.round(height * scale);
      canvas.style.width = `${width}px`;
      canvas.style.height = `${height}px`;
    }
    const view = { width, scroll: surfer.getScroll(), zoom: pixelsPerSecond() };
    view.x = (t) => t * view.zoom - view.scroll;
    view.start = view.scroll / view.zoom;
    view.end = (view.scroll + width) / view.zoom;
    context.setTransform(scale, 0, 0, scale, 0, 0);
    context.clearRect(0, 0, width, height);
    drawAxis(view);
    drawSpectrogram(view, AXIS);
    shown().forEach((c, i) => drawRow(view, c, AXIS + SPECTROGRAM + i * rowHeight()));
  };

  const drawAxis = (view) => {
    const steps = [0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600, 7200, 14400];
    const step = steps.find((s) => s * view.zoom >= 70) ?? 36000;
    context.fillStyle = context.strokeStyle = theme.muted;
    context.font = "12px system-ui, sans-serif";
    context.lineWidth = 1;
    context.beginPath();
    for (let k = Math.floor(view.start / step); k * step <= Math.min(view.end, duration); k++) {
      const x = Math.round(view.x(k * step)) + 0.5;
      context.moveTo(x, 2);
      context.lineTo(x, AXIS - 3);
      const text = clock(k * step, step < 1 ? 1 : 0), width = context.measureText(text).width;
      context.fillText(text, x + 4 + width > canvas.clientWidth ? x - 4 - width : x + 4, 14);
    }
    context.stroke();
  };

  const drawSpectrogram = (view, top) => {
    const { columnsPerTile, columnsPerSecond, frequencies } = data.spectrogram;
    const seconds = columnsPerTile / columnsPerSecond;
    for (let i = Math.max(0, Math.floor(view.start / seconds)); i * seconds < view.end; i++) {
      const tile = tiles[i];
      if (!tile) break;
      if (!tile.complete || !tile.naturalWidth) continue;
      const width = (tile.naturalWidth / columnsPerSecond) * view.zoom;
      context.drawImage(tile, view.x(i * seconds), top, width + 0.5, SPECTROGRAM);
    }
    context.font = "11px system-ui, sans-serif";
    context.lineWidth = 3;
    context.strokeStyle = "#000000";
    context.fillStyle = "#ffffff";
    for (const [label, place] of frequencies) {
      const y = top + SPECTROGRAM * (1 - place), base = Math.min(y + 4, top + SPECTROGRAM - 3);
      context.fillRect(0, Math.round(y), 5, 1);
      context.strokeText(label, 8, base);
      context.fillText(label, 8, base);
    }
  };

  const drawRow = (view, c, top) => {
    const colour = colourOf(c);
    context.fillStyle = theme.chosen;
    if (c.name === chosen) context.fillRect(0, top, view.width, rowHeight());
    context.fillStyle = theme.line;
    context.fillRect(0, top, view.width, 1);
    top += rowTop();
    if (c.values) drawScores(view, c, top + 3, ROW - 6, colour);
    for (const event of c.events) {
      if (event.offset < view.start || event.onset > view.end) continue;
      const x = view.x(event.onset), width = Math.max(2, (event.offset - event.onset) * view.zoom);
      drawEvent(context, event, x, top + (event.kind === "reference" ? 9 : 33), width, colour);
    }
  };

  const drawScores = (view, c, top, height, colour) => {
    const { hop } = data.scores;
    const place = (score) => Math.round(top + (1 - score) * height) + 0.5; // sharp: within a pixel
    const bottom = place(0);
    context.beginPath();
    context.moveTo(0, bottom);
    let x = 0, before = bottom; // a point only where the curve moves: panning stays smooth
    for (; x < view.width; x++) {
      const first = Math.floor((view.start + x / view.zoom) / hop);
      if (first >= c.values.length) break;
      const last = Math.max(first + 1, Math.floor((view.start + (x + 1) / view.zoom) / hop));
      let highest = 0;
      for (let i = first; i < Math.min(last, c.values.length); i++) {
        if (c.values[i] > highest) highest = c.values[i];
      }
      const y = place(highest / 255);
      if (y === before) continue;
      context.lineTo(x + 0.5, before);
      context.lineTo(x + 0.5, y);
      before = y;
    }
    context.lineTo(x + 0.5, before);
    context.strokeStyle = context.fillStyle = colour;
    context.lineWidth = 1.5;
    context.stroke();
    context.lineTo(x + 0.5, bottom);
    context.globalAlpha = 0.16;
    context.fill();
    context.globalAlpha = 1;
    if (c.threshold !== null) {
      const y = place(c.threshold);
      context.strokeStyle = theme.muted;
      context.lineWidth = 1;
      context.setLineDash([5, 4]);
      context.beginPath();
      context.moveTo(0, y);
      context.lineTo(view.width, y);
      context.stroke();
      context.setLineDash([]);
    }
  };

  const compared = classes.some((c) => c.compared);

  // Errors differ in pattern, outline and sign as well as in colour.
  const drawEvent = (at, event, x, y, width, colour) => {
    const wrong = event.mark === "miss" || event.mark === "false alarm";
    const from = Math.max(x, -4), to = Math.min(x + width, 1e4);
    at.save();
    at.beginPath();
    at.rect(from, y, to - from, LANE);
    if (event.kind === "estimated") {
      at.fillStyle = wrong ? theme.back : colour;
      at.globalAlpha = compared && !event.mark ? 0.35 : 1; // nobody knows whether it is right
      at.fill();
      at.globalAlpha = 1;
    }
    if (wrong) {
      at.strokeStyle = event.mark === "miss" ? theme.miss : theme["false-alarm"];
      at.save();
      at.clip();
      at.lineWidth = event.mark === "miss" ? 1.2 : 2.5;
      at.beginPath();
      const first = x + Math.max(0, Math.floor((from - x) / 7) - 3) * 7;
      for (let at_x = first - LANE; at_x < to; at_x += 7) {
        at.moveTo(at_x, event.mark === "miss" ? y + LANE : y);
        at.lineTo(at_x + LANE, event.mark === "miss" ? y : y + LANE);
      }
      at.stroke();
      at.restore();
      at.setLineDash(event.mark === "miss" ? [4, 3] : []);
    } else {
      at.strokeStyle = colour;
    }
    at.lineWidth = 2;
    at.strokeRect(from + 1, y + 1, Math.max(0.5, to - from - 2), LANE - 2);
    at.setLineDash([]);
    if (wrong) drawSign(at, event, x + width / 2, y, width);
    at.restore();
  };

  const drawSign = (at, event, x, y, width) => {
    const inside = width >= 22, miss = event.mark === "miss";
    const middle = inside ? y + LANE / 2 : miss ? y - 4 : y + LANE + 5;
    if (inside) {
      at.fillStyle = theme.back;
      at.fillRect(x - 7, y + 2, 14, LANE - 4);
    }
    at.lineWidth = 2;
    at.beginPath();
    if (miss) {
      at.arc(x, middle, 3.2, 0, 7);
    } else {
      at.moveTo(x - 3.5, middle - 3.5);
      at.lineTo(x + 3.5, middle + 3.5);
      at.moveTo(x + 3.5, middle - 3.5);
      at.lineTo(x - 3.5, middle + 3.5);
    }
    at.stroke();
  };

  // --- names of the rows, and which of them are shown ---
  const countText = (c) => {
    const count = (test) => c.events.filter(test).length;
    if (!c.compared) return `${count((e) => e.kind === "estimated")} detected`;
    const [hits, misses, alarms] = [
      (e) => e.mark === "hit" && e.kind === "reference",
      (e) => e.mark === "miss",
      (e) => e.mark === "false alarm",
    ].map(count);
    return `${hits} hit, ${misses} missed, ${alarms} false`;
  };
  const head = (height, ...children) => {
    const element = make("div", { className: "head muted plain" }, ...children);
    element.style.height = `${height}px`;
    return element;
  };
  const fillHeads = () => {
    const rows = shown().map((c) => {
      const swatch = make("span", { className: "swatch" });
      swatch.style.background = colourOf(c);
      const button = make("button", { className: "name", title: c.name }, swatch, make("span", {}, c.name));
      button.setAttribute("aria-pressed", c.name === chosen);
      button.addEventListener("click", () => choose(c.name === chosen ? "" : c.name));
      const row = head(rowHeight(), button, make("span", { className: "counts" }, countText(c)));
      row.className = `head row${c.name === chosen ? " chosen" : ""}`;
      return row;
    });
    get("heads").replaceChildren(
      head(WAVE, "waveform"), head(AXIS, "time"), head(SPECTROGRAM, "spectrogram"), ...rows,
    );
  };
  const choose = (name) => {
    chosen = name;
    position = -1;
    get("class").value = name;
    const focused = document.activeElement?.className === "name" && document.activeElement.title;
    fillHeads();
    if (focused) [...document.querySelectorAll(".name")].find((b) => b.title === focused)?.focus();
    redraw();
  };
  classes.forEach((c) => {
    const box = make("input", { type: "checkbox", checked: true });
    box.addEventListener("change", () => {
      c.hidden = !box.checked;
      if (c.hidden && c.name === chosen) choose("");
      fillHeads();
      redraw();
    });
    get("classes").querySelector(".choices").append(make("label", {}, box, c.name));
    get("class").append(make("option", { value: c.name }, c.name));
  });
  get("class").prepend(make("option", { value: "", selected: true }, "all classes"));
  get("class").addEventListener("change", (e) => choose(e.target.value));

  // --- moving, zooming, playing ---
  const show = (t) => {
    const x = t * pixelsPerSecond();
    if (x < surfer.getScroll() || x > surfer.getScroll() + surfer.getWidth()) {
      surfer.setScroll(x - surfer.getWidth() * 0.3);
    }
  };
  const seek = (t) => {
    // Not by surfer.setTime, which may lose one of two seeks in quick succession.
    audio.currentTime = Math.min(Math.max(t, 0), duration);
    show(audio.currentTime);
  };
  const zoomTo = (zoom, time, x) => {
    const least = surfer.getWidth() / surfer.getDuration();
    surfer.zoom(Math.min(Math.max(zoom, least), Math.max(MOST_ZOOM, least)));
    surfer.setScroll(time * pixelsPerSecond() - x);
    redraw();
  };
  const zoomBy = (factor, x = surfer.getWidth() / 2) =>
    zoomTo(pixelsPerSecond() * factor, (surfer.getScroll() + x) / pixelsPerSecond(), x);
  const zoomInto = (start, end) =>
    zoomTo((surfer.getWidth() * 0.9) / Math.max(end - start, 0.02), (start + end) / 2, surfer.getWidth() / 2);
  const describe = (e) => {
    const span = `${clock(e.onset, 2)} to ${clock(e.offset, 2)}`;
    const score = e.mean === null ? "" : `; score ${e.mean.toFixed(2)}, peak ${e.peak.toFixed(2)}`;
    return `${e.mark || (e.kind === "reference" ? "reference" : "detected")}: ${classes[e.class].name}, ${span}${score}`;
  };
  const jump = (direction) => {
    const targets = events.filter((e) => {
      const c = classes[e.class];
      const counts = compared ? e.mark === "miss" || e.mark === "false alarm" : true;
      return counts && !c.hidden && (!chosen || c.name === chosen);
    });
    const now = audio.currentTime;
    // Several may begin at one time: go on from the one where the last jump ended, if still there.
    const here = targets.indexOf(events[position]);
    const index = here >= 0 && Math.abs(targets[here].onset - now) < 0.05 ? here + direction
      : direction > 0 ? targets.findIndex((e) => e.onset > now + 0.01)
      : targets.findLastIndex((e) => e.onset < now - 0.01);
    const target = targets[index];
    if (!target) {
      get("status").textContent = `No ${direction > 0 ? "later" : "earlier"} ${compared ? "error" : "event"}.`;
      return;
    }
    position = events.indexOf(target);
    seek(target.onset);
    get("status").textContent = `${describe(target)} (${index + 1} of ${targets.length})`;
  };
  const setLooping = (on) => {
    looping = on && selection !== null;
    get("loop").setAttribute("aria-pressed", looping);
    if (looping) seek(selection.start);
  };
  let zooming = false, selecting = false;
  const select = (start, end) => {
    selection?.remove();
    selection = null;
    selecting = true;
    if (end > start) selection = regions.addRegion({ start, end, color: theme.selected });
    selecting = false;
    get("loop").disabled = get("zoom-selection").disabled = selection === null;
    setLooping(selection !== null);
    get("status").textContent = selection
      ? `Selected ${clock(start, 2)} to ${clock(end, 2)}; playing repeats it.` : "";
  };

  wrapper.addEventListener("pointerdown", (e) => { zooming = e.shiftKey; }, true);
  regions.enableDragSelection({ color: theme.selected });
  regions.on("region-created", (region) => {
    if (selecting) return; // by `select` itself
    const { start, end } = region;
    region.remove();
    if (zooming) zoomInto(start, end);
    else select(start, end);
  });
  surfer.on("timeupdate", (t) => {
    get("time").textContent = `${clock(t)} / ${clock(duration)}`;
    if (!looping || audio.paused) return;
    if (t >= selection.end || t < selection.start - 0.3) audio.currentTime = selection.start;
  });
  audio.addEventListener("ended", () => {
    if (looping) surfer.play(selection.start);
  });
  for (const event of ["scroll", "redraw", "zoom", "resize", "ready"]) surfer.on(event, redraw);
  wrapper.parentElement.addEventListener("wheel", (e) => {
    if (!e.ctrlKey && !e.metaKey && !e.altKey) return; // the page and the tracks scroll as always
    e.preventDefault();
    zoomBy(Math.exp(-e.deltaY / 300), e.clientX - wrapper.parentElement.getBoundingClientRect().left);
  }, { passive: false });
  wrapper.addEventListener("pointermove", (e) => {
    if (e.buttons) return;
    const box = canvas.getBoundingClientRect();
    const t = (surfer.getScroll() + e.clientX - box.left) / pixelsPerSecond();
    const c = shown()[Math.floor((e.clientY - box.top - AXIS - SPECTROGRAM) / rowHeight())];
    const margin = 3 / pixelsPerSecond();
    const found = c?.events.filter((v) => v.onset - margin <= t && t <= v.offset + margin) ?? [];
    wrapper.title = found.map(describe).join("\n");
  });

  // --- the button says what it will do ---
  const showState = () => {
    get("play").textContent = audio.paused ? "▶ Play" : "❚❚ Pause";
  };
  audio.addEventListener("play", showState);
  audio.addEventListener("pause", showState);

  const chooseNext = (step) => {
    const all = ["", ...shown().map((c) => c.name)];
    choose(all[(all.indexOf(chosen) + step + all.length) % all.length]);
  };
  const whole = () => zoomTo(0, 0, 0);
  const now = () => audio.currentTime;
  const keys = {
    " ": () => surfer.playPause(),
    ArrowLeft: (e) => seek(now() - (e.shiftKey ? 10 : 1)),
    ArrowRight: (e) => seek(now() + (e.shiftKey ? 10 : 1)),
    c: () => chooseNext(1),
    C: () => chooseNext(-1),
    n: () => jump(1),
    p: () => jump(-1),
    l: () => setLooping(!looping),
    z: () => selection && zoomInto(selection.start, selection.end),
    "[": () => select(now(), Math.max(selection?.end ?? 0, Math.min(now() + 1, duration))),
    "]": () => select(Math.min(selection?.start ?? now(), Math.max(now() - 1, 0)), now()),
    Escape: () => select(0, 0),
    "+": () => zoomBy(1.5),
    "=": () => zoomBy(1.5),
    "-": () => zoomBy(1 / 1.5),
    0: whole,
  };
  document.addEventListener("keydown", (e) => {
    if (e.ctrlKey || e.metaKey || e.altKey || !Object.hasOwn(keys, e.key)) return;
    const own = e.key === " " ? "button, summary, a, input, select" : "select";
    if (e.target.closest(own)) return; // the element has its own use for the key
    e.preventDefault();
    keys[e.key](e);
  });
  const buttons = {
    play: " ", "zoom-in": "+", "zoom-out": "-", whole: "0", loop: "l",
    "zoom-selection": "z", previous: "p", next: "n",
  };
  Object.entries(buttons).forEach(([id, key]) => get(id).addEventListener("click", (e) => {
    keys[key](e);
    if (e.detail) get(id).blur(); // after a click of the mouse, the space bar plays
  }));

  // --- legend, facts, and the table of all events ---
  const marks = compared
    ? [
        ["reference", "hit"], ["estimated", "hit"], ["reference", "miss"], ["estimated", "false alarm"],
        ["reference", ""], ["estimated", ""],
      ]
    : [["reference", ""], ["estimated", ""]];
  const meaning = {
    "reference hit": "reference, detected", "estimated hit": "detected, correct",
    "reference miss": "reference, missed", "estimated false alarm": "false alarm",
    "reference ": compared ? "reference, not compared" : "reference",
    "estimated ": compared ? "detected, not compared" : "detected",
  };
  const fillLegend = () => {
    const drawn = marks.filter(([kind, mark]) => events.some((e) => e.kind === kind && !e.mark === !mark));
    const entries = drawn.map(([kind, mark]) => {
      const sample = make("canvas", { width: 88, height: 32 });
      sample.style.width = "44px";
      sample.setAttribute("aria-hidden", "true");
      const at = sample.getContext("2d");
      at.scale(2, 2);
      drawEvent(at, { kind, mark }, 2, 1, 40, theme.text);
      return make("span", {}, sample, meaning[`${kind} ${mark}`]);
    });
    if (data.scores) entries.push(make("span", {}, "Curve: score. Dashed line: threshold."));
    if (compared) entries.push(make("span", { className: "muted" }, data.rule));
    get("legend").replaceChildren(...entries);
  };
  get("facts").textContent = data.facts;
  if (!compared) {
    get("jump-label").textContent = "Events of";
    get("jump-kind").textContent = "event";
  }
  get("list").addEventListener("toggle", () => {
    const titles = ["class", "kind", "onset", "offset", "duration (s)", "mean score", "peak score"];
    const headings = titles.map((text) => make("th", { scope: "col" }, make("button", {}, text)));
    const rows = events.map((e) => {
      const number = (value, text) => {
        const cell = make("td", { className: "number" }, text);
        cell.dataset.value = value ?? "";
        return cell;
      };
      const start = make("button", {}, clock(e.onset, 2));
      start.setAttribute("aria-label", `Play at ${clock(e.onset, 2)}`);
      start.addEventListener("click", () => { seek(e.onset); surfer.play(); });
      const scores = [e.mean, e.peak].map((v) => number(v, v === null ? "–" : v.toFixed(2)));
      return make("tr", {},
        make("td", {}, classes[e.class].name),
        make("td", {}, [e.kind === "reference" ? "reference" : "detected", e.mark].filter(Boolean).join(", ")),
        number(e.onset, start), number(e.offset, clock(e.offset, 2)),
        number(e.offset - e.onset, (e.offset - e.onset).toFixed(2)), ...scores);
    });
    const table = make("table", {}, make("thead", {}, make("tr", {}, ...headings)), make("tbody", {}, ...rows));
    get("list").querySelector("div").append(table);
    makeSortable(table);
  }, { once: true });

  // --- what changes with the reader's settings, and the first picture ---
  const restyle = () => {
    theme = readTheme();
    overview.destroy();
    overview = surfer.registerPlugin(makeOverview());
    surfer.setOptions(waveColours()); // draws again, by which the overview learns what is in view
    fillHeads();
    fillLegend();
    redraw();
  };
  dark.addEventListener("change", restyle);
  narrow.addEventListener("change", restyle);
  const followAddress = () => {
    const time = Number(/^#t=([\d.]+)$/.exec(location.hash)?.[1]);
    if (!time) return;
    zoomTo(surfer.getWidth() / 60, time, surfer.getWidth() / 3); // a minute around it
    seek(time);
  };
  addEventListener("hashchange", followAddress);
  surfer.once("ready", () => {
    followAddress();
    document.documentElement.dataset.ready = "yes";
  });
  get("time").textContent = `${clock(0)} / ${clock(duration)}`;
  fillHeads();
  fillLegend();
  redraw();
}
