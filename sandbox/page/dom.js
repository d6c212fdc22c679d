// Making elements without ever parsing text as HTML: what a bot writes can only become text nodes.

/** Makes an element. Keys of `props`: `class`, `text`, `data`, `on` (event → listener), and attributes; `false` and `null` are left out. */
export function el(tag, props = {}, ...children) {
  const element = document.createElement(tag);
  for (const [key, value] of Object.entries(props)) {
    if (value === null || value === undefined || value === false) continue;
    if (key === "class") element.className = value;
    else if (key === "text") element.textContent = value;
    else if (key === "data") Object.assign(element.dataset, value);
    else if (key === "on") for (const [event, listener] of Object.entries(value)) element.addEventListener(event, listener);
    else element.setAttribute(key, value === true ? "" : String(value));
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

const SHAPES = {
  send: "M4 12 20 4l-4 16-4-7-8-1Z M12 13l8-9",
  attach: "M20 11.5 12 19.5a5 5 0 0 1-7-7l8.5-8.5a3.4 3.4 0 0 1 4.8 4.8L10 17a1.7 1.7 0 0 1-2.4-2.4L15 7.2",
  menu: "M5 7h14M5 12h14M5 17h9",
  slash: "M15 4 9 20",
  keyboard: "M4 6h16v12H4ZM7.5 10h.01M12 10h.01M16.5 10h.01M8 14h8",
  close: "M6 6l12 12M18 6 6 18",
  more: "M12 5.5v.01M12 12v.01M12 18.5v.01",
  down: "M6 9l6 6 6-6",
  up: "M6 15l6-6 6 6",
  check: "M5 12.5l4.5 4.5L19 7",
  copy: "M9 9h10v10H9ZM5 15V5h10",
  link: "M8 16 17 7M10 7h7v7",
  card: "M4 7h16v11H4ZM4 11h16",
  window: "M5 5h14v14H5ZM5 9.5h14",
  share: "M5 12h13M13 7l5 5-5 5",
  reply: "M10 6 4 12l6 6M4 12h10a6 6 0 0 1 6 6",
  file: "M7 4h7l4 4v12H7ZM14 4v4h4",
  download: "M12 4v11M7.5 11 12 15.5 16.5 11M5 19.5h14",
  sun: "M12 8.5a3.5 3.5 0 1 0 0 7 3.5 3.5 0 0 0 0-7ZM12 3v2M12 19v2M3 12h2M19 12h2M5.6 5.6 7 7M17 17l1.4 1.4M5.6 18.4 7 17M17 7l1.4-1.4",
  moon: "M19 14.5A7.5 7.5 0 0 1 9.5 5a7.5 7.5 0 1 0 9.5 9.5Z",
  auto: "M12 4a8 8 0 1 0 0 16ZM12 4a8 8 0 0 1 0 16",
  fault: "M13 3 5 14h6l-1 7 8-11h-6l1-7Z",
  globe: "M12 4a8 8 0 1 0 0 16 8 8 0 0 0 0-16ZM4 12h16M12 4c3 3 3 13 0 16M12 4c-3 3-3 13 0 16",
  block: "M12 4a8 8 0 1 0 0 16 8 8 0 0 0 0-16ZM6.5 6.5l11 11",
  trash: "M5 7h14M9 7V4.5h6V7M7 7l1 13h8l1-13",
  photo: "M4 5h16v14H4ZM4 16l5-5 4 4 3-3 4 4M15.5 9h.01",
  star: "M12 3.6l2.6 5.3 5.8.8-4.2 4.1 1 5.8-5.2-2.7-5.2 2.7 1-5.8L3.6 9.7l5.8-.8Z",
  phone: "M8 3h8v18H8ZM11 18h2",
};

/** A small stroked icon; decoration only, so it is hidden from assistive technology. */
export function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  svg.setAttribute("class", `icon icon-${name}`);
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  path.setAttribute("d", SHAPES[name] ?? SHAPES.file);
  svg.append(path);
  return svg;
}

/** A button with an icon and a spoken name. */
export function iconButton(name, label, onPress, props = {}) {
  const { class: extra = "", ...rest } = props;
  return el("button", { type: "button", class: `icon-button ${extra}`, "aria-label": label, title: label, on: { click: onPress }, ...rest }, icon(name));
}

/** Arrow keys move the focus among `items`, so that a list is one stop of the Tab key. Returns true when it used the key. */
export function moveFocus(event, items, { next = "ArrowDown", previous = "ArrowUp" } = {}) {
  const at = items.indexOf(document.activeElement);
  const goal = { [next]: at + 1, [previous]: at - 1, Home: 0, End: items.length - 1 }[event.key];
  if (goal === undefined || items.length === 0) return false;
  event.preventDefault();
  items[(goal + items.length) % items.length].focus();
  return true;
}

export const calm = () => matchMedia("(prefers-reduced-motion: reduce)").matches;
